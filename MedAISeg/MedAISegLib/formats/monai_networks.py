"""MONAI's networks, imported with nothing but what they need.

``import monai`` tries every package that any part of MONAI could make use of (ignite, matplotlib, pandas, scipy,
torchvision, …), where the networks use torch, numpy and einops. To MONAI, and only while it is imported, the others are
not there, which it is made for: 0.3 s and 31 MB in place of 2.3 s and 211 MB. Where MONAI has been imported before,
nothing changes; where it is used for more than its networks, import it before this module.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any

from ..core.errors import ModelError
from .bounded_building import bounded_building

_NEEDED = frozenset({"monai", "torch", "numpy", "einops"}) | sys.stdlib_module_names


class _Refusal:
    """A finder that comes before all others, and knows of nothing that MONAI itself asks for beyond its needs.

    What others ask for meanwhile, in this thread or another, is found as ever: torch, say, decides by what is there.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if name.partition(".")[0] not in _NEEDED and _package_that_imports() == "monai":
            raise ModuleNotFoundError(f"{name} is not needed for a network", name=name)
        return None


@contextmanager
def only_what_is_needed() -> Iterator[None]:
    """Within the block MONAI finds none of the packages that it can do without; what is imported already stays."""
    refusal = _Refusal()
    sys.meta_path.insert(0, refusal)
    try:
        yield
    finally:
        sys.meta_path.remove(refusal)


def _package_that_imports() -> str:
    """The package whose code runs the import statement that is being carried out in this thread."""
    frame: FrameType | None = sys._getframe(1)  # nothing public names the importer to a finder
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module != __name__ and module.partition(".")[0] not in ("importlib", "_frozen_importlib"):
            return module.partition(".")[0]
        frame = frame.f_back
    return ""


IS_LIMITED = "monai" not in sys.modules
"""Whether it was imported here, without the packages that other parts of MONAI use."""

with only_what_is_needed():
    from monai.networks import nets

__all__ = ["IS_LIMITED", "build_architecture", "nets", "only_what_is_needed"]


def build_architecture(name: str, arguments: Mapping[str, Any], where: str) -> Any:
    """A network, or a part of one, without weights.

    Raises:
        ModelError: if the installed MONAI cannot build it.
    """
    kind = getattr(nets, name)
    unknown = set(arguments) - _arguments_of(kind)
    if unknown:
        raise ModelError(
            f"the installed MONAI's {name} has no argument {', '.join(sorted(unknown))}.",
            where=where,
            remedy="The model was made for another version of MONAI: ask its author for one for this version.",
        )
    try:
        # Some of MONAI's classes print, and standard output may be what another program reads.
        with redirect_stdout(sys.stderr), bounded_building(where, arguments):
            return kind(**arguments)
    # What MONAI's classes raise when their arguments do not fit each other.
    except (ArithmeticError, TypeError, ValueError, LookupError, AttributeError, AssertionError, RuntimeError) as error:
        raise ModelError(f"{name} cannot be built: {str(error)[:300]}", where=where) from error
    except MemoryError as error:
        raise ModelError(f"{name} is too large for the memory.", where=where) from error
    except ImportError as error:
        raise ModelError(f"{name} needs a package: {error}", where=where) from error


def _arguments_of(kind: type) -> set[str]:
    """What the class takes by name; of one that hands further arguments on, what those that it derives from take."""
    known: set[str] = set()
    for base in kind.__mro__:
        parameters = inspect.signature(base).parameters
        known |= set(parameters)
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            break
    return known
