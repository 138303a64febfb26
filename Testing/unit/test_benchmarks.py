"""What the benchmark's figures rest on; nothing here depends on how fast a machine is."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from benchmarks.agreement import NotComparableError, compare_files, compare_labels
from benchmarks.cases import CASES, QUICK, chosen
from benchmarks.growth import exponent
from benchmarks.measure import CommandFailedError, measure_command
from benchmarks.record import (
    Agreement,
    Baselines,
    CaseRecord,
    ColdPair,
    Cost,
    Occasion,
    Record,
    WarmPair,
    read_record,
    write_record,
)
from benchmarks.references import REFERENCES
from benchmarks.report import render
from benchmarks.run import RESULTS_JSON
from benchmarks.tables import spread
from Testing.reference.images import brats_labels
from Testing.unit.recorded import AGREEMENT, ENVIRONMENT, a_run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmark measures on Linux")

MB = 2**20

MOMENT = f"""
import time
held = b"x" * {200 * MB}
del held
time.sleep(0.3)
"""

WITH_CHILD = f"""
import subprocess, sys
held = b"x" * {100 * MB}
child = 'import time; held = b"x" * {150 * MB}; time.sleep(0.5)'
subprocess.run([sys.executable, "-c", child], check=True)
"""

BUSY = """
import time
while time.process_time() < 0.3:
    pass
