"""What the GPU's benchmark rests on, without a GPU: its package, its order, its sums, and what the page says."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("monai")

from benchmarks.cases import CASES, chosen
from benchmarks.gpu import machine, run, steps
from benchmarks.gpu import pack as packing
from benchmarks.gpu.__main__ import main
from benchmarks.gpu.images import Grown, on_gpu, read_carried
from benchmarks.gpu.machine import Package, install
from benchmarks.gpu.overlap import overlap_of
from benchmarks.gpu.pack import PackageError, check, pack
from benchmarks.gpu.record import (
    CappedRun,
    Device,
    GpuCase,
    GpuRecord,
    LeftOut,
    Overlap,
    PrecisionRow,
    Profile,
    read_gpu_record,
    write_gpu_record,
)
from benchmarks.gpu.report import gpu_section
from benchmarks.record import Record, WarmPair
from benchmarks.report import render
from Testing.unit.recorded import AGREEMENT, ENVIRONMENT, a_run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmark measures on Linux")

GB = 2**30


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Test data of one small case."""
    root = tmp_path_factory.mktemp("data")
    folder = root / "hippocampus" / "images"
    folder.mkdir(parents=True)
    voxels = np.random.default_rng(0).integers(0, 900, (7, 9, 5)).astype(np.int16)
    for n in (1, 3):
        nibabel.save(nibabel.Nifti1Image(voxels, np.diag([1.0, 2.0, 3.0, 1.0])), folder / f"hippocampus_00{n}.nii.gz")
    return root


