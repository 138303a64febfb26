"""What ``nnUNetv2_determine_postprocessing`` found to help: all but the largest component of some labels goes.

It is written twice, as a pickle and as JSON; the pickle is code and is never opened.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...core.notice import Notice
from ...models.operations import KeepLargestComponent, LabelOperation
from .folders import read_mapping

_JSON = "postprocessing.json"
_FUNCTION = "remove_all_but_largest_component_from_segmentation"

Found = tuple[tuple[LabelOperation, ...], tuple[Notice, ...], tuple[Path, ...]]
"""The operations, what is to be said about them, and the files that say so."""


def read_postprocessing(dataset: Path, pickle: str) -> Found:
    """The operations that belong to the best configuration.

    Args:
        dataset: folder of the dataset's trained models.
        pickle: path of the pickle on the machine on which it was made.

    Raises:
        ModelError: if the JSON file is damaged.
    """
    parts = [part for part in pickle.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    folders = parts[-3:-1]
    file = dataset.joinpath(*folders, _JSON)
    if len(folders) < 2 or not file.is_file() or not file.resolve().is_relative_to(dataset.resolve()):
        return (), (_left_out("its file postprocessing.json is not there"),) if pickle else (), ()
    content = read_mapping(file)
    functions, arguments = content.get("postprocessing_fns"), content.get("postprocessing_kwargs")
    if not isinstance(functions, list) or not isinstance(arguments, list) or len(functions) != len(arguments):
        return (), (_left_out("it is not written as nnU-Net writes it"),), (file,)
    operations = [_operation(name, given) for name, given in zip(functions, arguments, strict=True)]
    known = tuple(operation for operation in operations if operation is not None)
    if len(known) < len(operations):
        return (), (_left_out("it does something that is not known"),), (file,)
    return known, (), (file,)


def _operation(name: Any, given: Any) -> LabelOperation | None:
    labels = given.get("labels_or_regions") if isinstance(given, dict) else None
    values = tuple(dict.fromkeys(_flat(labels)))
    if name != _FUNCTION or not values or set(given) - {"labels_or_regions"}:
        return None
    return KeepLargestComponent(values, together=True)


def _flat(labels: Any) -> list[int]:
    """The values of a label, of a region, or of a list of either; they are looked at as one structure."""
    if isinstance(labels, list):
        return [value for label in labels for value in _flat(label)]
    return [labels] if isinstance(labels, int) and not isinstance(labels, bool) else []


def _left_out(why: str) -> Notice:
    return Notice("nnunet-postprocessing", f"Labels are not cleaned as nnU-Net found it to be best: {why}.")
