"""A store whose models are read as the small worker of the panel's tests reads them, without torch."""

from __future__ import annotations

from pathlib import Path

import pytest
from MedAISegLib.app import model_call, model_sources
from MedAISegLib.formats import checking
from MedAISegLib.models import store

from Testing.host import store_worker


def small_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program's data folder, empty, and no embedded model."""
    for name in ("MEDAISEG_OFFLINE", "MEDAISEG_MIRROR", "MEDAISEG_QUOTA_GB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    (tmp_path / "embedded").mkdir()
    monkeypatch.setattr(store, "embedded_models_folder", lambda: tmp_path / "embedded")
    for module in (checking, model_call, model_sources):
        monkeypatch.setattr(module, "read_model", store_worker.read_model, raising=False)
    return tmp_path / "home"
