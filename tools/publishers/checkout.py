"""A publisher's repository on this machine, read by git at its newest commit; nothing in it is run."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Checkout:
    """A git folder, with or without a work tree."""

    path: Path

    @cached_property
    def commit(self) -> str:
        return self._git("rev-parse", "HEAD").decode().strip()

    @cached_property
    def names(self) -> frozenset[str]:
        """The paths of all files."""
        return frozenset(self._git("ls-tree", "-r", "-z", "--name-only", "HEAD").decode().split("\0"))

    def content(self, name: str) -> bytes:
        return self._git("show", f"HEAD:{name}")

    def text(self, name: str) -> str:
        """Of a file; empty where there is none."""
        return self.content(name).decode("utf-8", errors="replace") if name in self.names else ""

    def json(self, name: str) -> Any:
        return json.loads(self.text(name))

    def _git(self, *arguments: str) -> bytes:
        return subprocess.check_output(["git", "-C", str(self.path), *arguments])


def licence_of(text: str) -> tuple[str, bool | None]:
    """A licence's short name, and whether it allows commercial use; empty and None where that is not known."""
    head = " ".join(text.split())[:200].lower()
    if re.search(r"non-?commercial", text, re.IGNORECASE):
        first = text.strip().partition("\n")[0].strip()
        if "Model Weights License" in text:
            first = "Model Weights License, non-commercial"
        return (first if len(first) < 80 and "licen" in first.lower() else "non-commercial"), False
    if head.startswith("apache license"):
        return "Apache-2.0", True
    return ("MIT", True) if head.startswith("mit license") else ("", None)


def plain_id(text: str) -> str:
    """A model's id made of a title or file name."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def counted(labels: dict[str, str]) -> str:
    """How many structures, as words of a description."""
    return "one structure" if len(labels) == 1 else f"{len(labels)} structures"
