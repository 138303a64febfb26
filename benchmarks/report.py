"""The record as a page that a reader can judge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from .agreement import worst
from .floor import Rates, best_rates, floor_s
from .gpu.record import GpuRecord
from .gpu.report import gpu_section
from .record import CaseRecord, ColdPair, Environment, Occasion, Record, WarmPair
from .report_memory import above_in_words, above_ratio, above_window, foretold_section
from .report_targets import is_shared, others_cores, targets_section
from .tables import cold_ratios, differing, megabytes, spread, table, warm_ratios

_HEAD = """# Measured beside the reference

Written by `make bench`; the numbers behind it are in `results.json`.

Both sides get the same model, weights, image file, window, overlap, blending, precision and number of threads, take
turns (ours, reference, ours, reference, …), and must find the same labels in the same run: a row is marked where more
than 0.1 % of the foreground differs. Where the published weights are not free, they are drawn from a fixed seed such
that many classes are found in the image; they take as long as trained ones, but the labels mean nothing and are rough
as noise, which makes them slow to write.

**Every ratio is reference ÷ ours**, of two runs that followed each other: above 1 we are faster or smaller, below 1 we
are slower or larger. It is given as the median over the pairs with the smallest and the largest. Seconds and megabytes
are medians. "Other load" is how many processors were busy with something else on average during our runs and during the
reference's. Where fewer were left than either side has threads it says **shared**: time on the clock then depends on
whose turn the disturbance met, as its spread shows, and only processor time, memory and labels are to be trusted.

Pairs that take many minutes were made once or twice, fewer than `benchmarks/cases.py` asks for where the machine could
not be had for longer: labels and memory hardly differ from one pair to the next, seconds do.

Only what is listed has been measured; `python -m benchmarks.run --list` names all cases, and `benchmarks/cases.py` says
which models have no large image, or one of a small field of view, and why. All rows but those under "On a GPU" are of
the processor alone.
"""

_GLANCE_HEAD = """## At a glance

How many times faster or smaller we are, by the median: **ahead** above 1.05, level within 5 %, *behind* below 0.95.
"""

_GLANCE_COLUMNS = (
    "case", "against", "cold time", "cold memory", "warm time", "warm memory above one window", "network alone",
    "warm run ÷ reference's network", "labels",
)  # fmt: skip
_LEVEL = 0.05
_FAR = 20

_COLD_HEAD = """## Whole commands, cold

From the start of the process to its end: imports, reading, model, labels, writing (NIfTI on both sides). Files are in
the operating system's cache. Memory is the peak that was resident, of all processes of the command together.
"""

_WARM_HEAD = """## Runs in a process that has run before

From voxels in memory to the label array; reading and writing files stand beside it. The reference's
preparation, inferer and postprocessing are called one after the other, without what its command adds to them. Memory
is the peak during a run, and how far it lies above a process that has imported its libraries, loaded the model and run
a single window in the same way. No share is formed where one side has nothing above its window; a dash says that our
window was measured in another way than the runs took.
"""

_COLD_COLUMNS = (
    "case", "pairs", "ours s", "reference s", "time ratio", "processor time ratio", "ours MB", "reference MB",
    "memory ratio", "labels that differ", "other load, ours / reference",
)  # fmt: skip
_WARM_COLUMNS = (
    "case", "runs", "ours s", "reference s", "time ratio", "processor time ratio", "ours MB (above one window)",
    "reference MB (above one window)", "memory ratio", "labels that differ", "other load, ours / reference",
)  # fmt: skip
_STAGE_COLUMNS = (
    "case", "side", "read", "prepare", "network", "windows", "finish", "write", "run ÷ own network",
    "run ÷ reference's network", "network ÷ floor",
)  # fmt: skip
_STAGE_HEAD = """### Where the time goes (seconds, medians)

