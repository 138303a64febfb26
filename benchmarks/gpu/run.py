"""Measure on this machine's GPU, writing the record after every step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import click
import psutil
import torch

from ..cases import BenchmarkCase, chosen
from ..environment import available_threads, describe, processor, variables
from .measure import FAILURES, last_words
from .pack import CASES_FILE
from .record import CPU, Device, GpuRecord, LeftOut, read_gpu_record, write_gpu_record
from .steps import Bench, Step, steps, without_those_done

_NEEDED = {"nnU-Net": ("nnunetv2", "SimpleITK", "dynamic_network_architectures")}
"""Packages of a reference that a bare machine may lack."""


def packed(data: Path, only: tuple[str, ...]) -> list[BenchmarkCase]:
    """The cases that a package was made for, or those of them that are named.

    Raises:
        ValueError: if a name is of none.
    """
    names = {line.split()[0] for line in (data / CASES_FILE).read_text(encoding="utf-8").splitlines()}
    return [case for case in chosen(only) if case.name in names]


def measure_all(
    cases: Sequence[BenchmarkCase], data: Path, output: Path, *, kind: str, quick: bool, minutes: float
) -> GpuRecord:
    """Carry out every step that the record in the file does not hold yet.

    Args:
        kind: ``cuda`` or ``cpu``.
        minutes: after which no further step is begun.
    """
    started_s = time.monotonic()
    threads = available_threads()
    record = read_gpu_record(output) or _new_record(kind, threads)
    can, cannot = _possible(cases)
    _say(cannot)
    record = record.leaving_out(cannot)
    bench = Bench(kind, data, record.device.memory_bytes, variables(threads, kind), threads, quick)
    everything = steps(can, bench)
    todo = list(without_those_done(everything, record))
    if len(todo) < len(everything):
        click.echo(f"skipped, done in an earlier run: {len(everything) - len(todo)} steps", err=True)
    for number, step in enumerate(todo, start=1):
        spent_s = time.monotonic() - started_s
        if spent_s > minutes * 60:
            late = [LeftOut(later.name, "no time was left") for later in todo[number - 1 :]]
            _say(late)
            record = record.leaving_out(late)
            break
        click.echo(f"{number}/{len(todo)} after {spent_s:.0f} s: {step.name}", err=True)
        record = _carried_out(step, record)
        write_gpu_record(record, output)
    write_gpu_record(record, output)
    return record


def _say(left_out: Sequence[LeftOut]) -> None:
    for left in left_out:
        click.echo(f"skipped: {left.step}: {left.reason}", err=True)


def _carried_out(step: Step, record: GpuRecord) -> GpuRecord:
    try:
        record = step.carry_out(record)
    except FAILURES as error:
        click.echo(f"  failed: {last_words(error)}", err=True)
        return record.leaving_out([LeftOut(step.name, last_words(error))])
    kept = tuple(left for left in record.left_out if left.step != step.name)
    return replace(record, done=(*record.done, step.name), left_out=kept)


def _new_record(kind: str, threads: int) -> GpuRecord:
    date = datetime.now(UTC).isoformat(timespec="minutes")
    return GpuRecord(_device(kind), describe(threads), date)


def _device(kind: str) -> Device:
    if kind == CPU:
        return Device(CPU, processor(), psutil.virtual_memory().total)
    properties = torch.cuda.get_device_properties(0)
    return Device(kind, properties.name, properties.total_memory, torch.version.cuda or "")


def _possible(cases: Sequence[BenchmarkCase]) -> tuple[list[BenchmarkCase], list[LeftOut]]:
    can, cannot = list[BenchmarkCase](), []
    for case in cases:
        lacking = [name for name in _NEEDED.get(case.model.reference, ()) if find_spec(name) is None]
        if lacking:
            cannot.append(LeftOut(case.name, f"there is no {', '.join(lacking)} on this machine"))
        else:
            can.append(case)
    return can, cannot
