"""How a configuration has images brought to its spacing and scores back: the functions that ``plans.json`` names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...core.errors import ModelError

_SPLINES, _TORCH, _NONE = "resample_data_or_seg_to_shape", "resample_torch_fornnunet", "no_resampling_hack"
_USUAL = {
    "data": {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None},
    "probabilities": {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None},
    "seg": {"is_seg": True, "order": 1, "order_z": 0, "force_separate_z": None},
}
"""Of plans that do not say it."""
_UNSAID: Mapping[str, Mapping[str, Any]] = {
    _SPLINES: {
        "is_seg": False, "order": 3, "order_z": 0, "force_separate_z": False, "separate_z_anisotropy_threshold": 3,
    },
    _TORCH: {
        "is_seg": False, "force_separate_z": None, "separate_z_anisotropy_threshold": 3, "mode": "linear",
        "aniso_axis_mode": "nearest-exact", "num_threads": 4, "memefficient_seg_resampling": False,
    },
}  # fmt: skip
"""What each function takes where the plans leave an argument out."""
_INDIFFERENT = ("num_threads", "memefficient_seg_resampling")
_ALWAYS, _NEVER = 0.0, 1e9
_REMEDY = "Run it with nnUNetv2_predict. What is understood is listed in docs/models.md."


@dataclass(frozen=True)
class Resampling:
    """One rule for images, scores and the labels of an earlier stage.

    Attributes:
        keeps_grid: nothing is resampled.
        linear: images linearly, else by cubic splines.
        anisotropy: how many times the smallest spacing the largest is, from where on it is resampled on its own.
    """

    keeps_grid: bool = False
    linear: bool = False
    anisotropy: float = 3.0


def read_resampling(content: Mapping[str, Any], where: str) -> Resampling:
    """What a configuration asks for.

    Raises:
        ModelError: if it cannot be done here.
    """
    for what in _USUAL:
        function = content.get(f"resampling_fn_{what}", _SPLINES)
        given = content.get(f"resampling_fn_{what}_kwargs", {})
        if not isinstance(function, str) or not isinstance(given, dict):
            raise _refusal(f"{what} by {function} with {given}", where)
    data, scores = (_read(content, what, where) for what in ("data", "probabilities"))
    if not scores.linear and not scores.keeps_grid:
        raise _refusal("probabilities other than linearly", where)
    if (scores.keeps_grid, scores.anisotropy) != (data.keeps_grid, data.anisotropy):
        raise _refusal("images and probabilities by different rules", where)
    if content.get("previous_stage"):
        other = {content.get(f"resampling_fn_{what}", _SPLINES) for what in _USUAL} - {_SPLINES}
        if other:
            raise _refusal(f"a cascade by {other.pop()}", where)
        if _read(content, "seg", where) != Resampling(linear=True, anisotropy=data.anisotropy):
            raise _refusal("images and the labels of the stage before by different rules", where)
    return data


def _read(content: Mapping[str, Any], what: str, where: str) -> Resampling:
    function = content.get(f"resampling_fn_{what}", _SPLINES)
    given = content.get(f"resampling_fn_{what}_kwargs", _USUAL[what] if function == _SPLINES else {})
    if function == _NONE:
        return Resampling(keeps_grid=True)
    if function not in _UNSAID or not set(given) <= set(_UNSAID[function]):
        raise _refusal(f"{what} by {function} with {given}", where)
    asked = {**_UNSAID[function], **given}
    order = asked.pop("order") if function == _SPLINES else 1
    forced, threshold = asked.pop("force_separate_z"), asked.pop("separate_z_anisotropy_threshold")
    expected = {**_UNSAID[function], "is_seg": what == "seg"}
    if (
        any(value != expected[name] for name, value in asked.items() if name not in _INDIFFERENT)
        or order not in (1, 3)
        or forced not in (None, True, False)
        or isinstance(threshold, bool)
        or not isinstance(threshold, (int, float))
        or not threshold > 0
    ):
        raise _refusal(f"{what} by {function} with {given}", where)
    anisotropy = float(threshold) if forced is None else _ALWAYS if forced else _NEVER
    return Resampling(linear=order == 1, anisotropy=anisotropy)


def _refusal(asked: str, where: str) -> ModelError:
    return ModelError(f"its plans resample {asked}, which is not supported.", where=where, remedy=_REMEDY)
