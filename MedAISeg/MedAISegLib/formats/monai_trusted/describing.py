"""A trusted bundle as a specification: what its metadata says, and what can be told without running it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ...core.errors import ModelError
from ...models.spec import Activation, Argmax, InferenceStage, ModelSpec, Restore, Threshold, Windows
from ..monai_bundle import description
from ..monai_bundle.config import BundleFiles
from ..monai_bundle.inferer import compile_inferer, given_inferer
from ..monai_bundle.preprocessing import compile_preprocessing
from ..monai_bundle.references import Inference
from ..monai_bundle.transforms import keys_of, transform_list
from ..monai_bundle.values import Component

T = TypeVar("T")

_MOST_UNNAMED = 1000
_SAVERS = ("SaveImaged", "SaveImageD", "SaveImageDict")
_NUCLEI = re.compile(r"(?:monai\.apps\.pathology\.(?:\w+\.)*)?HoVerNetNuclearTypePostProcessing(?:d|D|Dict)")
"""Leaves each nucleus with the number of its type, beside a map of single nuclei."""
_COLOURS = ("R", "G", "B")


def spec_of(files: BundleFiles, inference: Inference) -> ModelSpec:
    """The specification; its stage holds what is understood, for estimates only.

    Raises:
        ModelError: if the metadata is damaged, or the bundle leaves several results.
    """
    metadata = files.metadata
    names = label_names(files, inference)
    labels = tuple(sorted(names))
    flat = is_flat(files, inference)
    dimensions, unknown = (2, Windows((0, 0, 1))) if flat else (3, Windows())
    stage = InferenceStage(
        _if_understood(lambda: compile_preprocessing(inference.value("preprocessing")), ()),
        _if_understood(lambda: compile_inferer(given_inferer(inference), dimensions).windows, unknown),
        Argmax() if has_background(files, inference) else Threshold(labels),
        Restore(Activation.NONE),
        slicewise=flat,
    )
    try:
        return ModelSpec(
            **description.of_itself(files.root.name, files.root, metadata),
            format="monai_trusted",
            channels=description.channels(*_with_images_counted(metadata, flat=flat)),
            stages=(stage,),
            segments=description.segments(metadata, names),
            own_code=True,
        )
    except ValueError as error:
        raise ModelError(f"{error}.", where="network_data_format") from error


def label_names(files: BundleFiles, inference: Inference) -> dict[int, str]:
    """The structures by label value, the background left out.

    Raises:
        ModelError: if the metadata names none.
    """
    names = _classes(files, inference)
    if 0 in names and description.is_background(names[0]):
        return {value: name for value, name in names.items() if value > 0}
    if 0 in names:
        return {value + 1: name for value, name in names.items()}
    return names


def has_background(files: BundleFiles, inference: Inference) -> bool:
    """Whether the bundle's classes begin with the background."""
    return description.is_background(_classes(files, inference).get(0, ""))


def is_flat(files: BundleFiles, inference: Inference) -> bool:
    """Whether the bundle works on 2-D images."""
    shape = description.image_format(files.metadata).get("spatial_shape")
    return (isinstance(shape, list) and len(shape) == 2) or inference.value("network_def#spatial_dims") == 2


def result_key(inference: Inference) -> str:
    """Under which name the bundle's post-processing leaves the map of labels, where that is known beforehand."""
    entry = _nuclei(inference)
    key = entry.arguments.get("type_map_key", "type_map") if entry is not None else ""
    return key if isinstance(key, str) else ""


def _nuclei(inference: Inference) -> Component | None:
    nothing: list[Component] = []
    entries = _if_understood(lambda: transform_list(inference.value("postprocessing"), "postprocessing"), nothing)
    return next((entry for entry in entries if _NUCLEI.fullmatch(entry.target)), None)


def _classes(files: BundleFiles, inference: Inference) -> dict[int, str]:
    kinds = inference.value("network_def#out_classes") if _nuclei(inference) is not None else None
    if isinstance(kinds, int) and 1 < kinds <= _MOST_UNNAMED:
        return {0: "background"} | {n: f"nuclei of type {n}" for n in range(1, kinds)}
    prediction = _result_format(files, inference)
    written = description.section(prediction, "channel_def") or description.section(prediction, "label_def")
    named = description.numbered(written, "channel_def of the output")
    labels = inference.value("labels") if inference.has("labels") else None
    if not named and isinstance(labels, dict):
        named = {value: str(name) for name, value in labels.items() if isinstance(value, int)}
    count = prediction.get("num_channels")
    if not named and isinstance(count, int) and 0 < count <= _MOST_UNNAMED:
        named = {0: "background"} | {n: f"label {n}" for n in range(1, max(count, 2))}
    if not named:
        raise ModelError("it does not name the structures that it finds.", where="network_data_format")
    return named


def _result_format(files: BundleFiles, inference: Inference) -> Mapping[str, Any]:
    """What the metadata says of the one map of labels that the bundle leaves.

    Raises:
        ModelError: if it leaves several results, and none of them as the prediction.
    """
    outputs = description.section(files.metadata, "network_data_format", "outputs")
    if "pred" in outputs or len(outputs) < 2:
        return description.prediction_format(files.metadata)
    saved = _saved(inference)
    if len(saved) == 1 and saved[0] in outputs:
        return description.section(outputs, saved[0])
    raise ModelError(
        f"it gives several results instead of one map of labels ({', '.join(saved or sorted(outputs))}), which is not "
        "supported.",
        where=description.text(files.metadata, "name") or files.root.name,
        remedy="Run it with MONAI itself.",
    )


def _saved(inference: Inference) -> tuple[str, ...]:
    """The keys of what the bundle would write into files, as far as its post-processing can be read."""

    def keys() -> tuple[str, ...]:
        entries = transform_list(inference.value("postprocessing"), "postprocessing")
        return tuple(dict.fromkeys(key for e in entries if e.target.endswith(_SAVERS) for key in keys_of(e)))

    return _if_understood(keys, ())


def _with_images_counted(metadata: Mapping[str, Any], *, flat: bool) -> tuple[dict[str, Any], int]:
    """Images that a user gives, and their number; the network may take more channels, which the bundle's code makes."""
    image = description.image_format(metadata)
    named, said = description.section(image, "channel_def"), image.get("num_channels")
    if flat and len(named) == 1 and said == len(_COLOURS):
        # One picture in colour.
        named = {str(n): colour for n, colour in enumerate(_COLOURS)}
    count = len(named) or (said if isinstance(said, int) and said > 0 else 1)
    counted = {**image, "num_channels": count} | ({"channel_def": named} if named else {})
    return {**metadata, "network_data_format": {"inputs": {"image": counted}}}, count


def _if_understood(compiled: Callable[[], T], otherwise: T) -> T:
    try:
        return compiled()
    except ModelError:
        return otherwise
