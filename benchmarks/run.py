"""``python -m benchmarks.run``: measure the cases, print the page, keep it if asked to."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
from MedAISegLib.core.data_home import HOME_VARIABLE

from Testing.conftest import shared_data_folder

from .cases import QUICK, BenchmarkCase, chosen
from .cold import compile_byte_code, measure_pair
from .environment import available_threads, describe, variables
from .foreseen import predicted_need
from .page import RESULTS_JSON, write_page
from .record import CaseRecord, Occasion, Record, read_record, write_record
from .report import render
from .setting import Setting, as_printed, make_setting, our_command, their_command
from .warm import measure_warm


@click.command()
@click.option("--quick", is_flag=True, help="Only the shortest cases.")
@click.option("--only", multiple=True, help="A model or a case: spleen, spleen-small. Repeatable; see --list.")
@click.option("--list", "listed", is_flag=True, help="Name the cases, and measure nothing.")
@click.option("--kind", type=click.Choice(["cold", "warm"]), help="Only whole commands, or only warm runs.")
@click.option("--pairs", type=click.IntRange(1), help="Turns of each kind, in place of the case's own number.")
@click.option("--threads", type=click.IntRange(1), default=available_threads, help="For either side; default: all.")
@click.option("--data", type=click.Path(path_type=Path, exists=True), default=shared_data_folder, help="Test data.")
@click.option(
    "--record", is_flag=True, help="Write RESULTS.md and results.json, in which other cases keep their place."
)
def main(
    quick: bool,
    only: tuple[str, ...],
    listed: bool,
    kind: str | None,
    pairs: int | None,
    threads: int,
    data: Path,
    record: bool,
) -> None:
    """Run us and the references side by side."""
    try:
        cases = chosen(only or (QUICK if quick else ()))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if listed:
        click.echo("\n".join(f"{case.name:22}{case.model.text}; {case.image.text}" for case in cases))
        return
    kept = read_record(RESULTS_JSON) if record else Record()
    for case in cases:
        for measured in measure(case, kept.case(case.name), data, threads, pairs or case.pairs, kind):
            kept = kept.with_case(measured)
            if record:
                write_record(kept, RESULTS_JSON)
                write_page()
    click.echo(render(kept))


def measure(
    case: BenchmarkCase, before: CaseRecord | None, data: Path, threads: int, pairs: int, kind: str | None
) -> Iterator[CaseRecord]:
    """Both sides of a case, in a folder that is gone afterwards: first what the cold runs gave, then the warm too.

    Where only one kind is measured, what is known of the other stays.
    """
    now = Occasion(datetime.now(UTC).isoformat(timespec="minutes"), describe(threads))
    with tempfile.TemporaryDirectory(prefix="medaiseg-benchmark-") as name:
        setting = make_setting(case, data, Path(name))
        # What is found out about a model is found out here, by the first run.
        given = variables(threads) | {HOME_VARIABLE: str(setting.folder / "home")}
        record = CaseRecord(
            case=case.name,
            model=case.model.text,
            reference=case.model.reference,
            image=case.image.text,
            changed=setting.model.changed,
            commands=_printed_commands(setting),
            cold=before.cold if before else (),
            cold_on=before.cold_on if before else None,
            warm=before.warm if before else (),
            warm_on=before.warm_on if before else None,
            warm_baselines=before.warm_baselines if before else None,
            warm_agreement=before.warm_agreement if before else None,
            predicted_bytes=predicted_need(setting, on_gpu=False).host_bytes,
        )
        if kind != "warm":
            compile_byte_code(setting, given)
            cold = []
            for n in range(pairs):
                click.echo(f"{case.name}: cold pair {n + 1}", err=True)
                cold.append(measure_pair(setting, given))
            record = replace(record, cold=tuple(cold), cold_on=now)
            yield record
        if kind != "cold":
            click.echo(f"{case.name}: {pairs} warm pairs", err=True)
            warm = measure_warm(setting, pairs, given)
            yield replace(
                record,
                warm=warm.pairs,
                warm_on=now,
                warm_baselines=warm.baselines,
                warm_agreement=warm.agreement,
            )


def _printed_commands(setting: Setting) -> tuple[str, str]:
    output = setting.folder / "printed"
    ours, theirs = our_command(setting, output), their_command(setting, output)
    return as_printed(ours, setting, output), as_printed(theirs, setting, output)


if __name__ == "__main__":
    main()
