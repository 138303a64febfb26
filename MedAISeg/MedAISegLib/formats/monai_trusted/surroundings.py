"""Where a trusted bundle's code runs: its own modules within reach, its failures as errors, its prints on stderr."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType

from ...core.errors import MedAISegError, ModelError, ResourceError

_LONGEST = 300

_PROTECTED = frozenset({"torch", "monai", "numpy", "MedAISegLib", "__main__"}) | sys.stdlib_module_names

Modules = dict[str, ModuleType]


@contextmanager
def code_of(root: Path, modules: Modules) -> Iterator[None]:
    """Within the block, imports find the bundle's own modules, and no other bundle's of the same name.

    Nothing is compiled into the bundle's folder, since that would make it another model than the trusted one.

    Args:
        modules: those that were imported from it before; is updated.
    """
    hidden = {name: module for name, module in sys.modules.items() if _may_shadow(name, root)}
    for name in hidden:
        del sys.modules[name]
    sys.modules.update(modules)
    search_path, no_bytecode = list(sys.path), sys.dont_write_bytecode
    sys.path.insert(0, str(root))
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        with contextlib.chdir(root), redirect_stdout(sys.stderr):
            yield
    finally:
        sys.path[:], sys.dont_write_bytecode = search_path, no_bytecode
        modules |= {name: module for name, module in sys.modules.items() if _lies_below(module, root)}
        for name in modules:
            sys.modules.pop(name, None)
        sys.modules.update(hidden)


@contextmanager
def told_as_error(where: str) -> Iterator[None]:
    """What fails within the block is an error of the model; what was raised by us on its way is raised as it was.

    Raises:
        ModelError: if the bundle's code fails.
        ResourceError: if memory does not suffice.
    """
    try:
        yield
    except MedAISegError:
        raise
    except Exception as error:
        # What code of others raises is not for us to list.
        raise _translated(error, where) from error


def _translated(error: BaseException, where: str) -> MedAISegError:
    from ...engine.memory import is_out_of_memory

    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    for link in chain:
        # MONAI wraps whatever a transform raises.
        if isinstance(link, MedAISegError):
            return link
        if is_out_of_memory(link):
            return ResourceError(
                "there is not enough memory for this model and image.",
                remedy="Close other programs, limit the run to a region, or use --device cpu.",
            )
    first = chain[-1]
    said = " ".join(str(first).split())[:_LONGEST]
    return ModelError(
        f"its own code failed: {type(first).__name__}: {said}",
        where=where,
        remedy="Ask the model's author, or run it with MONAI itself to see more.",
    )


def require_whole_monai() -> None:
    """MONAI with all that is installed beside it; it may have been imported for its networks alone before."""
    networks = sys.modules.get(f"{__package__.rpartition('.')[0]}.monai_networks")
    if networks is not None and networks.IS_LIMITED and sys.modules.get("monai.networks.nets") is networks.nets:
        for name in [name for name in sys.modules if name.partition(".")[0] == "monai"]:
            del sys.modules[name]
    importlib.import_module("monai.bundle")


def _may_shadow(name: str, root: Path) -> bool:
    top = name.partition(".")[0]
    return top not in _PROTECTED and ((root / top).is_dir() or (root / f"{top}.py").is_file())


def _lies_below(module: ModuleType, root: Path) -> bool:
    # Some of torch's modules answer to any attribute's name.
    known = getattr(module, "__dict__", {})
    path = known.get("__path__")
    places = [known.get("__file__"), *(path if isinstance(path, Iterable) else ())]
    return any(isinstance(place, str) and Path(place).is_relative_to(root) for place in places)
