"""A case made ready to run: the model's folder with weights, the image files, and our command."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from MedAISegLib.formats import read_model

from Testing.reference.images import write_images

from .cases import BenchmarkCase
from .references import reference

_COMMAND = "from MedAISegLib.cli.start import main; main()"


@dataclass(frozen=True)
class Made:
    """A model that both sides read.

    Attributes:
        root: its folder.
        changed: what it has for both sides that the published one has not, one line each.
        options: what its reference keeps for its own command.
        gpu_precision: in which the reference runs it on a GPU if nobody asks for another.
    """

    root: Path
    changed: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    gpu_precision: str = "fp16"

    def precision_on(self, device: str) -> str:
        """What the reference takes by itself."""
        return "fp32" if device == "cpu" else self.gpu_precision


@dataclass(frozen=True)
class Setting:
    """What both sides are given, in a folder of its own.

    Attributes:
        channels: the images by the model's channel.
    """

    case: BenchmarkCase
    folder: Path
    model: Made
    channels: Mapping[str, Path]

    @property
    def images(self) -> list[Path]:
        """In the order of the channels."""
        return list(self.channels.values())


def make_setting(case: BenchmarkCase, data: Path, folder: Path) -> Setting:
    """Write the images as NIfTI, and draw the model's weights so that the image holds several of its classes."""
    written = write_images(case.image.make(data), folder / "images")
    # nnU-Net tells channels by these endings.
    paths = [path.rename(path.with_name(f"case_{n:04d}.nii.gz")) for n, path in enumerate(written)]
    made = reference(case.model.reference).make(case.model.recipe, data, folder / "model", paths)
    names = [channel.name for channel in read_model(made.root).spec.channels]
    return Setting(case, folder, made, dict(zip(names, paths, strict=True)))


def our_command(setting: Setting, output: Path, device: str = "cpu") -> list[str]:
    """``medaiseg segment``, writing the format that the references write, in the precision that the reference takes."""
    precision = "auto" if device == "cpu" else setting.model.precision_on(device)
    if len(setting.channels) == 1:
        images = setting.images
    else:
        images = [word for name, path in setting.channels.items() for word in ("--channel", f"{name}={path}")]
    options = ["--model", setting.model.root, "--output", output, "--device", device, "--format", "nifti", "--accept"]
    options += ["--no-test-time-flips", *([] if precision == "auto" else ["--precision", precision])]
    return [*program(), "segment", *map(str, images), *map(str, options)]


def program() -> list[str]:
    """The installed command, or where the package is not installed what stands in it."""
    installed = Path(sys.executable).with_name("medaiseg")
    return [str(installed)] if installed.exists() else [sys.executable, "-c", _COMMAND]


def their_command(setting: Setting, output: Path, device: str = "cpu") -> list[str]:
    """The reference's."""
    return list(reference(setting.case.model.reference).command(setting, output, device))


def as_printed(command: list[str], setting: Setting, output: Path) -> str:
    """A command for a reader: without the places of one machine."""
    text = " ".join(command)
    names = {str(output): "OUTPUT", str(setting.model.root): "MODEL"}
    names |= {str(path): "IMAGE" for path in setting.images} | {str(setting.images[0].parent): "IMAGES"}
    for path, name in names.items():
        text = text.replace(path, name)
    return text.replace(f"{Path(sys.executable).parent}/", "").replace(Path(sys.executable).name, "python")