"windows" is what surrounds the network in its stage: with us that includes the way back to the source grid, slab by
slab; the reference does that in "finish". With us "finish" holds the segments' statistics; beside us stands
[how the network was run](../docs/backends.md), where that was recorded. The floor is the network's
floating-point operations ÷ what the machine gave at best to the product of two large matrices, in any of these cases.
We can be below it where convolutions are computed with fewer multiplications; a reference below it shows that the
machine never gave what it can while that was measured. Seconds of a **shared** row are longer than the network's own.
"""


def render(record: Record, gpu: GpuRecord | None = None, around: str = "") -> str:
    """Markdown; ``around`` is a section that stands after the comparisons."""
    parts = [_HEAD, _GLANCE_HEAD, table(_GLANCE_COLUMNS, map(_glance_row, record.cases))]
    parts.append(targets_section(record.cases))
    cold = [case for case in record.cases if case.cold]
    warm = [case for case in record.cases if case.warm]
    rates = best_rates(warm)
    if cold:
        parts += [_COLD_HEAD, table(_COLD_COLUMNS, map(_cold_row, cold))]
    if warm:
        parts += [_WARM_HEAD, table(_WARM_COLUMNS, map(_warm_row, warm))]
        parts += [_STAGE_HEAD, table(_STAGE_COLUMNS, (row for case in warm for row in _stage_rows(case, rates)))]
    parts += foretold_section(record.cases)
    parts += ["## Where we are behind\n", _behind(record), around, gpu_section(gpu)]
    parts += ["## Cases\n", "\n".join(map(_described, record.cases)), "\n## Machine and software\n", _machines(record)]
    return "\n".join(parts) + "\n"


def _glance_row(case: CaseRecord) -> list[str]:
    cold, warm = case.cold, case.warm
    figures: list[list[float]] = [
        cold_ratios(cold, lambda cost: cost.wall_s),
        cold_ratios(cold, lambda cost: cost.peak_bytes),
        warm_ratios(warm, lambda run: run.whole_s),
    ]
    network = warm_ratios(warm, lambda run: run.forward_s)
    agreements = [pair.agreement for pair in cold] + ([case.warm_agreement] if case.warm_agreement else [])
    against = median(p.ours.whole_s / p.reference.forward_s for p in warm) if warm else None
    return [
        case.case,
        case.reference,
        *map(_verdict, figures),
        _above_verdict(case),
        _verdict(network),
        "–" if against is None else f"{against:.2f}",
        differing(worst(agreements).differing_share) if agreements else "–",
    ]


def _above_verdict(case: CaseRecord) -> str:
    ratio = above_ratio(case)
    return above_in_words(case) if ratio is None else _verdict([ratio])


def _verdict(ratios: Sequence[float]) -> str:
    if not ratios:
        return "–"
    ratio = median(ratios)
    if ratio > _FAR:
        return f"**over {_FAR} ahead**"
    if abs(ratio - 1) <= _LEVEL:
        return f"{ratio:.2f} level"
    return f"**{ratio:.2f} ahead**" if ratio > 1 else f"*{ratio:.2f} behind*"


def _cold_row(case: CaseRecord) -> list[str]:
    pairs = case.cold
    return [
        case.case,
        str(len(pairs)),
        f"{median(p.ours.wall_s for p in pairs):.1f}",
        f"{median(p.reference.wall_s for p in pairs):.1f}",
        spread(cold_ratios(pairs, lambda cost: cost.wall_s)),
        spread(cold_ratios(pairs, lambda cost: cost.cpu_s)),
        megabytes(median(p.ours.peak_bytes for p in pairs)),
        megabytes(median(p.reference.peak_bytes for p in pairs)),
        spread(cold_ratios(pairs, lambda cost: cost.peak_bytes)),
        differing(worst([p.agreement for p in pairs]).differing_share),
        _others(pairs, case.cold_on),
    ]


def _warm_row(case: CaseRecord) -> list[str]:
    pairs, agreement, above = case.warm, case.warm_agreement, above_window(case)
    if case.warm_baselines is None or agreement is None:
        raise ValueError(f"{case.case} has warm runs but not what belongs to them")
    ours, theirs = (median(p.ours.peak_bytes for p in pairs), median(p.reference.peak_bytes for p in pairs))
    return [
        case.case,
        str(len(pairs)),
        f"{median(p.ours.whole_s for p in pairs):.2f}",
        f"{median(p.reference.whole_s for p in pairs):.2f}",
        spread(warm_ratios(pairs, lambda run: run.whole_s)),
        spread(warm_ratios(pairs, lambda run: run.cpu_s)),
        f"{megabytes(ours)} ({_megabytes_above(above and above[0])})",
        f"{megabytes(theirs)} ({_megabytes_above(above and above[1])})",
        spread(warm_ratios(pairs, lambda run: run.peak_bytes)),
        differing(agreement.differing_share),
        _others(pairs, case.warm_on),
    ]


def _megabytes_above(size: float | None) -> str:
    return "–" if size is None else megabytes(size) if size else "none"


def _stage_rows(case: CaseRecord, rates: Rates) -> Iterable[list[str]]:
    sides = {"ours": [pair.ours for pair in case.warm], "reference": [pair.reference for pair in case.warm]}
    their_forward_s = median(run.forward_s for run in sides["reference"])
    floor = floor_s(case, rates)
    shared = " **shared**" if is_shared(case.warm, case.warm_on) else ""
    # No processor is faster than itself, unless it saves multiplications, which the references do not.
    mark = " **rate disturbed**" if their_forward_s < floor else shared
    for side, runs in sides.items():
        stages = ("read_s", "prepare_s", "forward_s", "windows_s", "finish_s", "write_s")
        seconds = [f"{median(getattr(run, stage) for run in runs):.2f}" for stage in stages]
        own = median(run.whole_s / run.forward_s for run in runs)
        way = f"{side}, {runs[-1].backend}" if runs[-1].backend else side
        yield [
            case.case,
            way,
            *seconds,
            f"{own:.2f}",
            f"{median(run.whole_s for run in runs) / their_forward_s:.2f}",
            f"{median(run.forward_s for run in runs) / floor:.2f}{mark}" if floor else "–",
        ]


def _behind(record: Record) -> str:
    """Every median ratio that is not level, and every difference of labels that is too large."""
    lines = []
    for case in record.cases:
        figures = []
        if case.cold:
            figures += [
                ("cold, time", cold_ratios(case.cold, lambda cost: cost.wall_s)),
                ("cold, processor time", cold_ratios(case.cold, lambda cost: cost.cpu_s)),
                ("cold, memory", cold_ratios(case.cold, lambda cost: cost.peak_bytes)),
            ]
        if case.warm:
            figures += [
                ("warm, time", warm_ratios(case.warm, lambda run: run.whole_s)),
                ("warm, processor time", warm_ratios(case.warm, lambda run: run.cpu_s)),
                ("warm, network alone", warm_ratios(case.warm, lambda run: run.forward_s)),
                ("warm, memory", warm_ratios(case.warm, lambda run: run.peak_bytes)),
            ]
        lines += [
            f"- {case.case}, {what}: {spread(ratios)}"
            for what, ratios in figures
            if ratios and median(ratios) < 1 - _LEVEL
        ]
        lines += _behind_above(case)
    return "\n".join(lines or ["- nowhere in these rows"]) + "\n"


def _behind_above(case: CaseRecord) -> list[str]:
    ratio, above = above_ratio(case), above_window(case)
    if ratio is None:
        behind = above is not None and above[0] > above[1]
        return [f"- {case.case}, warm, memory above one window: {above_in_words(case).strip('*')}"] if behind else []
    return [f"- {case.case}, warm, memory above one window: {ratio:.2f}"] if ratio < 1 - _LEVEL else []


def _described(case: CaseRecord) -> str:
    changes = "".join(f"\n  - changed for both sides: {change}" for change in case.changed)
    commands = "".join(f"\n  - `{command}`" for command in case.commands)
    what = f"{case.model}, {case.image}; against {case.reference}"
    dates = ", ".join(f"{half} {occasion.date_utc}" for half, occasion in _occasions(case))
    return f"- **{case.case}**: {what}; measured {dates}{changes}{commands}"


def _occasions(case: CaseRecord) -> list[tuple[str, Occasion]]:
    halves = ("cold", case.cold_on), ("warm", case.warm_on)
    return [(half, occasion) for half, occasion in halves if occasion is not None]


def _machines(record: Record) -> str:
    by_text: dict[str, list[str]] = {}
    for case in record.cases:
        for half, occasion in _occasions(case):
            by_text.setdefault(machine(occasion.environment), []).append(f"{case.case} {half}")
    return "\n".join(f"- {text} ({', '.join(names)})" for text, names in by_text.items())


def machine(environment: Environment) -> str:
    """One line for a reader."""
    versions = ", ".join(f"{name} {version}" for name, version in environment.versions.items())
    return (
        f"{environment.processor}, {environment.cores} cores, {environment.memory_gb} GB, {environment.system}; "
        f"threads for either side: {environment.threads}; no GPU; Python {environment.python}, {versions}; "
        f"this software at {environment.revision}"
    )


def _others(pairs: Sequence[ColdPair] | Sequence[WarmPair], occasion: Occasion | None) -> str:
    ours, theirs = map(median, others_cores(pairs))
    return f"{ours:.1f} / {theirs:.1f}" + (" **shared**" if is_shared(pairs, occasion) else "")
