"""Which classes are MONAI's own, told from the text of the installed MONAI; nothing is imported for this."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path

_APPS = ("deepedit", "deepgrow", "detection", "nuclick", "pathology", "reconstruction", "vista3d")
_PACKAGES = (
    *("data", "engines", "handlers", "inferers", "losses", "metrics", "networks", "optimizers", "transforms", "utils"),
    *(f"apps.{name}" for name in _APPS),
)
"""Where the published bundles take their classes from; what trains, downloads or runs other bundles lies elsewhere."""

_NETWORKS = "networks.nets"
"""Its functions build networks, and count like classes."""

_CLASS = re.compile(r"^class (\w+)", re.MULTILINE)
_FUNCTION = re.compile(r"^def ([a-z]\w*)", re.MULTILINE)
_ALIASES = re.compile(r"^((?:\w+ = )+)\(?\s*(\w+)\s*\)?$", re.MULTILINE)


def is_of_monai(target: str) -> bool:
    """Whether a name stands for a class of MONAI, or a function of it that builds a network.

    It must be defined where the name says, or below. A module that MONAI imports, and what that has, is none of its
    classes, wherever in MONAI it can be reached.

    Args:
        target: as a description has it, ``SimpleInferer`` or ``monai.inferers.SimpleInferer``.
    """
    top, *modules, name = target.split(".") if "." in target else ("monai", target)
    folder = _folder()
    if folder is None or top != "monai" or not all(part.isidentifier() for part in (*modules, name)):
        return False
    if "." not in target:
        return any(name in _classes(folder.joinpath(*package.split("."))) for package in _PACKAGES)
    below, place = ".".join(modules), folder.joinpath(*modules)
    if not any(f"{below}.".startswith(f"{package}.") for package in _PACKAGES):
        return False
    return name in _classes(place) or (f"{below}.".startswith(f"{_NETWORKS}.") and name in _functions(place))


def _folder() -> Path | None:
    # Of a top-level name nothing is imported for this.
    spec = importlib.util.find_spec("monai")
    places = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(places))) if places else None


@cache
def _classes(place: Path) -> frozenset[str]:
    """Of a module or package, by every name that they have there."""
    names: set[str] = set()
    for text in _texts(place):
        classes = set(_CLASS.findall(text))
        names |= classes
        for aliases, name in _ALIASES.findall(text):
            if name in classes:
                names.update(re.findall(r"\w+", aliases))
    return frozenset(names)


@cache
def _functions(place: Path) -> frozenset[str]:
    return frozenset(name for text in _texts(place) for name in _FUNCTION.findall(text))


def _texts(place: Path) -> list[str]:
    module = place.with_suffix(".py")
    files = [module] if module.is_file() else sorted(place.rglob("*.py"))
    return [file.read_text(encoding="utf-8", errors="replace") for file in files]
