"""A GPU's record as a section of the page of results."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from ..tables import cold_ratios, differing, megabytes, spread, table, warm_ratios
from .record import CappedRun, GpuCase, GpuRecord, PrecisionRow, Profile

_TITLE = "## On a GPU\n"

_PARTS = (
    "warm runs in fp32, TF32, fp16 and bf16",
    "whole commands",
    "memory ladder down to 2 GB of the GPU's memory",
    "profile of a run",
    "overlap of host and device",
    "growth with slices and classes",
    "start and throughput of the worker",
)

_NOTHING = """**None of this has been measured: no GPU was at hand.** `python -m benchmarks.gpu pack FOLDER` makes a
folder that measures it on a machine with one ([how](gpu/README.md)); its record is added here by
`python -m benchmarks.gpu add FILE`.
"""

_WARM_COLUMNS = (
    "case", "precision", "ours s", "reference s", "time ratio", "network ratio", "run ÷ own network",
    "1.3 × network + 0.5 s", "ours GPU MB", "reference GPU MB", "GPU memory predicted ÷ measured", "labels that differ",
    "labels that differ from ours in fp32",
)  # fmt: skip
_COLD_COLUMNS = (
    "case",
    "precision",
    "ours s",
    "reference s",
    "time ratio",
    "ours MB",
    "reference MB",
    "labels that differ",
)
_LADDER_COLUMNS = ("case", "cap", "side", "outcome", "seconds", "GPU MB", "labels that differ from those without a cap")
_OVERLAP_COLUMNS = ("case", "precision", "run s", "GPU busy", "GPU idle s", "copies s", "copies behind computing")
_OPERATOR_COLUMNS = ("operator", "calls", "GPU s", "host s")
_GROWTH_COLUMNS = ("slices", "classes", "run s", "around the network s", "host MB above input and labels", "GPU MB")

_OPERATORS_SHOWN = 10
_ALLOWED_RATIO, _ALLOWED_S = 1.3, 0.5


def gpu_section(record: GpuRecord | None) -> str:
    """Markdown; without a record it says what is not measured."""
    if record is None:
        return "\n".join([_TITLE, _NOTHING, table(("what", "state"), [(part, "not measured") for part in _PARTS])])
    parts = [_TITLE, _machine(record)]
    if warm := [case for case in record.cases if case.rows]:
        parts += ["### Runs in a process that has run before\n", table(_WARM_COLUMNS, _warm_rows(warm))]
    if cold := [case for case in record.cases if case.cold]:
        parts += ["### Whole commands, cold\n", table(_COLD_COLUMNS, map(_cold_row, cold))]
    if record.ladder:
        parts += ["### Less and less memory\n", table(_LADDER_COLUMNS, map(_ladder_row, record.ladder))]
    if record.profiles:
        parts += ["### Host and device in one run\n", table(_OVERLAP_COLUMNS, map(_overlap_row, record.profiles))]
        parts += [text for profile in record.profiles for text in _operators(profile)]
    parts += _growth(record) + _service(record)
    if record.left_out:
        lines = [f"- {left.step}: not measured: {left.reason}" for left in record.left_out]
        parts += ["### Not measured\n", "\n".join(lines) + "\n"]
    return "\n".join(parts)


def _machine(record: GpuRecord) -> str:
    device, environment = record.device, record.environment
    versions = ", ".join(f"{name} {version}" for name, version in environment.versions.items())
    return (
        f"{device.name}, {device.memory_bytes / 2**30:.0f} GB, CUDA {device.cuda or '–'}; {environment.processor}, "
        f"{environment.cores} cores, {environment.memory_gb} GB; Python {environment.python}, {versions}; this "
        f"software at {environment.revision}; measured {record.date_utc}. Ratios are reference ÷ ours.\n"
    )


def _warm_rows(cases: Iterable[GpuCase]) -> Iterable[list[str]]:
    return ([case.case, *_warm_row(case, row)] for case in cases for row in case.rows)


def _warm_row(case: GpuCase, row: PrecisionRow) -> list[str]:
    pairs = row.pairs
    ours = [pair.ours for pair in pairs]
    peak, theirs = (median(run.device_peak_bytes for run in runs) for runs in (ours, [p.reference for p in pairs]))
    over_s = median(run.whole_s - _ALLOWED_RATIO * run.forward_s - _ALLOWED_S for run in ours)
    return [
        f"{row.precision} ({case.own_precision} for the reference)" if row.precision == "auto" else row.precision,
        f"{median(run.whole_s for run in ours):.2f}",
        f"{median(pair.reference.whole_s for pair in pairs):.2f}",
        spread(warm_ratios(pairs, lambda run: run.whole_s)),
        spread(warm_ratios(pairs, lambda run: run.forward_s)),
        f"{median(run.whole_s / run.forward_s for run in ours):.2f}",
        "kept" if over_s <= 0 else f"**missed by {over_s:.2f} s**",
        megabytes(peak),
        megabytes(theirs),
        f"{case.predicted_device_bytes / peak:.2f}" if peak else "–",
        differing(row.agreement.differing_share),
        "–" if row.to_fp32 is None else differing(row.to_fp32.differing_share),
    ]


def _cold_row(case: GpuCase) -> list[str]:
    pairs = case.cold
    return [
        case.case,
        case.own_precision,
        f"{median(pair.ours.wall_s for pair in pairs):.1f}",
        f"{median(pair.reference.wall_s for pair in pairs):.1f}",
        spread(cold_ratios(pairs, lambda cost: cost.wall_s)),
        megabytes(median(pair.ours.peak_bytes for pair in pairs)),
        megabytes(median(pair.reference.peak_bytes for pair in pairs)),
        differing(max(pair.agreement.differing_share for pair in pairs)),
    ]


def _ladder_row(run: CappedRun) -> list[str]:
    rungs = sum(code == "memory-ladder" for code in run.notices)
    outcome = (
        f"ended: {run.failure}" if run.failure else f"came through, {rungs} rungs down" if rungs else "came through"
    )
    seconds = "–" if run.failure else f"{run.whole_s:.2f}"
    share = "–" if run.differing_share is None else differing(run.differing_share)
    return [
        run.case, f"{run.cap_bytes / 2**30:.0f} GB", run.side, outcome, seconds, megabytes(run.device_peak_bytes), share
    ]  # fmt: skip


def _overlap_row(profile: Profile) -> list[str]:
    found = profile.overlap
    if found is None:
        return [profile.case, profile.precision, f"{profile.whole_s:.2f}", *["not measured"] * 4]
    hidden = found.hidden_copies_s / found.copies_s if found.copies_s else 0.0
    return [
        profile.case,
        profile.precision,
        f"{profile.whole_s:.2f}",
        f"{found.busy_s / profile.whole_s:.0%}",
        f"{max(0.0, profile.whole_s - found.busy_s):.2f}",
        f"{found.copies_s:.3f}",
        f"{hidden:.0%}",
    ]


def _operators(profile: Profile) -> list[str]:
    rows = [
        (f"`{operator.name[:80]}`", str(operator.calls), f"{operator.device_s:.3f}", f"{operator.host_s:.3f}")
        for operator in profile.operators[:_OPERATORS_SHOWN]
    ]
    return [f"What {profile.case} spends its time on:\n", table(_OPERATOR_COLUMNS, rows)]


def _growth(record: GpuRecord) -> list[str]:
    if record.growth is None:
        return []
    rows = [
        (
            str(point.slices),
            str(point.classes),
            f"{point.whole_s:.2f}",
            f"{point.around_s:.2f}",
            megabytes(point.above_bytes),
            megabytes(point.device_bytes),
        )
        for point in record.growth.points
    ]
    return ["### Growth\n", table(_GROWTH_COLUMNS, rows)]


def _service(record: GpuRecord) -> list[str]:
    if record.service is None:
        return []
    service = record.service
    applies = ", ".join(f"{seconds:.2f}" for seconds in service.apply_s)
    text = (
        f"Worker ready after {service.worker_s:.2f} s, model loaded after {service.loaded_s:.2f} s more, Apply in turn "
        f"{applies} s; {service.cases} cases: {service.by_worker_s:.1f} s by one warm worker, "
        f"{service.by_commands_s:.1f} s by a command each.\n"
    )
    return ["### Start and throughput\n", text]
