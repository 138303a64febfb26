"""Names that every file system takes and that mean the same on each."""

from __future__ import annotations

import unicodedata

_LONGEST_NAME = 150
_LONGEST_PATH = 400
_DEEPEST = 20
_NOT_ON_WINDOWS = frozenset('<>:"|?*')
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"} | {f"{d}{n}" for d in ("com", "lpt") for n in "0123456789¹²³"}
)


def has_controls(name: str) -> bool:
    """Whether a name has characters that are not shown but followed, such as those that change colours or direction."""
    return any(unicodedata.category(character) in {"Cc", "Cf", "Cs"} for character in name)


def name_problem(name: str) -> str:
    """Why a name cannot be that of a file, a folder or a model; empty if it can."""
    if not name or name in {".", ".."}:
        return "it is no name"
    if has_controls(name):
        return "it has control characters"
    if "/" in name or "\\" in name:
        return "it has a path separator"
    if len(name) > _LONGEST_NAME or len(name.encode()) > 255:
        return f"it is longer than {_LONGEST_NAME} characters"
    if not _NOT_ON_WINDOWS.isdisjoint(name):
        return "it has characters that are not allowed on Windows"
    if name.endswith((" ", ".")) or name.partition(".")[0].strip().casefold() in _DEVICES:
        return "it is not allowed on Windows"
    return ""


def model_id_problem(name: str) -> str:
    """Why a name cannot be a model's id; empty if it can."""
    return name_problem(name) or ("it begins with a full stop" if name.startswith(".") else "")


def path_problem(path: str) -> str:
    """Why a path within an archive cannot be used; empty if it can. It is relative, its parts separated by ``/``."""
    if path.startswith(("/", "\\")) or path[1:2] == ":":
        return "it is an absolute path"
    parts = path.removesuffix("/").split("/")
    if ".." in parts:
        return "it leads out of the folder"
    if len(path) > _LONGEST_PATH or len(parts) > _DEEPEST:
        return "it is too long or too deep"
    return next(filter(None, map(name_problem, parts)), "")


def same_for_some(path: str) -> str:
    """What a path becomes where capitals, or ways to write an accent, make no difference."""
    return unicodedata.normalize("NFKC", path).casefold()


def readable(name: str) -> str:
    """A name of unknown origin for a message: short, and without control characters."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name[:81])
    return f"{shown[:80]}..." if len(name) > 80 else shown
