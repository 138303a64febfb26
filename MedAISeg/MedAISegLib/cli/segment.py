"""``medaiseg segment``: images in, segmentation files out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from ..app.job import SegmentationJob
from ..core.case import Case
from ..core.device_name import check_device_name
from ..core.errors import UsageError
from ..core.region import read_region
from ..core.result import JobResult
from .console import show_inputs, show_notices, shown_progress, stdout_console
from .documents import OPTION, print_json
from .files import FORMATS, TABLES, USUAL, file_names, left_over_notice, moved, parse_formats, plan_files, write_files
from .interrupts import Interrupts, pass_interrupts
from .output import check_output, filled
from .parameters import GivenPath, not_empty
from .report import print_result, result_document


@dataclass(frozen=True)
class SegmentRequest:
    """What ``medaiseg segment`` was asked for.

    Attributes:
        source: folder or file, None where the channels name every image, or a database is given.
        database: Slicer's DICOM database, whose series are named by their UID.
        series_uid: of the series to take, empty where the one that fits shall be found.
        channels: file, folder or series UID by channel name.
        output: folder for the files.
        formats: empty for the usual ones.
        probabilities: those of all classes are written beside the labels.
    """

    job: SegmentationJob
    source: Path | None
    output: Path
    database: Path | None = None
    series_uid: str = ""
    channels: Mapping[str, str] = field(default_factory=dict)
    formats: tuple[str, ...] = ()
    overwrite: bool = False
    probabilities: bool = False


@click.command("segment", short_help="Segment the images of a folder or file.")
@click.argument("source", metavar="[INPUT]", required=False, type=GivenPath())
@click.option(
    "--model",
    "-m",
    required=True,
    callback=not_empty,
    help="Id of an installed model ('medaiseg models'), or its path.",
)
@click.option("--output", "-o", required=True, type=GivenPath(), help="Folder for the files.")
@click.option(
    "--series",
    default="",
    callback=not_empty,
    metavar="UID",
    help="Segment this DICOM series of INPUT or of the database; UID:2 the second image of one that holds several.",
)
@click.option(
    "--slicer-database",
    "database",
    metavar="PATH",
    type=GivenPath(),
    help="3D Slicer's DICOM database (its folder), in place of INPUT; --series or --channel name what to take.",
)
@click.option(
    "--channel",
    "channels",
    multiple=True,
    metavar="NAME=IMAGE",
    help="The image of one of the model's channels: a file, a folder, or a series UID. Repeatable.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda:N or mps.")
@click.option(
    "--backend",
    type=click.Choice(("auto", "eager", "onednn", "openvino")),
    default="auto",
    help="What computes the network. Without it the fastest that leaves the labels as they are, measured once. "
    "openvino converts the network first, once, which can take minutes.",
)
@click.option(
    "--precision",
    type=click.Choice(("auto", "fp32", "tf32", "fp16", "bf16")),
    default="auto",
    help="In how many bits it multiplies. Without it: 32 on CPUs; fewer on GPUs where that leaves the labels.",
)
@click.option(
    "--format",
    "formats",
    default="",
    callback=not_empty,
    metavar="LIST",
    help=f"Among {','.join(FORMATS)}. Without it: seg.nrrd, nifti, and dicom-seg where INPUT is DICOM.",
)
@click.option("--probabilities", is_flag=True, help="Write the probabilities of all classes as well, as 4-D NIfTI.")
@click.option(
    "--labels",
    default="",
    callback=not_empty,
    metavar="LIST",
    help="Only these segments, by name, separated by commas.",
)
@click.option(
    "--region",
    default="",
    callback=not_empty,
    metavar="BOX",
    help="x0,x1,y0,y1,z0,z1 in LPS mm, or a Slicer ROI (.mrk.json).",
)
@click.option("--keep-largest", is_flag=True, help="Of each segment, keep the largest connected part.")
@click.option(
    "--test-time-flips/--no-test-time-flips",
    default=None,
    help="Average over all flips: slower, often a little better. Without it the model decides.",
)
@click.option("--accept", is_flag=True, help="Go on where the images raise a question, under the assumption named.")
@click.option("--overwrite", is_flag=True, help="Replace the files of an earlier run.")
@click.option(OPTION, "as_json", is_flag=True, help="One JSON document on stdout instead of tables.")
@pass_interrupts
def command(
    interrupts: Interrupts,
    source: Path | None,
    model: str,
    output: Path,
    series: str,
    database: Path | None,
    channels: tuple[str, ...],
    device: str,
    backend: str,
    precision: str,
    formats: str,
    probabilities: bool,
    labels: str,
    region: str,
    keep_largest: bool,
    test_time_flips: bool | None,
    accept: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Segment INPUT: a folder of DICOM (or other images), or one file of NIfTI, NRRD, MetaImage, Analyze, MINC or MGH.

    \b
    Examples:
      medaiseg segment scan/ --model hippocampus --output result/ --region 15,50,-40,20,-30,10
      medaiseg segment --model brats --channel T1c=t1c.nii.gz --channel FLAIR=flair.nii.gz ... --output result/
      medaiseg segment --slicer-database ~/Documents/SlicerDICOMDatabase --series 1.2.3.4 --model ... --output result/

    The result lies on the grid of the (first) image. Of a folder with several series, the one that fits the model is
    taken; where several do, they are listed for you to choose with --series. Where one series holds several images
    (orientations, time points), 'medaiseg inspect' lists what each is called.
    """  # noqa: D301  # click's mark of a paragraph that is not to be wrapped is a real backspace
    check_device_name(device)
    named = _named_channels(channels)
    _check_sources(source, database, series=series, channels=named)
    job = SegmentationJob(
        model=model,
        device=device,
        labels=tuple(name.strip() for name in labels.split(",") if name.strip()),
        region=read_region(region) if region else None,
        test_time_flips=test_time_flips,
        keep_largest_component=keep_largest,
        accept=accept,
        backend=backend,
        precision=precision,
    )
    request = SegmentRequest(
        job, source, output, database, series, named, parse_formats(formats), overwrite, probabilities
    )
    with interrupts.abandonable():
        case, result = carry_out(request, interrupts)
    if as_json:
        print_json(result_document(case, result))
    else:
        print_result(stdout_console(), result, output)


