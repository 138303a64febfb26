"""``python -m benchmarks.run``: measure the cases, print the page, keep it if asked to."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from Testing.conftest import shared_data_folder

from .cases import CASES, BenchmarkCase
from .cold import measure_pair
from .environment import available_threads, describe, variables
from .record import CaseRecord, Record, read_record, write_record
from .report import render
from .setting import Setting, as_printed, make_setting, our_command, their_command
from .warm import measure_warm

_HERE = Path(__file__).parent
RESULTS_JSON, RESULTS_PAGE = _HERE / "results.json", _HERE / "RESULTS.md"


@click.command()
@click.option("--quick", is_flag=True, help="Only the shortest case.")
@click.option("--only", multiple=True, type=click.Choice([case.name for case in CASES]), help="Repeatable.")
@click.option("--pairs", type=click.IntRange(1), help="Turns of each kind, in place of the case's own number.")
@click.option("--threads", type=click.IntRange(1), default=available_threads, help="For either side; default: all.")
@click.option("--data", type=click.Path(path_type=Path, exists=True), default=shared_data_folder, help="Test data.")
@click.option(
    "--record", is_flag=True, help="Write RESULTS.md and results.json, in which other cases keep their place."
)
def main(quick: bool, only: tuple[str, ...], pairs: int | None, threads: int, data: Path, record: bool) -> None:
    """Run us and the reference side by side."""
    chosen = [case for case in CASES if case.name in only or (not only and (case.quick or not quick))]
    kept = read_record(RESULTS_JSON) if record else Record()
    for case in chosen:
        for measured in measure(case, data, threads, pairs):
            kept = kept.with_case(measured)
            if record:
                write_record(kept, RESULTS_JSON)
                RESULTS_PAGE.write_text(render(kept), encoding="utf-8")
    click.echo(render(kept))


def measure(case: BenchmarkCase, data: Path, threads: int, pairs: int | None) -> Iterator[CaseRecord]:
    """Both sides of a case, in a folder that is gone afterwards: first what the cold runs gave, then the warm too."""
    date = datetime.now(UTC).isoformat(timespec="minutes")
    with tempfile.TemporaryDirectory(prefix="medaiseg-benchmark-") as name:
        setting = make_setting(case, data, Path(name))
        given = variables(threads)
        cold = []
        for n in range(_turns(case.cold_pairs, pairs)):
            click.echo(f"{case.name}: cold pair {n + 1}", err=True)
            cold.append(measure_pair(setting, given))
        record = CaseRecord(
            case=case.name,
            bundle=case.bundle.name,
            image=case.image_text,
            changed=setting.bundle.changed,
            commands=_printed_commands(setting),
            date_utc=date,
            environment=describe(threads),
            cold=tuple(cold),
        )
        yield record
        turns = _turns(case.warm_pairs, pairs)
        if turns:
            click.echo(f"{case.name}: {turns} warm pairs", err=True)
            warm = measure_warm(setting, turns, given)
            yield replace(record, warm=warm.pairs, warm_baselines=warm.baselines, warm_agreement=warm.agreement)


def _turns(usual: int, wanted: int | None) -> int:
    return wanted if usual and wanted else usual


def _printed_commands(setting: Setting) -> tuple[str, str]:
    output = setting.folder / "printed"
    ours, theirs = our_command(setting, output), their_command(setting, output)
    return as_printed(ours, setting, output), as_printed(theirs, setting, output)


if __name__ == "__main__":
    main()
