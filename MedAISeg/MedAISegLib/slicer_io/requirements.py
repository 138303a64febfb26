"""The packages that the worker needs beside torch, by the hashed lists that come with the module."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LISTS_FOLDER = Path(__file__).resolve().parents[2] / "Resources" / "Requirements"
LIST_TITLES = ("worker", "if-missing")
"""What Slicer's Python lacks or has too old, and what only a Python of another origin may lack."""

TORCH = "torch"
TORCH_MINIMUM = "2.8"
"""What the pinned MONAI asks for."""

MODULES = {
    "certifi": "certifi",
    "charset-normalizer": "charset_normalizer",
    "dynamic_network_architectures": "dynamic_network_architectures",
    "einops": "einops",
    "filelock": "filelock",
    "h5py": "h5py",
    "highdicom": "highdicom",
    "idna": "idna",
    "importlib_resources": "importlib_resources",
    "monai": "monai",
    "nibabel": "nibabel",
    "numpy": "numpy",
    "packaging": "packaging",
    "pillow": "PIL",
    "platformdirs": "platformdirs",
    "pooch": "pooch",
    "psutil": "psutil",
    "pydicom": "pydicom",
    "pyjpegls": "jpeg_ls",
    "pylibjpeg-openjpeg": "openjpeg",
    "python-gdcm": "gdcm",
    "PyYAML": "yaml",
    "requests": "requests",
    "safetensors": "safetensors",
    "simpleitk": "SimpleITK",
    TORCH: "torch",
    "truststore": "truststore",
    "typing_extensions": "typing_extensions",
    "urllib3": "urllib3",
}
"""A distribution's name to a module that it installs."""

MINIMA = {
    "dynamic_network_architectures": "0.4",
    "einops": "0.8",
    "filelock": "3.13",
    "h5py": "3.11",
    "highdicom": "0.28",
    "monai": "1.6",
    "nibabel": "5.3",
    "numpy": "2.0",
    "packaging": "20",
    "pillow": "8.3",
    "pooch": "1.8",
    "psutil": "6",
    "pydicom": "3.0",
    "pylibjpeg-openjpeg": "2.4",
    "python-gdcm": "3.0.24",
    "PyYAML": "6",
    "requests": "2.32",
    "safetensors": "0.5",
    "simpleitk": "2.0",
    "truststore": "0.10",
    "typing_extensions": "4.10",
    "urllib3": "1.26",
}
"""Of what a Python has itself; any version of the others will do."""
_ONLY_BEFORE = {"importlib_resources": "cp312"}
"""What the standard library has since."""

_ENTRY = re.compile(r"^([\w.-]+)==([\w.]+)((?:\s*\\\n\s*--hash=sha256:[0-9a-f]{64})+)$", re.MULTILINE)


@dataclass(frozen=True)
class Requirement:
    """A pinned package; ``text`` is its entry in a requirements file, hashes included."""

    name: str
    version: str
    text: str


def listed(title: str) -> tuple[Requirement, ...]:
    """The packages of the list of that title."""
    text = (LISTS_FOLDER / f"{title}.txt").read_text(encoding="utf-8")
    return tuple(Requirement(found[1], found[2], found[0]) for found in _ENTRY.finditer(text))


def private_requirements(tag: str, found: Mapping[str, str], *, own: bool) -> tuple[Requirement, ...]:
    """What belongs into the private folder of a Python.

    Args:
        tag: of that Python, e.g. ``cp312-linux_x86_64``.
        found: the versions of the packages that it has itself, by name; empty where one does not say its version.
        own: it is Slicer's. Other extensions install into that as they need, so that what they put there cannot be
            relied on; what it brings along can.
    """
    wanted = [entry for entry in listed("worker") if own or _lacks(entry.name, tag, found)]
    return (*wanted, *(entry for entry in listed("if-missing") if _lacks(entry.name, tag, found)))


def is_at_least(version: str, minimum: str) -> bool:
    """Whether a version is new enough, by its numbers; one that is not known counts as such."""
    return not version or _numbers(version) >= _numbers(minimum)


def _lacks(name: str, tag: str, found: Mapping[str, str]) -> bool:
    limit = _ONLY_BEFORE.get(name)
    if limit is not None and _numbers(tag) >= _numbers(limit):
        return False
    return name not in found or not is_at_least(found[name], MINIMA.get(name, "0"))


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers without zeros at the end: (2, 13) of ``2.13.0+cpu``, (312,) of ``cp312-win_amd64``."""
    leading = re.match(r"\D*(\d+(?:\.\d+)*)", version)
    numbers = [int(part) for part in leading[1].split(".")] if leading else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
