"""``python -m benchmarks.gpu``: pack the benchmark, run it on a GPU, add its record to the page."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from Testing.conftest import shared_data_folder

from ..cases import chosen
from .images import on_gpu
from .record import CPU, GPU_RESULTS_JSON, read_gpu_record

_PATH = click.Path(path_type=Path)
_ONLY = click.option("--only", multiple=True, help="A model or a case: spleen, spleen-large. Repeatable.")


@click.group()
def main() -> None:
    """Measure on a GPU."""


@main.command()
@click.argument("folder", type=_PATH)
@_ONLY
@click.option("--data", type=click.Path(path_type=Path, exists=True), default=shared_data_folder, help="Test data.")
@click.option("--wheels/--no-wheels", default=False, help="Fetch the small packages that have to travel along.")
def pack(folder: Path, only: tuple[str, ...], data: Path, wheels: bool) -> None:
    """Make the package in FOLDER."""
    from .pack import pack as make

    size = make(folder, chosen(only), data, wheels=wheels)
    click.echo(f"{folder}: {size / 1e6:.1f} MB; on the GPU machine: ./run.sh")


@main.command()
@_ONLY
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True, help="The package's data.")
@click.option("--output", type=_PATH, required=True, help="The record; where it is there, the run goes on from it.")
@click.option("--device", type=click.Choice(["cuda", CPU]), default="cuda", show_default=True)
@click.option("--quick", is_flag=True, help="Each once, and small.")
@click.option("--minutes", type=float, default=600.0, help="After which no further step is begun.")
def run(only: tuple[str, ...], data: Path, output: Path, device: str, quick: bool, minutes: float) -> None:
    """Measure what was packed."""
    import torch

    from .run import measure_all, packed

    if device != CPU and not torch.cuda.is_available():
        raise click.ClickException("torch sees no CUDA device here; --device cpu --quick tries the script out")
    cases = [on_gpu(case) for case in packed(data, only)]
    record = measure_all(cases, data, output, kind=device, quick=quick, minutes=minutes)
    for left in record.left_out:
        click.echo(f"not measured: {left.step}: {left.reason}")
    click.echo(f"{output}: {len(record.done)} steps")


@main.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True))
def add(file: Path) -> None:
    """Keep the record of a GPU, and render the page with it."""
    from ..page import write_page

    record = read_gpu_record(file)
    if record is None or record.device.kind == CPU:
        raise click.ClickException("this record is not of a GPU; it says nothing about one")
    shutil.copy(file, GPU_RESULTS_JSON)
    write_page()


if __name__ == "__main__":
    main()
