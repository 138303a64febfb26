"""Write the hashed lists of packages that the worker needs beside torch: MedAISeg/Resources/Requirements.

The versions are those of constraints.txt. pip itself is asked, once for each kind of machine and Python, what it would
install there, so that a version without a wheel for one of them is noticed here and not by a user. Needs the network.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

REPOSITORY = Path(__file__).resolve().parents[1]
FOLDER = REPOSITORY / "MedAISeg" / "Resources" / "Requirements"
INDEX = "https://pypi.org/simple"

LISTS = {
    "worker": (
        "monai", "highdicom", "pydicom", "pyjpegls", "nibabel", "h5py", "python-gdcm", "pylibjpeg-openjpeg",
        "safetensors", "PyYAML", "psutil", "dynamic_network_architectures", "einops", "pooch", "platformdirs",
        "truststore",
    ),
    "if-missing": (
        "numpy", "simpleitk", "pillow", "packaging", "typing_extensions", "importlib_resources", "requests", "urllib3",
        "idna", "certifi", "charset-normalizer", "filelock",
    ),
}  # fmt: skip
HEADERS = {
    "worker": "What the worker needs and Slicer's Python lacks, or has too old.",
    "if-missing": "What Slicer's Python has; only a Python of another origin, where it lacks them, gets these.",
}
NOT_LISTED = {
    "torch": "the PyTorch extension installs it, for the graphics card that is there",
    "timm": "of nnU-Net's networks only the plain and residual U-Nets are used, which do without",
}
"""What a package of the lists requires and does not get, and why."""

PYTHONS = ("3.11", "3.12", "3.13")
MACHINES = {
    "Windows": ("win_amd64",),
    "Linux": (*(f"manylinux_2_{n}_x86_64" for n in range(28, 16, -1)), "manylinux2014_x86_64"),
    "macOS 13, Apple": ("macosx_13_0_arm64",),
    "macOS 14, Apple": ("macosx_14_0_arm64",),
    "macOS 13, Intel": ("macosx_13_0_x86_64",),
    "macOS 14, Intel": ("macosx_14_0_x86_64",),
}
"""pip prefers the newest wheel that a machine can use, so that each age of a system has to be asked for."""
OLD_LINUX = ("manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux2010_x86_64")
"""Older than what Slicer itself runs on; its wheels are listed where there are any."""


@dataclass
class Package:
    """A package of a list, with the wheels (name to SHA-256) that the machines would take, and what it requires."""

    name: str
    version: str
    wheels: dict[str, str] = field(default_factory=dict)
    requires: set[str] = field(default_factory=set)

    @property
    def is_pure(self) -> bool:
        """One wheel fits all machines."""
        return all(wheel.endswith("-none-any.whl") for wheel in self.wheels)


def main() -> None:
    pins = pinned_versions()
    found = {plain(name): Package(name, pins[plain(name)]) for names in LISTS.values() for name in names}
    for python in PYTHONS:
        for platforms in MACHINES.values():
            note(found, report_of([*found.values()], python, platforms))
        for package in found.values():
            if not package.is_pure:
                note(found, report_of([package], python, OLD_LINUX, optional=True))
    require_complete(found)
    FOLDER.mkdir(exist_ok=True)
    for title, names in LISTS.items():
        packages = [found[plain(name)] for name in sorted(names, key=str.lower)]
        (FOLDER / f"{title}.txt").write_text(text_of(title, packages), encoding="utf-8")


def pinned_versions() -> dict[str, str]:
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {plain(name): version for name, _, version in (line.partition("==") for line in lines if "==" in line)}


def report_of(
    packages: list[Package], python: str, platforms: tuple[str, ...], *, optional: bool = False
) -> dict[str, Any]:
    """What pip would install there, by its own report; nothing is downloaded but descriptions."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps",
            "--only-binary", ":all:", "--index-url", INDEX, "--python-version", python, "--target", folder,
            "--report", str(report),
            *(word for platform in platforms for word in ("--platform", platform)),
            *(f"{package.name}=={package.version}" for package in packages),
        ]  # fmt: skip
        # A mirror of this machine may have files of its own; the lists are for everyone's.
        environment = os.environ | {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": ""}
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            if optional:
                return {"install": []}
            raise SystemExit(f"Python {python}, {platforms[0]}:\n{run.stderr}")
        content: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        return content


def note(found: dict[str, Package], report: dict[str, Any]) -> None:
    for item in report["install"]:
        package = found[plain(item["metadata"]["name"])]
        wheel = item["download_info"]["url"].rpartition("/")[2]
        package.wheels[wheel] = item["download_info"]["archive_info"]["hashes"]["sha256"]
        package.requires.update(item["metadata"].get("requires_dist", []))


def require_complete(found: dict[str, Package]) -> None:
    """Nothing is resolved at a user's: what a package of the lists requires has to be in the lists, in that version."""
    for package in found.values():
        for requirement in map(Requirement, package.requires):
            needed = not requirement.marker or any(
                requirement.marker.evaluate({"python_version": python, "extra": ""}) for python in PYTHONS
            )
            if not needed or requirement.name in NOT_LISTED:
                continue
            listed = found.get(plain(requirement.name))
            if listed is None or listed.version not in requirement.specifier:
                raise SystemExit(
                    f"{package.name} requires {requirement}: the lists of {Path(__file__).name} have none."
                )


def text_of(title: str, packages: list[Package]) -> str:
    lines = [
        f"# {HEADERS[title]}",
        "# Written by `make requirements-list`; a hash for each wheel that a supported machine takes.",
    ]
    for package in packages:
        hashes = [f"    --hash=sha256:{digest}" for digest in sorted(package.wheels.values())]
        lines.append(" \\\n".join([f"{package.name}=={package.version}", *hashes]))
    return "\n".join(lines) + "\n"


def plain(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