@pytest.fixture(scope="module")
def package(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "package"
    pack(folder, chosen(("hippocampus-small",)), data, wheels=False)
    return folder


def test_a_package_is_small_and_holds_all_that_its_command_names(package: Path) -> None:
    files = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    assert sum((package / name).stat().st_size for name in files) <= 60_000_000
    assert {
        "run.sh",
        "README.md",
        "data/cases.txt",
        "data/images/hippocampus/image_0.nii.gz",
        "sources/REVISION",
        "sources/LICENSE.txt",
        "sources/MedAISeg/MedAISegLib/cli/main.py",
        "sources/benchmarks/gpu/__main__.py",
        "sources/Testing/reference/zoo.py",
    } <= files
    assert os.access(package / "run.sh", os.X_OK)
    assert not [name for name in files if "__pycache__" in name or Path(name).name.startswith("results.")]


def test_nothing_of_a_package_names_a_place_of_the_machine_that_made_it(
    package: Path, data: Path, tmp_path: Path
) -> None:
    check(package, [machine.SOURCES, data, Path(sys.prefix)])
    (tmp_path / "note.txt").write_text(f"made in {data}, yesterday\n", encoding="utf-8")
    with pytest.raises(PackageError, match=r"note\.txt names a place"):
        check(tmp_path, [machine.SOURCES, data])


def test_a_name_that_only_ends_like_a_place_is_none(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("bundle/root and /rooted\n", encoding="utf-8")
    check(tmp_path, [Path("/root")])


def test_a_package_that_is_too_large_is_refused(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "LARGEST_BYTES", 1_000_000)
    with pytest.raises(PackageError, match="more than 1,000,000"):
        check(package, [])


def test_the_cases_of_a_package_are_those_that_are_measured(package: Path) -> None:
    assert [case.name for case in run.packed(package / "data", ())] == ["hippocampus-small"]
    assert run.packed(package / "data", ("spleen",)) == []


def test_an_image_travels_as_it_is(package: Path, data: Path) -> None:
    ((voxels, affine),) = read_carried(Grown("hippocampus"), package / "data")
    original = nibabel.load(data / "hippocampus" / "images" / "hippocampus_001.nii.gz")
    assert np.array_equal(voxels, np.asarray(original.dataobj))
    assert np.allclose(affine, original.affine)


def test_an_image_grows_by_being_mirrored(package: Path) -> None:
    ((small, _),) = read_carried(Grown("hippocampus"), package / "data")
    ((large, _),) = read_carried(Grown("hippocampus", (7, 9, 14)), package / "data")
    assert large.shape == (7, 9, 14)
    assert np.array_equal(large[..., :5], small)
    assert np.array_equal(large[..., 5], small[..., 3])
    assert np.array_equal(large[..., 8], small[..., 0])


def test_every_case_has_an_image_that_travels() -> None:
    assert all(on_gpu(case).image.text for case in CASES)
    largest = on_gpu(next(case for case in CASES if case.name == "spleen-large")).image
    assert "512 x 512 x 300" in largest.text


@pytest.mark.parametrize(
    ("package", "answers", "expected"),
    [
        (Package("monai", "monai>=1", travels=True), [0], ["--no-index"]),
        (Package("monai", "monai>=1", travels=True), [1, 0], ["--no-index", "--retries"]),
        (Package("scipy", "scipy>=1"), [0], ["--retries"]),
    ],
)
def test_what_travelled_is_taken_first(package: Package, answers: list[int], expected: list[str]) -> None:
    commands: list[Sequence[str]] = []

    def pip(command: Sequence[str]) -> int:
        commands.append(command)
        return answers[len(commands) - 1]

    assert install(package, pip)
    for command, option in zip(commands, expected, strict=True):
        assert option in command
        assert "--no-deps" in command
        assert str(machine.SITE) in command


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        ((), True),
        (("hippocampus-small",), False),
        (("nnunet25",), True),
        (("nnunet25-small",), True),
        (("nnu",), False),
    ],
)
def test_nnunet_is_put_there_only_where_a_case_needs_it(
    only: tuple[str, ...],
    expected: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = list[str]()
    monkeypatch.setattr(machine, "missing", list)
    monkeypatch.setattr(machine, "install", lambda package: asked.append(package.module) or True)
    cases = tmp_path / "cases.txt"
    cases.write_text("hippocampus-small monai.bundle\nnnunet25-small nnU-Net\n", encoding="utf-8")
    words = [str(cases), "--quick", *(word for name in only for word in ("--only", name)), "--device", "cpu"]
    machine.main(words)
    assert ("nnunetv2" in asked) == expected
    assert "torch" in asked
    assert ("Skipped: SimpleITK" in capsys.readouterr().out) != expected


def test_torch_alone_brings_what_it_asks_for() -> None:
    commands: list[Sequence[str]] = []
    assert not install(Package("torch", "torch>=2"), lambda command: commands.append(command) or 1)
    assert "--no-deps" not in commands[0]


def test_copies_behind_computing_are_those_at_the_same_time() -> None:
    found = overlap_of(computing=[(0.0, 2.0), (1.0, 3.0), (6.0, 7.0)], copying=[(2.5, 4.0), (6.2, 6.4)])
    assert found.busy_s == pytest.approx(5.0)
    assert found.copies_s == pytest.approx(1.7)
    assert found.hidden_copies_s == pytest.approx(0.7)


def a_step(name: str, carry_out: Callable[[GpuRecord], GpuRecord]) -> steps.Step:
    return steps.Step(name, carry_out)


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., GpuRecord]:
    def measured(todo: list[steps.Step], minutes: float = 60.0) -> GpuRecord:
        monkeypatch.setattr(run, "steps", lambda *_: todo)
        return run.measure_all([], tmp_path, tmp_path / "record.json", kind="cpu", quick=True, minutes=minutes)

    return measured


def test_a_step_that_fails_is_named_and_the_others_go_on(measure: Callable[..., GpuRecord], tmp_path: Path) -> None:
    def failing(_: GpuRecord) -> GpuRecord:
        raise RuntimeError("many words\nno kernel image\n")

    record = measure([a_step("first", failing), a_step("second", lambda record: record)])
    assert record.done == ("second",)
    assert record.left_out == (LeftOut("first", "no kernel image"),)
    assert read_gpu_record(tmp_path / "record.json") == record


def test_a_run_goes_on_where_it_was_and_tries_again_what_had_failed(measure: Callable[..., GpuRecord]) -> None:
    def failing(_: GpuRecord) -> GpuRecord:
        raise OSError("no room")

    measure([a_step("first", lambda record: record), a_step("second", failing)])
    record = measure([a_step("first", failing), a_step("second", lambda record: record)])
    assert record.done == ("first", "second")
    assert record.left_out == ()


