"""The GPU's benchmark as it travels: its one command runs whole, tried on a processor."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")

from benchmarks.cases import chosen
from benchmarks.gpu.pack import pack
from benchmarks.gpu.record import read_gpu_record
from benchmarks.gpu.report import gpu_section

pytestmark = [pytest.mark.engine, pytest.mark.slow]

CASE = "hippocampus-small"


@pytest.mark.timeout(1800)
def test_the_packed_benchmark_runs_by_its_one_command(shared_data: Path, tmp_path: Path) -> None:
    package = tmp_path / "package"
    assert pack(package, chosen((CASE,)), shared_data, wheels=False) < 60_000_000
    # Not what the repository holds: what travelled has to do.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"PYTHON": sys.executable, "PIP_NO_INDEX": "1"}
    subprocess.run([package / "run.sh", "--quick", "--device", "cpu"], env=environment, cwd=tmp_path, check=True)
    record = read_gpu_record(package / "gpu-results.json")
    assert record is not None
    kinds = ("warm", "profile", "ladder", "cold")
    assert set(record.done) == {*(f"{kind} {CASE}" for kind in kinds), "growth", "service"}
    assert {left.step for left in record.left_out if left.reason == "no CUDA"} == {
        f"{CASE} in tf32",
        f"{CASE} in fp16",
        f"memory ladder, {CASE}",
        f"overlap of host and device, {CASE}",
    }
    assert not [left for left in record.left_out if left.reason != "no CUDA"]
    case = record.case(CASE)
    assert case is not None
    assert [row.precision for row in case.rows] == ["fp32", "bf16", "auto"]
    for agreement in (*(row.agreement for row in case.rows), *(pair.agreement for pair in case.cold)):
        assert agreement.differing_share <= 0.001
    assert "not measured: no CUDA" in gpu_section(record)
