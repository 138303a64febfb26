"""Any model as a folder of our own layout, its networks as TorchScript."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import replace
from math import prod
from pathlib import Path

import torch
from torch.jit.frontend import FrontendError

from ...core.errors import ModelError, ResourceError, UsageError
from ...models.spec import Argmax, InferenceStage, Windows
from .. import ModelSource, read_model
from . import NAME
from .description import Description, NetworkFile, description_of, read_description, write_description
from .networks import MOST_TRIAL_VOXELS, CheckedNetwork, Size, first_output, try_out
from .onnx_file import external_files

_TEXTS = ("LICENSE*", "README*", "docs/LICENSE*", "docs/README*")
_TOLERANCE = 1e-4


def export_model(source: ModelSource, path: Path, folder: Path) -> Path:
    """Write a model into a new folder, and try what was written.

    Args:
        path: where the model lies, for the licence and the card beside it.

    Raises:
        UsageError: if the folder exists and is not empty.
        ModelError: if it classifies or runs by code of its own, its networks cannot be written as TorchScript, or would
            not compute the same.
        ResourceError: if the folder cannot be written.
    """
    if source.spec.own_code:
        raise ModelError("it runs by code of its own, which no description can stand for.", where=source.spec.id)
    if source.spec.classes:
        raise ModelError("it is a classification model, and our layout is for segmentation.", where=source.spec.id)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("it exists and is not empty.", where=str(folder))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=folder.parent) as scratch:
            made = Path(scratch) / folder.name
            made.mkdir()
            _write(source, path, made)
            read_model(made).build_networks()
            if folder.exists():
                folder.rmdir()
            made.replace(folder)
    except OSError as error:
        raise ResourceError(f"it cannot be written: {error.strerror or error}.", where=str(folder)) from error
    return folder


def _write(source: ModelSource, path: Path, folder: Path) -> None:
    if path.is_dir():
        for text in (text for pattern in _TEXTS for text in sorted(path.glob(pattern)) if text.is_file()):
            target = folder / text.relative_to(path)
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(text, target)
    if source.spec.format == NAME:
        _copy(path, folder)
        return
    files, stages = [], []
    for number, (stage, members) in enumerate(zip(source.spec.stages, source.build_networks(), strict=True)):
        inputs = len(source.spec.channels) + (len(source.spec.segments) if stage.labels_of is not None else 0)
        names = []
        for count, network in enumerate(members):
            name = f"network_{number + 1}_{count + 1}.ts"
            script, classes = as_torchscript(network, inputs, stage.windows, source.spec.id)
            script.save(str(folder / name))
            names.append(NetworkFile(name))
        files.append(tuple(names))
        stages.append(_with_labels(stage, classes, {segment.label_value for segment in source.spec.segments}))
    write_description(description_of(replace(source.spec, stages=tuple(stages)), tuple(files)), folder)


def _copy(path: Path, folder: Path) -> None:
    description: Description = read_description(path / "medaiseg.json")
    for file in {member.file for members in description.networks for member in members}:
        beside = external_files(path / file) if file.endswith(".onnx") else ()
        for name in (file, *((Path(file).parent / other).as_posix() for other in beside)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path / name, folder / name)
    write_description(description, folder)


def _with_labels(stage: InferenceStage, classes: int, named: set[int]) -> InferenceStage:
    """The label of each class, where the model takes class and label for the same; what has no name is background."""
    if not isinstance(stage.decision, Argmax) or stage.decision.labels:
        return stage
    labels = tuple(value if value in named or stage.paints else 0 for value in range(classes))
    return replace(stage, decision=Argmax(labels))


def as_torchscript(
    network: torch.nn.Module, inputs: int, windows: Windows, where: str
) -> tuple[torch.jit.ScriptModule, int]:
    """A network as TorchScript that computes the same, and the number of its classes.

    It is held against the network itself on random windows of two batches, and of two sizes where it takes two.

    Raises:
        ModelError: if that cannot be had.
    """
    checked = CheckedNetwork(network, None, where).eval()
    small = try_out(checked, inputs, windows)
    samples = list(_samples(checked, inputs, small, windows))
    reasons = []
    for make in (_traced, _scripted):
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                script = make(network, samples[0])
                if all(_same(network, script, sample) for sample in samples):
                    return script, int(first_output(script(samples[0])).shape[1])
            reasons.append("it would not compute the same for windows of another size")
        # What torch raises for Python that TorchScript does not have.
        except (FrontendError, RuntimeError, TypeError, ValueError, AttributeError, OSError) as error:
            reasons.append(str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__)
    raise ModelError(
        f"its network {type(network).__name__} cannot be written as TorchScript: {'; '.join(reasons)}.",
        where=where,
        remedy="Share the model in the layout that it has.",
    )


def _traced(network: torch.nn.Module, sample: torch.Tensor) -> torch.jit.ScriptModule:
    script: torch.jit.ScriptModule = torch.jit.trace(network, sample, check_trace=False)
    return script


def _scripted(network: torch.nn.Module, _: torch.Tensor) -> torch.jit.ScriptModule:
    script: torch.jit.ScriptModule = torch.jit.script(network)
    return script


def _samples(network: torch.nn.Module, inputs: int, small: Size, windows: Windows) -> Iterator[torch.Tensor]:
    """Random windows: the size that was tried, and, where the network takes it, another in a larger batch."""
    random = torch.Generator().manual_seed(0)
    yield torch.rand((1, inputs, *small), generator=random)
    full = tuple(n or length for n, length in zip(windows.size or (0, 0, 0), small, strict=True))
    other = full
    # Twice a large window in each direction would need more memory than running the model does.
    if full == small and prod(small) <= MOST_TRIAL_VOXELS:
        other = tuple(n if n == 1 else n * 2 for n in small)
    sample = torch.rand((2, inputs, *other), generator=random)
    try:
        with torch.no_grad():
            network(sample)
    except (RuntimeError, ModelError):
        sample = torch.rand((2, inputs, *small), generator=random)
    yield sample


def _same(network: torch.nn.Module, script: torch.jit.ScriptModule, sample: torch.Tensor) -> bool:
    expected, found = first_output(network(sample.clone())), first_output(script(sample.clone()))
    return expected.shape == found.shape and torch.allclose(expected, found, rtol=_TOLERANCE, atol=_TOLERANCE)
