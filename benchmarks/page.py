"""RESULTS.md, made of everything that has been recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from MedAISegLib.core.records import from_json

from .gpu.record import GPU_RESULTS_JSON, read_gpu_record
from .growth import GROWTH_JSON, read_growth
from .record import read_record
from .report import render
from .report_around import around_section
from .scene import SCENE_JSON, SceneRecord
from .service import SERVICE_JSON, Service

_HERE = Path(__file__).parent
RESULTS_JSON, RESULTS_PAGE = _HERE / "results.json", _HERE / "RESULTS.md"

T = TypeVar("T")


def write_page() -> None:
    """Render the page anew."""
    around = around_section(read_growth(GROWTH_JSON), _read(Service, SERVICE_JSON), _read(SceneRecord, SCENE_JSON))
    page = render(read_record(RESULTS_JSON), read_gpu_record(GPU_RESULTS_JSON), around)
    RESULTS_PAGE.write_text(page, encoding="utf-8")


def _read(kind: type[T], path: Path) -> T | None:
    return from_json(kind, json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None
