"""Write the lists of scripts and resources in MedAISeg/CMakeLists.txt: Slicer packages no file that is not listed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

MODULE = Path(__file__).resolve().parents[1] / "MedAISeg"
CMAKE_FILE = MODULE / "CMakeLists.txt"


def files_in_git() -> list[str]:
    """The files of the module that git knows, without CMake's own."""
    listing = subprocess.check_output(["git", "ls-files", "-z"], cwd=MODULE, text=True)
    return sorted(
        name for name in listing.split("\0") if name and name != CMAKE_FILE.name and (MODULE / name).is_file()
    )


def lists_of(names: list[str]) -> dict[str, list[str]]:
    """What belongs under each of CMake's variables."""
    return {
        "MODULE_PYTHON_SCRIPTS": [name for name in names if name.endswith(".py")],
        "MODULE_PYTHON_RESOURCES": [name for name in names if not name.endswith(".py")],
    }


def with_lists(text: str, lists: dict[str, list[str]]) -> str:
    """CMake's text with its lists replaced."""
    for variable, names in lists.items():
        lines = "".join(f"  {name}\n" for name in names)
        text = re.sub(rf"(set\({variable}\n)[^)]*\)", lambda found, lines=lines: f"{found[1]}{lines}  )", text)
    return text


if __name__ == "__main__":
    text = CMAKE_FILE.read_text(encoding="utf-8")
    CMAKE_FILE.write_text(with_lists(text, lists_of(files_in_git())), encoding="utf-8")
