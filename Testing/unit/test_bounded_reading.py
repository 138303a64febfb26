"""Files of any size in a model's folder: a model is read or refused in little memory."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bundles import write_bundle
from MedAISegLib.core.errors import ModelError
from MedAISegLib.formats import read_model
from MedAISegLib.models.spec import ModelSpec

pytest.importorskip("torch")

from meshnets import write_model as write_meshnet

from Testing.nnunets import write_model as write_nnunet

pytestmark = pytest.mark.engine

LARGE, LITTLE = 64 * 2**20, 16 * 2**20


def grown(file: Path) -> None:
    """The file with zeros behind its content."""
    with file.open("ab") as stream:
        stream.truncate(LARGE)


def in_little_memory(act: Callable[[], Any]) -> Any:
    """What an act gives, once it has been seen to need little."""
    tracemalloc.start()
    try:
        given = act()
        assert tracemalloc.get_traced_memory()[1] < LITTLE
    finally:
        tracemalloc.stop()
    return given


def test_of_a_long_licence_the_beginning_is_read(tmp_path: Path) -> None:
    root = write_bundle(tmp_path)
    (root / "LICENSE").write_text("Apache License\n", encoding="utf-8")
    grown(root / "LICENSE")
    spec: ModelSpec = in_little_memory(lambda: read_model(root).spec)
    assert (spec.license, spec.commercial_use) == ("Apache-2.0", True)


def test_weights_are_not_in_memory_before_they_are_loaded(tmp_path: Path) -> None:
    root = write_meshnet(tmp_path / "meshnet")
    grown(root / "model.pth")
    in_little_memory(lambda: read_model(root))


@pytest.mark.parametrize("name", ["dataset.json", "plans.json"])
def test_a_trained_models_description_beyond_any_need_is_refused_unread(name: str, tmp_path: Path) -> None:
    root = write_nnunet(tmp_path / "nnunet")
    content = json.loads((root / name).read_text(encoding="utf-8"))
    (root / name).write_text(json.dumps(content | {"training": " " * LARGE}), encoding="utf-8")

    def refused() -> None:
        with pytest.raises(ModelError, match=f"{name}.* larger than 16 MB"):
            read_model(root)

    in_little_memory(refused)