def carry_out(request: SegmentRequest, interrupts: Interrupts) -> tuple[Case, JobResult]:
    """Read, segment, write; the output folder is checked before anything is computed.

    Returns:
        What was segmented, and what came of it.

    Raises:
        MedAISegError: of any kind; nothing is left in the output folder then.
    """
    from ..app.options import wanted_segments
    from ..app.probabilities import FILE_NAMES
    from ..app.segment import check_device, load_model, notices_before_run, open_model, run, with_final_figures
    from ..app.study import read_case

    job = request.job
    with shown_progress(interrupts) as progress:
        source = open_model(job.model)
        check_device(job, source.spec)
        names = [segment.name for segment in wanted_segments(source.spec, job.labels)]
        further = list(FILE_NAMES) if request.probabilities else []
        check_output(
            request.output, [*further, *file_names((*request.formats, TABLES), names)], overwrite=request.overwrite
        )
        case = read_case(
            source.spec,
            request.source,
            database=request.database,
            series_uid=request.series_uid,
            channels=request.channels,
            accept=job.accept,
            progress=progress,
        )
        plan = plan_files(request.formats or USUAL, case.first.series, all_needed=bool(request.formats))
        files = [*further, *file_names(plan.formats, names)]
        check_output(request.output, files, overwrite=request.overwrite)
        left = left_over_notice(request.output, [segment.name for segment in source.spec.segments], files)
        said = (*plan.notices, *left, *notices_before_run(source.spec, job, case))
        show_inputs(case)
        show_notices(said)
        loaded = load_model(source, progress)
        # Probabilities of an earlier run are not those of these labels.
        replaced = [*files, *FILE_NAMES] if request.overwrite else files
        with filled(request.output, interrupts, replaced=replaced) as folder:
            maps = folder / FILE_NAMES[0] if request.probabilities else None
            segmentation, result = run(job, case, progress, model=loaded, probabilities=maps)
            with interrupts.deferred():
                result = write_files(segmentation, result, plan, folder, progress)
    show_notices(notice for notice in result.notices if notice not in said)
    notices = tuple(dict.fromkeys((*plan.notices, *left, *result.notices)))
    return case, with_final_figures(moved(replace(result, notices=notices), request.output), progress)


def _check_sources(source: Path | None, database: Path | None, *, series: str, channels: Mapping[str, str]) -> None:
    """Raises UsageError unless the images come from one place, and those of a database are named."""
    if database is None:
        if source is None and not channels:
            raise UsageError("no image is given.", remedy="Name a folder or file, or use --channel NAME=IMAGE.")
        return
    if source is not None:
        raise UsageError("the images come either from INPUT or from the database.", where="--slicer-database")
    if not (series or channels):
        raise UsageError(
            "the series is not named.",
            where="--slicer-database",
            remedy="Use --series UID, or --channel NAME=UID; 'medaiseg inspect --slicer-database PATH' lists them.",
        )


def _named_channels(values: tuple[str, ...]) -> dict[str, str]:
    """Image by channel name.

    Raises:
        UsageError: if a value is not NAME=IMAGE, or names a channel twice.
    """
    channels: dict[str, str] = {}
    for value in values:
        name, equals, image = value.partition("=")
        if not (equals and name and image):
            raise UsageError(f"{value!r} is not of the form NAME=IMAGE.", where="--channel")
        if name in channels:
            raise UsageError(f"{name} is given twice.", where="--channel")
        channels[name] = image
    return channels
