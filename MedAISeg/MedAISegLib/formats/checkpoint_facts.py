"""What a torch checkpoint holds beside its weights, read without torch and without the weights.

A checkpoint is a zip archive whose ``data.pkl`` describes everything in it; the numbers of its tensors lie in files of
their own. Only what describes plain data is understood here: a pickle that asks for anything else is refused, and
nothing that it names is looked up or called.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import Counter, OrderedDict
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from ..core.errors import ModelError, NotTrustedError
from ..models.zip_listing import opened_zip
from .bounded_pickles import LARGEST, ExcessError, require_bounded
from .plain_numpy import STAND_INS
from .weights_file import require_itself

_DAMAGED = (
    *(pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, LookupError),
    *(MemoryError, OverflowError, RecursionError),
)
_OF_BEFORE = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The number that a file of before torch 1.6 begins with, pickled."""
_ANEW = "Ask the model's author to save it anew with a later torch: torch.save(torch.load(FILE), FILE)."
REMEDY = "Only plain weights are loaded; ask the model's author for them, best as safetensors."


@dataclass(frozen=True)
class TensorFacts:
    """A tensor whose numbers were not read."""

    shape: tuple[int, ...]


def checkpoint_facts(path: Path) -> dict[str, Any]:
    """The items of a checkpoint; tensors as :class:`TensorFacts`.

    Raises:
        NotTrustedError: if it holds more than plain data.
        ModelError: if it is damaged, or no checkpoint of torch 1.6 or later.
    """
    try:
        content = _opened(path)
    except _DAMAGED as error:
        raise ModelError(f"the checkpoint is damaged: {error}.", where=str(path)) from error
    except ExcessError as error:
        raise ModelError(f"the checkpoint is refused: {error}.", where=str(path), remedy=REMEDY) from error
    except _ForbiddenError as error:
        raise NotTrustedError(
            f"the checkpoint holds code: it asks for {error}.",
            where=str(path),
            remedy=REMEDY,
        ) from error
    if not isinstance(content, dict):
        raise ModelError("the checkpoint holds no items by name.", where=str(path))
    return content


def _opened(path: Path) -> Any:
    description = _description(path)
    stamp = (path, path.stat().st_size, path.stat().st_mtime_ns)
    if stamp not in _bounded:
        require_bounded(description)
        _bounded.add(stamp)
    return _Facts(BytesIO(description)).load()


_bounded: set[tuple[Path, int, int]] = set()
"""Those that have been gone through: a list of models reads them again and again."""


def is_checkpoint(path: Path) -> bool:
    """True for a zip archive as torch writes it."""
    try:
        return path.is_file() and zipfile.is_zipfile(path)
    except OSError:
        return False


def why_in_old_form(path: Path) -> ModelError | None:
    """The error for a file that torch before 1.6 saved, of which it is not known what it holds; None for any other.

    Raises:
        OSError: if it cannot be read.
    """
    with path.open("rb") as stream:
        if stream.read(len(_OF_BEFORE)) != _OF_BEFORE:
            return None
    what = "it was saved in the form of torch before 1.6, of which only weights alone are read."
    return ModelError(what, where=str(path), remedy=_ANEW)


def _description(path: Path) -> bytes:
    try:
        require_itself(path)
        if (in_old_form := why_in_old_form(path)) is not None:
            raise in_old_form
        with opened_zip(path) as archive:
            names = [name for name in archive.namelist() if name.count("/") == 1 and name.endswith("/data.pkl")]
            if len(names) != 1:
                raise ModelError("it is no checkpoint of torch.", where=str(path))
            if archive.getinfo(names[0]).file_size > LARGEST:
                raise ModelError("its description is too large.", where=str(path))
            return archive.read(names[0])
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
        raise ModelError(f"the checkpoint is damaged: {error}.", where=str(path)) from error


class _ForbiddenError(Exception):
    """Names what a pickle must not ask for."""


class _Named:
    """Stands for a class of torch, such as a kind of storage, that is only named."""


def _tensor(*arguments: Any) -> TensorFacts:
    """Stands for torch's functions that rebuild a tensor: storage, offset, size, strides, …"""
    return TensorFacts(tuple(int(length) for length in arguments[2]))


def _parameter(tensor: TensorFacts, *_: Any) -> TensorFacts:
    return tensor


# torch writes the names that modules had in Python 2.
_PLAIN: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "Counter"): Counter,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch", "Size"): tuple,
    ("torch", "device"): lambda *_: None,
    **{(builtins, kind.__name__): kind for builtins in ("builtins", "__builtin__") for kind in (set, complex, slice)},
    ("_codecs", "encode"): lambda text, *_: text.encode("latin-1"),
    **{(place.rpartition(".")[0], place.rpartition(".")[2]): stand_in for place, stand_in in STAND_INS.items()},
}


class _Facts(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _PLAIN:
            return _PLAIN[module, name]
        if module in ("torch", "torch.storage") and name.endswith("Storage"):
            return _Named
        if module == "torch" and name.isidentifier() and name.islower():
            # A data type such as torch.float32, which is only named.
            return _Named
        raise _ForbiddenError(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> None:
        """The numbers of a tensor, which are left where they are."""
