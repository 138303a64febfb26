"""A published bundle made runnable, run by MONAI in a process of its own, and by us."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from MedAISegLib.core.case import Case
from MedAISegLib.engine.run import segment
from MedAISegLib.formats import read_model
from MedAISegLib.readers import read_images
from numpy.typing import NDArray

from .forks import MONAI, run_forked
from .images import Image, read_case, write_images
from .seeded import write_architecture, write_weights
from .zoo import REMOVED, ZooBundle

if TYPE_CHECKING:
    import SimpleITK as sitk

Labels = NDArray[Any]


@dataclass(frozen=True)
class RunnableBundle:
    """A bundle with seeded weights.

    Attributes:
        changed: what its config has that the published one has not, one line each.
    """

    zoo: ZooBundle
    root: Path
    config: Path
    changed: tuple[str, ...]


def assemble(zoo: ZooBundle, published: Path, root: Path, image: list[Image]) -> RunnableBundle:
    """Copy the published config with its declared changes, and draw weights that find every class in the image."""
    source = next((published / zoo.name / "configs").glob("inference.*"))
    config = yaml.safe_load(source.read_text(encoding="utf-8"))
    for place, (value, _) in zoo.changes.items():
        _change(config, place, value)
    target = root / "configs" / source.name
    (root / "models").mkdir(parents=True)
    target.parent.mkdir()
    write_config(config, target)
    (root / "configs" / "metadata.json").write_bytes((source.parent / "metadata.json").read_bytes())
    write_architecture(root / "models" / "search_code_18590.pt")
    bundle = RunnableBundle(zoo, root, target, tuple(f"{p}: {reason}" for p, (_, reason) in zoo.changes.items()))
    spec = read_model(root).spec
    paths = write_images(image, root / "calibration")
    names = [channel.name for channel in spec.channels]
    # Where the weights are drawn for a GPU there may be no SimpleITK.
    case = Case({name: read_images(path, accept=True)[0] for name, path in zip(names, paths, strict=True)})
    write_weights(root / "models" / zoo.weights, target, root, case, spec.stages[0])
    return bundle


def reference_command(bundle: RunnableBundle, images: list[Path], output: Path) -> list[str]:
    """The command that runs MONAI on the images of one case; its config and its result lie in ``output``."""
    entry, listed = bundle.zoo.data
    config = yaml.safe_load(bundle.config.read_text(encoding="utf-8"))
    config[entry] = listed([str(path) for path in images])
    run_config = output / bundle.config.name
    output.mkdir(parents=True)
    write_config(config, run_config)
    options = {
        "config_file": run_config,
        "meta_file": bundle.root / "configs" / "metadata.json",
        "bundle_root": bundle.root,
        "output_dir": output,
    }
    command = [sys.executable, "-m", "monai.bundle", "run"]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    return command


def reference_labels(bundle: RunnableBundle, images: list[Path], output: Path, pattern: str = "*.nii.gz") -> sitk.Image:
    """What ``python -m monai.bundle run`` saves for the images of one case, in a file of the pattern."""
    import SimpleITK as sitk

    run_forked(MONAI, reference_command(bundle, images, output)[1:], output)
    (saved,) = output.rglob(pattern)
    return sitk.ReadImage(str(saved))


def our_layers(bundle: RunnableBundle, images: list[Path]) -> Labels:
    """(layer, k, j, i) label values on the first image's grid."""
    source = read_model(bundle.root)
    case = read_case(images, tuple(channel.name for channel in source.spec.channels))
    return segment(case, source.spec, source.build_networks(), device="cpu").layers


def differing_share(ours: Labels, reference: Labels) -> float:
    """Voxels whose labels differ, as a share of those that either side calls foreground."""
    assert ours.shape == reference.shape
    return float(np.count_nonzero(ours != reference) / np.count_nonzero((ours > 0) | (reference > 0)))


def smallest_dice(ours: Labels, reference: Labels) -> float:
    """Of all labels that either side finds, the least overlap."""
    labels = np.union1d(np.unique(ours), np.unique(reference))
    counts = [(np.count_nonzero(ours == n), np.count_nonzero(reference == n)) for n in labels if n]
    both = [np.count_nonzero((ours == n) & (reference == n)) for n in labels if n]
    return float(min(2 * common / sum(count) for common, count in zip(both, counts, strict=True)))


def write_config(config: dict[str, Any], path: Path) -> None:
    text = json.dumps(config, indent=1) if path.suffix == ".json" else yaml.safe_dump(config, sort_keys=False)
    path.write_text(text, encoding="utf-8")


def _change(config: Any, place: str, value: Any) -> None:
    *owners, last = (int(part) if part.isdigit() else part for part in place.split("#"))
    for part in owners:
        config = config[part]
    assert isinstance(last, int) or last in config, f"the published config has no {place}"
    if value is REMOVED:
        del config[last]
    else:
        assert config[last] != value, f"{place} need not be changed"
        config[last] = value