def test_what_there_was_no_time_for_is_named(
    measure: Callable[..., GpuRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    record = measure([a_step("first", lambda record: record)], minutes=-1.0)
    assert record.left_out == (LeftOut("first", "no time was left"),)
    assert "skipped: first: no time was left" in capsys.readouterr().err


def test_what_matters_most_comes_first(tmp_path: Path) -> None:
    bench = steps.Bench("cuda", tmp_path, GB, {}, 1, quick=False)
    names = [step.name for step in steps.steps(chosen(("spleen", "wholebody1.5mm")), bench)]
    assert names[:4] == ["warm spleen-large", "profile spleen-large", "ladder spleen-large", "cold spleen-large"]
    assert names[8:10] == ["growth", "service"]
    assert len(set(names)) == len(names)


@pytest.fixture
def record() -> GpuRecord:
    pair = WarmPair(a_run(1.0, 900, device_mb=500), a_run(2.0, 900, device_mb=4000))
    row = PrecisionRow("fp16", (pair,), replace(AGREEMENT, differing_voxels=0), replace(AGREEMENT, differing_voxels=5))
    case = GpuCase("a-case", "a model", "monai.bundle", "an image", (), "fp16", 2 * 10**9, 10**9, (row,))
    return GpuRecord(
        Device("cuda", "a GPU", 80 * GB, "13.0"),
        ENVIRONMENT,
        "2020-01-01T00:00+00:00",
        cases=(case,),
        ladder=(
            CappedRun("a-case", "ours", 2 * GB, "", 1.5, 10**9, ("memory-ladder", "memory-ladder"), 0.0),
            CappedRun("a-case", "reference", 2 * GB, "CUDA out of memory"),
        ),
        profiles=(Profile("a-case", "fp16", 2.5, (), Overlap(1.5, 0.4, 0.3)),),
        done=("warm a-case",),
        left_out=(LeftOut("growth", "no time was left"),),
    )


def cells(page: str, start: str) -> list[str]:
    (row,) = (line for line in page.splitlines() if line.startswith(start))
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_the_page_says_plainly_that_nothing_has_been_measured_on_a_gpu() -> None:
    page = render(Record(), None)
    section = page.partition("## On a GPU")[2]
    assert "no GPU was at hand" in section
    assert section.count("| not measured |") == 7


def test_a_gpus_record_is_shown_with_what_is_to_be_reached(record: GpuRecord) -> None:
    page = render(Record(), record)
    assert "no GPU was at hand" not in page
    row = cells(page, "| a-case | fp16 | 2.00 |")
    assert row[4:6] == ["1.50 (one pair)", "2.00 (one pair)"]
    assert row[7] == "**missed by 0.20 s**"
    assert row[10] == "2.00"
    assert row[-2:] == ["0.0000%", "0.5000% **too many**"]
    assert cells(page, "| a-case | 2 GB | ours ")[3] == "came through, 2 rungs down"
    assert cells(page, "| a-case | 2 GB | reference ")[3] == "ended: CUDA out of memory"
    assert cells(page, "| a-case | fp16 | 2.50 |")[3:] == ["60%", "1.00", "0.400", "75%"]
    assert "- growth: not measured: no time was left" in page


def test_a_profile_without_a_gpu_claims_no_overlap(record: GpuRecord) -> None:
    page = gpu_section(replace(record, profiles=(Profile("a-case", "fp32", 2.0, (), None),)))
    assert cells(page, "| a-case | fp32 | 2.00 |")[3:] == ["not measured"] * 4


def test_a_record_is_read_back_as_it_was_written(record: GpuRecord, tmp_path: Path) -> None:
    path = tmp_path / "gpu.json"
    assert read_gpu_record(path) is None
    write_gpu_record(record, path)
    assert read_gpu_record(path) == record


def test_a_record_of_a_processor_is_not_taken_for_one_of_a_gpu(record: GpuRecord, tmp_path: Path) -> None:
    path = tmp_path / "gpu.json"
    write_gpu_record(replace(record, device=Device("cpu", "a processor", GB)), path)
    answer = CliRunner().invoke(main, ["add", str(path)])
    assert answer.exit_code != 0
    assert "not of a GPU" in answer.output
