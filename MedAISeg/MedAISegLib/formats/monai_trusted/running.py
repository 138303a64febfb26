"""A trusted bundle in this process: its networks built, a case brought through them."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...core.case import Case
from ...core.errors import ModelError, ResourceError
from ...core.geometry import VolumeGeometry
from ...core.notice import Notice
from ...core.progress import Progress
from ...core.unfinished import unfinished
from ...engine.device import choose_device, release_unused_memory
from ...engine.even_windows import WindowCount, are_undefined
from ...engine.preparation import prepare
from ...engine.windows import before_each_layer
from ...models.spec import ModelSpec
from ..monai_bundle.config import BundleFiles
from ..monai_bundle.references import Inference
from ..own_run import OwnResult
from .describing import has_background, is_flat, result_key
from .evaluator import has_usual_evaluator, on_one_batch
from .images import CaseImages
from .inference import BundleInference
from .parsing import Description
from .restoring import BROUGHT_BACK, labels_of, on_source_grid
from .surroundings import Modules, code_of, require_whole_monai, told_as_error
from .weights import Networks, build_networks

_CPU = torch.device("cpu")


class BundleNetworks(torch.nn.Module):
    """The networks of a bundle as one, and the modules of the bundle's code that they are made of."""

    def __init__(self, networks: Networks, modules: Modules) -> None:
        super().__init__()
        self.entries = networks
        self.parts = torch.nn.ModuleList(dict.fromkeys(networks.values()))
        self.code = modules


def build(files: BundleFiles) -> BundleNetworks:
    """The bundle's networks with their weights, on the CPU.

    Raises:
        NotTrustedError: if a file of weights holds code, which no trust allows.
        ModelError: if the bundle's code fails, or weights are missing or do not fit.
    """
    require_whole_monai()
    modules: Modules = {}
    with _surroundings(files, modules) as output:
        networks = build_networks(files, Description(files, _CPU, output=output))
    return BundleNetworks(networks, modules)


def run(
    files: BundleFiles,
    spec: ModelSpec,
    case: Case,
    networks: Sequence[Sequence[torch.nn.Module]],
    *,
    device: str,
    progress: Progress,
) -> OwnResult:
    """See OwnRun."""
    ((own,),) = networks
    if not isinstance(own, BundleNetworks):
        raise ModelError("its networks were not built from it.", where=spec.id)
    require_whole_monai()
    compute = choose_device(device)
    try:
        return _attempt(files, spec, case, own, compute, progress)
    except ResourceError:
        if compute == _CPU:
            raise
    release_unused_memory()
    result = _attempt(files, spec, case, own, _CPU, progress)
    notice = Notice("memory-ladder", "Memory was short; the model ran on the CPU.")
    return replace(result, notices=(*result.notices, notice))


def _attempt(
    files: BundleFiles, spec: ModelSpec, case: Case, own: BundleNetworks, compute: torch.device, progress: Progress
) -> OwnResult:
    poll = progress.cancel.raise_if_cancelled
    inference = Inference(files.inference, files.root)
    values: list[np.ndarray] = []
    brought_back = False
    flat = is_flat(files, inference)
    pieces = _pieces(case, spec, flat=flat, progress=progress)
    with (
        _surroundings(files, own.code) as output,
        before_each_layer([own], lambda _: poll()),
        _scores_watched(own.parts) as count,
    ):
        description = Description(files, compute, output=output, instead=_instead(files, own, compute))
        own_evaluator, key = not has_usual_evaluator(files.inference), result_key(inference)
        bundle = BundleInference(description, compute, own_evaluator=own_evaluator, result_key=key)
        for number, (images, geometry) in enumerate(pieces):
            with progress.part(number, len(pieces)):
                found, ours = on_source_grid(bundle.run(images, progress), geometry, poll, flat=flat)
            values.append(found)
            brought_back |= ours
    names = {segment.label_value: segment.name for segment in spec.segments}
    whole = values[0] if len(values) == 1 else np.concatenate(values, axis=1)
    layers, decision, notices = labels_of(whole, names, with_background=has_background(files, inference), poll=poll)
    if brought_back:
        notices = (*notices, BROUGHT_BACK)
    return OwnResult(layers, decision, str(compute), (*notices, *count.notices))


@contextmanager
def _scores_watched(networks: Iterable[torch.nn.Module]) -> Iterator[WindowCount]:
    """Counts no windows, but looks at what the networks give, whoever asks them."""
    count = WindowCount()

    def look(_network: torch.nn.Module, _given: Any, output: Any) -> None:
        count.undefined = count.undefined or any(map(are_undefined, _scores_in(output)))

    handles = [network.register_forward_hook(look) for network in networks]
    try:
        yield count
    finally:
        for handle in handles:
            handle.remove()


def _scores_in(output: Any) -> Iterator[torch.Tensor]:
    if isinstance(output, torch.Tensor) and output.is_floating_point():
        yield output
    elif isinstance(output, (list, tuple, Mapping)):
        for part in output.values() if isinstance(output, Mapping) else output:
            yield from _scores_in(part)


def _pieces(case: Case, spec: ModelSpec, *, flat: bool, progress: Progress) -> list[tuple[CaseImages, VolumeGeometry]]:
    """The case as one image, or slice by slice, each with its grid."""
    plain = replace(spec.stages[0], preprocessing=())
    channels = prepare(case, plain, progress).values.numpy()
    geometry = case.geometry
    if not flat:
        return [(CaseImages(channels, geometry, flat=False), geometry)]
    shape = (1, *geometry.shape_kji[1:])
    grids = [geometry.window((k, 0, 0), shape) for k in range(geometry.shape_kji[0])]
    return [(CaseImages(channels[:, k : k + 1], grid, flat=True), grid) for k, grid in enumerate(grids)]


def _instead(files: BundleFiles, own: BundleNetworks, compute: torch.device) -> dict[str, object]:
    entries: dict[str, object] = {name: network.to(compute) for name, network in own.entries.items()}
    evaluator = files.inference.get("evaluator")
    if not has_usual_evaluator(files.inference):
        entries["evaluator"] = on_one_batch(evaluator)
    return entries


@contextmanager
def _surroundings(files: BundleFiles, modules: Modules) -> Iterator[str]:
    """Where the bundle's code may run; gives the folder for what it writes by itself, which is deleted afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="medaiseg-") as output,
        unfinished(Path(output)),
        code_of(files.root, modules),
        told_as_error(files.root.name),
        warnings.catch_warnings(),
        torch.no_grad(),
    ):
        # Libraries quote what they warn about.
        warnings.simplefilter("ignore")
        yield output
