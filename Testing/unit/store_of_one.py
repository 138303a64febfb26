"""A store that holds one model, the program's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from MedAISegLib.models import store


def store_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program's data folder, not made yet, beside an embedded model named ``default``."""
    embedded = tmp_path / "program" / "Models"
    (embedded / "default").mkdir(parents=True)
    monkeypatch.setattr(store, "embedded_models_folder", lambda: embedded)
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
