"""A case made ready to run: the bundle with weights, the image file, and the command of each side."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from Testing.reference.bundle_run import RunnableBundle, assemble, reference_command
from Testing.reference.images import write_images

from .cases import BenchmarkCase


@dataclass(frozen=True)
class Setting:
    """What both sides are given, in a folder of its own."""

    folder: Path
    bundle: RunnableBundle
    images: tuple[Path, ...]


def make_setting(case: BenchmarkCase, data: Path, folder: Path) -> Setting:
    """Draw the weights, so that the image holds every class, and write the image as NIfTI."""
    image = case.image(data)
    bundle = assemble(case.bundle, data / "monai_zoo", folder / "bundle", image)
    return Setting(folder, bundle, tuple(write_images(image, folder / "images")))


def our_command(setting: Setting, output: Path) -> list[str]:
    """``medaiseg segment``, writing the format that the reference writes."""
    program = Path(sys.executable).with_name("medaiseg")
    (image,) = setting.images
    options = ["--model", setting.bundle.root, "--output", output, "--device", "cpu", "--format", "nifti"]
    return [str(word) for word in (program, "segment", image, *options)]


def their_command(setting: Setting, output: Path) -> list[str]:
    """``python -m monai.bundle run``."""
    return reference_command(setting.bundle, list(setting.images), output)


def as_printed(command: list[str], setting: Setting, output: Path) -> str:
    """A command for a reader: without the places of one machine."""
    text = " ".join(command)
    names = {str(output): "OUTPUT", str(setting.bundle.root): "BUNDLE", str(setting.images[0]): "IMAGE"}
    for path, name in names.items():
        text = text.replace(path, name)
    return text.replace(f"{Path(sys.executable).parent}/", "").replace(Path(sys.executable).name, "python")
