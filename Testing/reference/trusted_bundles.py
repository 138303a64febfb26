"""Bundles that bring code of their own, run by MONAI in a process of its own, and by us once they are trusted."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import SimpleITK as sitk
import yaml
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.segment import run
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import LPS_TO_RAS, VolumeGeometry
from MedAISegLib.core.result import JobResult
from MedAISegLib.core.segmentation import Segmentation
from MedAISegLib.core.volume import Volume
from MedAISegLib.formats import read_model
from MedAISegLib.models.trust import trust_model
from numpy.typing import NDArray

from .bundle_run import write_config
from .forks import MONAI, run_forked

SCRIPTS = '''
import torch
from monai.inferers import Inferer, SlidingWindowInferer
from monai.transforms import MapTransform
from monai.transforms.inverse import InvertibleTransform


class Wide(torch.nn.Module):
    """Each voxel from its neighbours, about the mean, so that every class is the highest somewhere."""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.near = torch.nn.Conv3d(in_channels, 6, 3, padding=1)
        self.out = torch.nn.Conv3d(6, out_channels, 1, bias=False)

    def forward(self, x):
        near = torch.tanh(self.near(x))
        return self.out(near - near.mean(dim=(2, 3, 4), keepdim=True))


class Stretchd(MapTransform):
    def __call__(self, data):
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = torch.tanh((d[key] + 100) / 300)
        return d


class Joind(MapTransform, InvertibleTransform):
    """The images of several keys as channels of one."""

    def __init__(self, keys, into):
        super().__init__(keys)
        self.into = into

    def __call__(self, data):
        d = dict(data)
        d[self.into] = torch.cat([d[key] for key in self.keys])
        return d

    def inverse(self, data):
        return dict(data)


class Eager(Inferer):
    def __call__(self, inputs, network, *args, **kwargs):
        return SlidingWindowInferer([32, 32, 16], overlap=0.5, mode="gaussian")(inputs * 1.5, network)
'''

EVALUATOR = '''
from monai.engines import SupervisedEvaluator


class Asked(SupervisedEvaluator):
    """Adds what it was told to the scores."""

    def __init__(self, raised, **options):
        super().__init__(**options)
        self.raised = raised

    def _iteration(self, engine, batchdata):
        output = super()._iteration(engine, batchdata)
        return output

    def run(self, *args, **kwargs):
        network = self.network
        self.network = lambda x: network(x) + self.raised * (x > 0)
        self.network.eval = lambda: None
        self.network.train = lambda *_: None
        self.network.training = False
        return super().run(*args, **kwargs)
'''


@dataclass(frozen=True)
class CodedBundle:
    """A bundle with code.

    Attributes:
        scripts: content by file below the bundle.
        data: the entry of the config that lists the images.
        keys: of the images in an entry of that list; one key takes them all.
    """

    root: Path
    metadata: dict[str, Any]
    config: dict[str, Any]
    scripts: dict[str, str] = field(default_factory=lambda: {"scripts/own.py": SCRIPTS})
    keys: tuple[str, ...] = ("image",)
    suffix: str = ".json"

    def write(self) -> None:
        """The files, but for the weights."""
        (self.root / "configs").mkdir(parents=True)
        (self.root / "models").mkdir()
        (self.root / "configs" / "metadata.json").write_text(json.dumps(self.metadata))
        write_config(self.config, self.config_file)
        for name, content in self.scripts.items():
            path = self.root / name
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(content)

    @property
    def config_file(self) -> Path:
        return self.root / "configs" / f"inference{self.suffix}"


def draw_weights(bundle: CodedBundle, seed: int = 3) -> None:
    """Weights of the bundle's network from a seed, written where its checkpoint loader looks."""
    script = Path(__file__).with_name("weights_run.py")
    arguments = (script, bundle.config_file, seed, bundle.root / "models" / "model.pt")
    run_forked(MONAI, arguments, bundle.root, environment=of_scripts(bundle))


def of_scripts(bundle: CodedBundle) -> dict[str, str]:
    """The environment in which the bundle's own code is found, and left as it is."""
    return {"PYTHONPATH": str(bundle.root), "PYTHONDONTWRITEBYTECODE": "1"}


def by_monai(bundle: CodedBundle, images: list[Path], output: Path) -> NDArray[Any]:
    """(…, k, j, i) of what ``python -m monai.bundle run`` saves for the images of one case."""
    output.mkdir(parents=True)
    config = yaml.safe_load(bundle.config_file.read_text())
    files = [str(path) for path in images]
    entry = dict(zip(bundle.keys, files, strict=True)) if len(bundle.keys) > 1 else {bundle.keys[0]: files}
    config["dataset"]["data"] = [entry]
    write_config(config, output / bundle.config_file.name)
    options = {
        "config_file": output / bundle.config_file.name,
        "meta_file": bundle.root / "configs" / "metadata.json",
        "bundle_root": bundle.root,
        "output_dir": output,
    }
    command = ["-m", "monai.bundle", "run"]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    run_forked(MONAI, command, output, environment=of_scripts(bundle))
    (saved,) = output.rglob("*.nii.gz")
    image = sitk.ReadImage(str(saved))
    return np.asarray(sitk.GetArrayFromImage(image))


def as_monai_reads(path: Path) -> Volume:
    """The file's image with its affine to the last digit, so that labels can be the same to the last voxel."""
    image = nibabel.load(path)
    voxels = np.asarray(image.dataobj, dtype=np.float32)
    grid = VolumeGeometry(voxels.shape, LPS_TO_RAS @ image.affine)
    return Volume(voxels.transpose(2, 1, 0), grid.transposed((2, 1, 0)), "CT")


def by_us(bundle: CodedBundle, images: list[Path]) -> tuple[Segmentation, JobResult]:
    """What we make of the same case, once the bundle is trusted."""
    trust_model(bundle.root)
    source = read_model(bundle.root)
    assert source.spec.own_code
    names = [channel.name for channel in source.spec.channels]
    case = Case({name: as_monai_reads(path) for name, path in zip(names, images, strict=True)})
    return run(SegmentationJob(str(bundle.root), device="cpu"), case)
