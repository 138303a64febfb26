"""Slicer's own scripted modules as far as they are modelled; each file is loaded as Slicer's factory loads modules."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent


def _scripted(name: str, host: Any) -> Any:
    from Testing.host.registry import stand_in

    module = stand_in("slicer.qSlicerScriptedLoadableModule")(
        name, str(_HERE / f"{name}.py"), host.slicer.vtkSlicerScriptedLoadableModuleLogic()
    )
    module._load()

    def forget() -> None:
        sys.modules.pop(name, None)
        if str(_HERE) in sys.path:
            sys.path.remove(str(_HERE))

    host.at_end(forget)
    return module


def segment_editor(host: Any) -> Any:
    return _scripted("SegmentEditor", host)


def segment_statistics(host: Any) -> Any:
    return _scripted("SegmentStatistics", host)


def sample_data(host: Any) -> Any:
    return _scripted("SampleData", host)


for _made in (segment_editor, segment_statistics, sample_data):
    _made.TAKES_HOST = True  # type: ignore[attr-defined]