"""


def cost_of(code: str, folder: Path) -> Cost:
    return measure_command([sys.executable, "-c", code], environment=os.environ, log=folder / "log.txt")


def test_a_peak_that_lasts_only_a_moment_is_seen(tmp_path: Path) -> None:
    cost = cost_of(MOMENT, tmp_path)
    assert 200 * MB < cost.peak_bytes < 240 * MB


def test_the_memory_of_who_measures_is_not_counted(tmp_path: Path) -> None:
    held = b"x" * (300 * MB)
    cost = cost_of("import time; time.sleep(0.2)", tmp_path)
    assert cost.peak_bytes < 100 * MB < len(held)


def test_processes_that_a_command_starts_are_counted_with_it(tmp_path: Path) -> None:
    cost = cost_of(WITH_CHILD, tmp_path)
    assert 250 * MB < cost.peak_bytes < 320 * MB


def test_processor_time_is_that_of_the_command(tmp_path: Path) -> None:
    cost = cost_of(BUSY, tmp_path)
    assert 0.3 <= cost.cpu_s <= 0.6
    assert cost.wall_s >= 0.3


def test_a_command_that_fails_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError, match="no such organ"):
        cost_of("raise SystemExit('no such organ')", tmp_path)


def test_a_process_can_forget_its_peak() -> None:
    code = (
        "from benchmarks.measure import forget_own_peak, peak_of_process;"
        f"held = b'x' * {200 * MB}; del held; before = peak_of_process(); forget_own_peak();"
        "print(before - peak_of_process())"
    )
    repository = Path(__file__).resolve().parents[2]
    printed = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True)
    assert int(printed.stdout) > 190 * MB


def test_labels_that_differ_are_a_share_of_what_either_side_finds() -> None:
    ours = np.array([[0, 1, 2, 2], [0, 0, 1, 0]], dtype=np.uint8)
    reference = np.array([[0, 1, 2, 1], [0, 3, 1, 0]], dtype=np.float32)
    agreement = compare_labels(ours, reference)
    assert agreement == Agreement(differing_voxels=2, foreground_voxels=5, labels=3)
    assert agreement.differing_share == pytest.approx(0.4)


@pytest.mark.parametrize("reference", [np.zeros((2, 3)), np.ones((2, 3)), np.eye(3)])
def test_a_comparison_that_proves_nothing_is_refused(reference: np.ndarray) -> None:
    with pytest.raises(NotComparableError):
        compare_labels(np.array([[0, 1, 0], [0, 0, 1]]), reference)


def label_file(path: Path, origin: tuple[float, float, float]) -> Path:
    image = sitk.GetImageFromArray(np.array([[[0, 1], [2, 0]]], dtype=np.uint8))
    image.SetOrigin(origin)
    sitk.WriteImage(image, str(path))
    return path


def test_label_files_on_different_grids_are_not_compared(tmp_path: Path) -> None:
    here = label_file(tmp_path / "here.nii.gz", (1.0, 2.0, 3.0))
    there = label_file(tmp_path / "there.nii.gz", (1.0, 2.0, 4.0))
    assert compare_files(here, here).differing_voxels == 0
    with pytest.raises(NotComparableError, match="origin"):
        compare_files(here, there)


def a_cost(wall_s: float, peak_mb: int) -> Cost:
    return Cost(wall_s, wall_s * 2, peak_mb * 1_000_000, 0.1)


@pytest.fixture
def record() -> Record:
    cold = ColdPair(ours=a_cost(2.0, 500), reference=a_cost(6.0, 250), agreement=AGREEMENT)
    case = CaseRecord(
        case="a-case",
        model="a model",
        reference="monai.bundle",
        image="an image",
        changed=("workers: none",),
        commands=("ours", "theirs"),
        cold=(cold,),
        cold_on=Occasion("2020-01-01T00:00+00:00", ENVIRONMENT),
        warm=(WarmPair(a_run(1.0, 300), a_run(3.0, 600)),),
        warm_on=Occasion("2020-01-02T00:00+00:00", replace(ENVIRONMENT, revision="later")),
        warm_baselines=Baselines(100_000_000, 100_000_000, window_in="eager fp32"),
        warm_agreement=AGREEMENT,
    )
    return Record((case,))


def test_a_record_is_read_back_as_it_was_written(record: Record, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    assert read_record(path) == Record()
    write_record(record, path)
    assert read_record(path) == record


def test_halves_that_were_measured_apart_are_told_apart(record: Record) -> None:
    page = render(record)
    assert "measured cold 2020-01-01T00:00+00:00, warm 2020-01-02T00:00+00:00" in page
    assert "this software at later (a-case warm)" in page


def test_a_case_measured_anew_takes_its_old_place(record: Record) -> None:
    (old,) = record.cases
    assert record.with_case(old) == record


def test_ratios_say_how_many_times_the_reference_needs(record: Record) -> None:
    page = render(record)
    cold, warm = (line.split(" | ") for line in page.splitlines() if line.startswith("| a-case | 1 "))
    assert cold[4] == "3.00 (one pair)"
    assert cold[8] == "0.50 (one pair)"
    assert cold[9] == "0.2000% **too many**"
    assert warm[2:5] == ["2.00", "4.00", "2.00 (one pair)"]
    assert warm[6] == "300 (200)"


def test_a_machine_that_was_shared_is_marked(record: Record) -> None:
    assert "0.1 / 0.1 |" in render(record)
    (case,) = record.cases
    (pair,) = case.cold
    disturbed = replace(pair, reference=replace(pair.reference, others_cores=0.9))
    page = render(record.with_case(replace(case, cold=(disturbed,))))
    assert "0.1 / 0.9 **shared** |" in page
    (slow,) = case.warm
    warm = WarmPair(replace(slow.ours, others_cores=0.9, flop=5e9), replace(slow.reference, flop=6e9))
    base = Baselines(1, 1, 1e10, "eager fp32")
    assert floors(Record((replace(case, warm=(warm,), warm_baselines=base),))) == ["2.00 **shared**", "6.00 **shared**"]


def test_a_row_that_is_behind_is_named(record: Record) -> None:
    behind = render(record).partition("## Where we are behind")[2].partition("##")[0]
    assert behind.strip() == "- a-case, cold, memory: 0.50 (one pair)"


def test_at_a_glance_a_reader_sees_where_we_are_ahead_and_behind(record: Record) -> None:
    (row,) = (line for line in render(record).splitlines() if line.startswith("| a-case | monai.bundle "))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[2:4] == ["**3.00 ahead**", "*0.50 behind*"]
    assert cells[7] == "0.67"


@pytest.mark.parametrize(
    ("baselines", "expected"),
    [
        (Baselines(100_000_000, 100_000_000, window_in="onednn fp32"), "**2.50 ahead**"),
        (Baselines(400_000_000, 100_000_000, window_in="onednn fp32"), "**none above**"),
        (Baselines(100_000_000, 600_000_000, window_in="onednn fp32"), "*200 MB, reference none above*"),
        (Baselines(400_000_000, 700_000_000, window_in="onednn fp32"), "none above on either side"),
        (Baselines(100_000_000, 100_000_000), "–"),
    ],
)
def test_a_share_of_memory_is_formed_of_what_lies_above_like_windows(
    record: Record, baselines: Baselines, expected: str
) -> None:
    (case,) = record.cases
    page = render(Record((replace(case, warm_baselines=baselines),)))
    (row,) = (line for line in page.splitlines() if line.startswith("| a-case | monai.bundle "))
    assert row.split(" | ")[5] == expected
    behind = page.partition("## Where we are behind")[2].partition("##")[0]
    assert ("200 MB, reference none above" in behind) == (expected == "*200 MB, reference none above*")


def missed(record: Record) -> dict[str, str]:
    """Of what is wanted, which cases do not reach it."""
    section = render(record).partition("## What is wanted")[2].partition("##")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| a ")]
    return {wanted: names for wanted, _, _, names in rows if names != "–"}


def test_what_is_not_reached_is_said_of_each_case(record: Record) -> None:
    above, peak = "a third of the memory above one window", "a command's peak of memory no larger"
    assert missed(record) == {above: "a-case 0.40", peak: "a-case 2.00"}
    (case,) = record.cases
    slow = replace(case, warm=(WarmPair(a_run(4.0, 300), a_run(3.0, 600)),))
    network = "a warm run in the time of the reference's network alone"
    assert missed(Record((slow,)))[network] == "a-case 1.67"
    none = replace(case, warm_baselines=Baselines(100_000_000, 700_000_000, window_in="eager fp32"))
    assert missed(Record((none,)))[above] == "a-case inf"


def floors(record: Record) -> list[str]:
    rows = [line for line in render(record).splitlines() if line.startswith(("| a-case | ours ", "| a-case | ref"))]
    return [row.strip("|").split(" | ")[-1].strip() for row in rows]


def with_rate(case: CaseRecord, flop_per_s: float) -> CaseRecord:
    (pair,) = case.warm
    counted = WarmPair(replace(pair.ours, flop=5e9), replace(pair.reference, flop=6e9))
    base = Baselines(1, 1, flop_per_s, "eager fp32")
    return replace(case, warm=(counted,), warm_baselines=base)


def test_the_floor_is_that_of_the_best_rate_of_the_machine(record: Record) -> None:
    (case,) = record.cases
    assert floors(Record((with_rate(case, 1e10),))) == ["2.00", "6.00"]
    other = replace(with_rate(case, 2e10), case="another")
    assert floors(Record((with_rate(case, 1e10), other))) == ["4.00", "12.00"]
    elsewhere = replace(other, warm_on=Occasion("", replace(ENVIRONMENT, processor="another processor")))
    assert floors(Record((with_rate(case, 1e10), elsewhere))) == ["2.00", "6.00"]


def test_a_reference_below_the_floor_marks_the_rate(record: Record) -> None:
    (case,) = record.cases
    assert floors(Record((with_rate(case, 3e9),))) == ["0.60", "1.80"]
    assert floors(Record((with_rate(case, 1e9),))) == ["0.20 **rate disturbed**", "0.60 **rate disturbed**"]


def test_what_was_foretold_stands_beside_what_was_held(record: Record) -> None:
    (case,) = record.cases
    assert "foretold" not in render(record)
    page = render(Record((replace(case, predicted_bytes=600_000_000),)))
    assert "| a-case | 600 | 500 | 1.20 | 300 | 2.00 |" in page


def test_a_spread_is_only_given_of_several_pairs() -> None:
    assert spread([1.5]) == "1.50 (one pair)"
    assert spread([1.0, 2.0, 4.0]) == "2.00 (1.00–4.00)"


def test_a_case_is_chosen_by_its_model_or_its_own_name() -> None:
    assert {case.name for case in chosen(("spleen", "brats-small"))} == {
        "spleen-crop",
        "spleen-small",
        "spleen-medium",
        "spleen-large",
        "brats-small",
    }
    with pytest.raises(ValueError, match="no case liver"):
        chosen(("liver",))


def test_cases_have_names_of_their_own_and_known_references() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert {case.model.reference for case in CASES} == set(REFERENCES)
    assert set(QUICK) <= {case.name for case in CASES}


def test_what_is_recorded_is_of_cases_that_there_are() -> None:
    recorded = {case.case for case in read_record(RESULTS_JSON).cases}
    assert recorded <= {case.name for case in CASES}


def test_overlapping_layers_are_compared_as_the_reference_decides_them() -> None:
    layers = np.array([[[[0, 1, 0, 1]]], [[[0, 2, 2, 0]]], [[[0, 3, 0, 0]]]])
    agreement = compare_labels(layers, np.array([[[0, 4, 2, 2]]]), brats_labels)
    assert agreement.differing_voxels == 1


def test_the_clock_counts_the_outermost_network_alone() -> None:
    torch = pytest.importorskip("torch")
    from benchmarks.clock import ForwardClock

    clock = ForwardClock()
    network = torch.nn.Sequential(torch.nn.Sequential(torch.nn.Conv3d(2, 4, 1, bias=False)), torch.nn.ReLU())
    with clock.counting():
        network(torch.zeros(1, 2, 4, 4, 4))
    assert clock.take().flop == 0
    network(torch.zeros(1, 2, 4, 4, 4))
    assert clock.take().seconds == 0
    scores, _ = clock.timed(lambda: network(torch.zeros(3, 2, 4, 4, 4)))
    done = clock.take()
    assert scores.shape == (3, 4, 4, 4, 4)
    assert done.flop == 2 * 2 * 4 * 3 * 4**3
    assert done.seconds > 0


def test_an_exponent_is_that_of_the_power_law() -> None:
    sizes = [64, 128, 256]
    assert exponent(sizes, [3.0 * n for n in sizes]) == pytest.approx(1)
    assert exponent(sizes, [5.0] * 3) == pytest.approx(0)
