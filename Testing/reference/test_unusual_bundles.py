"""Bundles written in unusual ways that MONAI allows: our labels are those of ``python -m monai.bundle run``.

With MONAI 1.6.1 not one voxel differs in any of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import yaml
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.segment import run
from MedAISegLib.formats import read_model
from MedAISegLib.models.trust import trust_model
from numpy.typing import NDArray

from . import images
from .bundle_run import differing_share
from .seeded import write_weights
from .unusual_bundles import WAYS, Config, Files, Unusual, assembled

pytestmark = [pytest.mark.engine, pytest.mark.reference]

LARGEST_DIFFERENCE = 0.001


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))


def write(root: Path, metadata: Config, files: Files) -> Path:
    """The bundle without its weights; gives the file that describes it."""
    (root / "models").mkdir(parents=True)
    (root / "configs").mkdir()
    (root / "configs" / "metadata.json").write_text(json.dumps(metadata))
    for name, content in files.items():
        as_text = content if isinstance(content, str) else _dumped(content, name)
        (root / name).write_text(as_text, encoding="utf-8")
    return root / next(iter(files))


def _dumped(content: Config, name: str) -> str:
    return json.dumps(content, indent=1) if name.endswith(".json") else yaml.safe_dump(content, sort_keys=False)


def by_monai(root: Path, described: Path, files: list[Path], output: Path) -> NDArray[Any]:
    """(layer, k, j, i) of the file that it saves."""
    output.mkdir()
    options = {
        "config_file": described.relative_to(root),
        "meta_file": Path("configs") / "metadata.json",
        "output_dir": output,
        "datalist": [str(file) for file in files],
    }
    command = [sys.executable, "-m", "monai.bundle", "run"]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    (saved,) = output.rglob("*.nii.gz")
    found = np.rint(np.asarray(nibabel.load(saved).dataobj)).astype(np.uint8)
    return found.reshape(*found.shape[:3], -1).transpose(3, 2, 1, 0)


def by_us(root: Path, way: Unusual, files: list[Path]) -> NDArray[Any]:
    if not way.compiled:
        trust_model(root)
    spec = read_model(root).spec
    assert spec.own_code is not way.compiled
    case = images.read_case(files, tuple(channel.name for channel in spec.channels))
    return run(SegmentationJob(str(root), device="cpu"), case)[0].layers


@pytest.mark.parametrize("name", WAYS)
def test_labels_are_those_of_monai(
    name: str, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    way, root = WAYS[name], tmp_path / "bundle"
    described = write(root, *assembled(way))
    files = images.write_images(way.images(shared_data), tmp_path / "images")
    if not way.compiled:
        trust_model(root)
    spec = read_model(root).spec
    case = images.read_case(files, tuple(channel.name for channel in spec.channels))
    # MONAI looks for the files that a macro names from where it is started.
    monkeypatch.chdir(root)
    write_weights(root / "models" / "model.pt", described, root, case, spec.stages[0])
    theirs = by_monai(root, described, files, tmp_path / "output")
    ours = by_us(root, way, files)
    if len(theirs) > 1:
        ours = (ours > 0).astype(ours.dtype)
    share, found = differing_share(ours, theirs), np.count_nonzero(theirs) / theirs.size
    print(f"\n{name}: {share:.6%} of the foreground differ; {found:.0%} of the voxels are foreground")
    assert 0.02 < found < 0.98
    assert share <= LARGEST_DIFFERENCE
