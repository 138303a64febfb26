"""Model formats: each adapter compiles a folder or file into a ModelSpec and builds its networks.

An adapter is one module with two functions, and one line in ``FORMATS``::

    def recognises(path: Path) -> bool: ...
    def read(path: Path) -> ModelSource: ...

``read`` evaluates nothing of the model's own and loads no weights; the source's ``build_networks`` does that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

from ..core.errors import ModelError, NotTrustedError
from ..models.names import readable
from ..models.spec import ModelSpec
from .other_task import CLASSIFICATION, OtherTaskError
from .recipe import Recipe
from .sanity import require_few, require_sane
from .undescribed import why_undescribed

if TYPE_CHECKING:
    import torch

    from .own_run import OwnRun

FORMATS = {
    "medaiseg_bundle": "MedAISegLib.formats.medaiseg_bundle",
    "monai_bundle": "MedAISegLib.formats.monai_bundle",
    "meshnet": "MedAISegLib.formats.meshnet",
    "auto3dseg": "MedAISegLib.formats.auto3dseg",
    "nnunet": "MedAISegLib.formats.nnunet",
}
"""Format name to the module of its adapter, in the order in which they are asked."""

CLASSIFIERS = {"monai_bundle": "MedAISegLib.formats.monai_classifier"}
"""Format name to the module whose ``read`` takes those of its models that classify whole images."""

OWN_CODE = {"monai_bundle": "MedAISegLib.formats.monai_trusted"}
"""Format name to the module that has the model's own code run what the adapter does not compile, once it is trusted::

    def read(path: Path, refused: NotTrustedError) -> ModelSource: ...
"""

_DAMAGE = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError)
"""What an adapter meets in a description of another make than it expects, where it has no words of its own for it."""

_Made = TypeVar("_Made")

_LONGEST_REASON = 300
_MOST_FOLDERS = 100
_AGAIN = "Install it again from where its publisher hands it out, or ask its author for one that is whole."
_WITHOUT_CODE = "Ask its author for a model that runs without code of its own."


@dataclass(frozen=True)
class ModelSource:
    """A model that has been read but not loaded.

    Attributes:
        spec: everything but the networks.
        build_networks: builds the networks of each stage (folds or members, averaged), on the CPU, in evaluation mode,
            weights loaded with ``weights_only=True`` or from safetensors. Raises ModelError. That of a model with
            classes gives (batch, class) scores.
        run: the model's own way from a case to labels, where the spec does not describe it.
        widths: of each stage's widest network, features for each voxel of a window where it holds most of them; empty
            where only running it would tell.
        members: of each stage so many networks; empty for one each.
        recipes: gives for each network of each stage how it is made; None where the networks' files say so themselves,
            or no description could stand for them.
        programs: the files of its networks that are programs, TorchScript or ONNX: whoever builds the networks runs
            them, and they may end the process (:mod:`.checking`).
    """

    spec: ModelSpec
    build_networks: Callable[[], tuple[tuple[torch.nn.Module, ...], ...]]
    run: OwnRun | None = None
    widths: tuple[float, ...] = ()
    members: tuple[int, ...] = ()
    recipes: Callable[[], tuple[tuple[Recipe, ...], ...]] | None = None
    programs: tuple[Path, ...] = ()


def read_model(path: Path) -> ModelSource:
    """Read a model's folder or file with the first adapter that recognises it.

    Raises:
        NotTrustedError: if only its own code could run it, and the user has not trusted it.
        ModelError: if none does, or the model is damaged, not supported or beyond all bounds.
    """
    with _told(path):
        source = _read_first(path)
    recipes = partial(_made, source.recipes, path) if source.recipes else None
    return replace(source, build_networks=partial(_made, source.build_networks, path), recipes=recipes)


def _made(make: Callable[[], tuple[tuple[_Made, ...], ...]], path: Path) -> tuple[tuple[_Made, ...], ...]:
    # Importing torch takes seconds.
    from .bounded_building import counted_together

    with _told(path), counted_together():
        return make()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Whatever a damaged model gives rise to is an error of the model, with what a user can do."""
    try:
        yield
    except ModelError as error:
        error.where = error.where or str(path)
        error.remedy = error.remedy or (_WITHOUT_CODE if isinstance(error, NotTrustedError) else _AGAIN)
        raise
    except _DAMAGE as error:
        what = f"it is damaged: {str(error)[:_LONGEST_REASON] or type(error).__name__}."
        raise ModelError(what, where=str(path), remedy=_AGAIN) from error
    except OSError as error:
        what = f"it cannot be read: {error.strerror or error}."
        raise ModelError(what, where=str(path), remedy="See whether the file is there and may be read.") from error


def _read_first(path: Path) -> ModelSource:
    for name, module_name in FORMATS.items():
        adapter = import_module(module_name)
        if adapter.recognises(path):
            source = _read(path, name, adapter)
            require_sane(source.spec, str(path))
            require_few(source.members, str(path))
            return source
    remedy = _deeper(path) or f"Known formats: {', '.join(FORMATS)}."
    raise why_undescribed(path) or ModelError("it is no model of a known format.", where=str(path), remedy=remedy)


def _deeper(path: Path) -> str:
    """The remedy for a folder above the model's own; empty where none lies right below it."""
    folders = (folder for folder in islice(path.glob("*"), _MOST_FOLDERS) if folder.is_dir())
    names = sorted(folder.name for folder in folders if _is_model(folder))
    return f"The folder to be named is one in it: {readable(', '.join(names[:5]))}." if names else ""


def _is_model(folder: Path) -> bool:
    return any(import_module(module_name).recognises(folder) for module_name in FORMATS.values())


def _read(path: Path, name: str, adapter: ModuleType) -> ModelSource:
    source: ModelSource
    try:
        source = adapter.read(path)
    except OtherTaskError as other:
        if other.task != CLASSIFICATION or name not in CLASSIFIERS:
            raise
        source = import_module(CLASSIFIERS[name]).read(path)
    except NotTrustedError as refused:
        if name not in OWN_CODE:
            raise
        source = import_module(OWN_CODE[name]).read(path, refused)
    return source
