"""``medaiseg demo``: the whole path on a study of our own making, with pictures of the result."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import click

from ..app.job import SegmentationJob
from ..core.device_name import check_device_name
from ..core.errors import UsageError
from ..core.progress import Poll, RunStage
from ..core.result import JobResult
from ..core.segmentation import Segmentation
from ..core.volume import Volume
from .console import show_notices, shown_progress, stdout_console
from .files import moved, plan_files, write_files
from .interrupts import Interrupts, pass_interrupts
from .output import check_output, disk_errors_explained, filled
from .parameters import GivenPath
from .report import print_result

_MODEL = "hippocampus"
_STUDY = "sample-study"
_OVERLAY = "overlay.png"
_NAMED = 4
"""Of what is in the way, so many entries are named."""

_FORMATS = ("seg.nrrd", "dicom-seg", "nifti", "stl")


@click.command("demo", short_help="Segment a sample study; nothing else is needed.")
@click.option("--output", "-o", default="demo-output", show_default=True, type=GivenPath())
@click.option("--seed", default=0, show_default=True, help="Of the sample study: each number gives another one.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda:N or mps.")
@pass_interrupts
def command(interrupts: Interrupts, output: Path, seed: int, device: str) -> None:
    """Make a sample study, segment it with the model that comes with the program, and write files and pictures.

    The study is drawn from a statistical atlas; it is no patient's image. An earlier demo in the folder is
    replaced; a folder that holds anything else is refused.
    """
    result = _carry_out(output, seed, device, interrupts)
    console = stdout_console()
    print_result(console, result, output)
    console.print(f"  {'study':<10} {_STUDY}/ (DICOM)")
    console.print(_next_steps(output.absolute()), soft_wrap=True, markup=False)


def _carry_out(output: Path, seed: int, device: str, interrupts: Interrupts) -> JobResult:
    from ..app.sample_study import write_sample_study
    from ..app.segment import load_model, open_model, run, with_final_figures
    from ..app.study import read_case

    _check_folder(output)
    check_device_name(device)
    job = SegmentationJob(model=_MODEL, device=device)
    with interrupts.abandonable(), shown_progress(interrupts) as progress:
        source = open_model(job.model)
        with filled(output, interrupts) as folder:
            write_sample_study(folder / _STUDY, seed=seed)
            case = read_case(source.spec, folder / _STUDY, progress=progress)
            plan = plan_files(_FORMATS, case.first.series, all_needed=False)
            segmentation, result = run(job, case, progress, model=load_model(source, progress))
            with interrupts.deferred():
                result = write_files(segmentation, result, plan, folder, progress)
                with progress.stage(RunStage.WRITE):
                    pictures = _draw(segmentation, case.first, folder, interrupts.cancel.raise_if_cancelled)
    show_notices((*plan.notices, *result.notices))
    files = dict(result.files) | {"pictures": pictures}
    return with_final_figures(moved(replace(result, files=files), output), progress)


def _check_folder(output: Path) -> None:
    """A demo replaces an earlier demo and nothing else: neither the result of a run, nor a study of the user's own.

    Raises:
        UsageError: if the folder holds anything other than a demo.
        ResourceError: if it cannot be written.
    """
    check_output(output, (), overwrite=True)
    with disk_errors_explained(output):
        there = sorted(entry.name for entry in output.iterdir()) if output.exists() else []
    if there and not {_STUDY, _OVERLAY} <= set(there):
        others = f" and {len(there) - _NAMED} more" if len(there) > _NAMED else ""
        raise UsageError(
            f"holds {', '.join(there[:_NAMED])}{others}, and no earlier demo.",
            where=str(output),
            remedy="Choose another folder with --output.",
        )


def _draw(segmentation: Segmentation, volume: Volume, folder: Path, poll: Poll) -> tuple[Path, ...]:
    from .pictures import write_overlay

    overlay, surfaces = folder / _OVERLAY, folder / "3d.png"
    poll()
    write_overlay(segmentation, volume, overlay)
    poll()
    if find_spec("vtkmodules") is None:
        return (overlay,)
    from ..slicer_io.surface_picture import write_surface_picture

    write_surface_picture(segmentation, surfaces)
    return overlay, surfaces


def _next_steps(output: Path) -> str:
    return f"""
What next:
  Look at the result    {output / _OVERLAY}
                        {output / "3d.png"}
  Edit it in 3D Slicer  drag {output / _STUDY} and then
                        {output / "segmentation.seg.nrrd"} into Slicer's window
  Your own images       medaiseg inspect FOLDER
                        medaiseg segment FOLDER --model {_MODEL} --output result --region x0,x1,y0,y1,z0,z1
  Other models          medaiseg models
The sample study shows that everything works here; it says nothing about a model's quality on patients."""
