"""A small model of each kind that the formats take, with random weights, and what can be damaged in it.

The contract suite goes through all of them, and fails for a format of the registry without one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from Testing.described_models import description, small_network, write_description, write_onnx, write_torchscript
from Testing.nnunets import architecture, configuration
from Testing.nnunets import write_model as write_nnunet
from Testing.unit import meshnets
from Testing.unit.bundles import write_bundle
from Testing.unit.test_auto3dseg import write_model as write_auto3dseg

Content = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """A model and its weak places.

    Attributes:
        format: that is to recognise it.
        write: writes it below an empty folder.
        weights: the file of its weights, below the model.
        needed: files without which it is no model.
        json: its description, below the model; empty where it has none in JSON.
        other_labels: makes the labels of the description others than the network's.
        unknown: puts a key into the description that nobody knows, where that matters.
        by_name: its networks are written as weights alone when the model is exported.
    """

    format: str
    write: Callable[[Path], Path]
    weights: str
    needed: tuple[str, ...]
    json: str
    other_labels: Callable[[Path], None]
    unknown: Callable[[Path], None]
    by_name: bool = True


def rewritten(file: str, change: Callable[[Content], None]) -> Callable[[Path], None]:
    """A damage: the content of a JSON file is changed."""

    def apply(model: Path) -> None:
        content = json.loads((model / file).read_text(encoding="utf-8"))
        change(content)
        (model / file).write_text(json.dumps(content), encoding="utf-8")

    return apply


def recheckpointed(pattern: str, change: Callable[[Content], None]) -> Callable[[Path], None]:
    """A damage: the content of each such checkpoint is changed."""

    def apply(model: Path) -> None:
        for file in model.glob(pattern):
            content = torch.load(file, weights_only=False)
            change(content)
            torch.save(content, file)

    return apply


def random_weights(name: str, arguments: Content) -> dict[str, torch.Tensor]:
    """Of a network of MONAI."""
    from MedAISegLib.formats.monai_networks import build_architecture

    torch.manual_seed(4)
    weights: dict[str, torch.Tensor] = build_architecture(name, arguments, "sample").state_dict()
    return weights


def own(folder: Path, file: str = "model.ts") -> Path:
    """Our own layout."""
    model = folder / "own"
    if file.endswith(".onnx"):
        network = torch.nn.Conv3d(1, 3, 1)
        weights = torch.linspace(-1, 1, 3).reshape(network.weight.shape)
        write_onnx(model / file, weights.numpy(), torch.zeros(3).numpy())
    else:
        write_torchscript(small_network(), model / file)
    return write_description(model, description(file, license="MIT", citation="Somebody, 2020"))


def own_weights(folder: Path) -> Path:
    """Our own layout with weights alone."""
    from safetensors.torch import save_file

    arguments = {"in_channels": 1, "out_channels": 3, "init_filters": 8, "blocks_down": [1, 1], "blocks_up": [1]}
    (folder / "own").mkdir()
    save_file(random_weights("SegResNet", arguments), folder / "own" / "model.safetensors")
    file = {"file": "model.safetensors", "architecture": "SegResNet", "arguments": arguments}
    return write_description(folder / "own", description(networks=[[file]]))


BUNDLE_NETWORK = {
    "_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 3, "channels": [4, 8], "strides": [2],
}  # fmt: skip


def bundle(folder: Path, network: Content = BUNDLE_NETWORK, roi: tuple[int, ...] = (32, 32, 16)) -> Path:
    """A bundle of MONAI with the weights of its network."""

    def change(metadata: Content, config: Content) -> None:
        metadata |= {"license": "Apache-2.0", "references": ["Somebody, 2020"], "copyright": "Somebody"}
        config["network_def"] = network
        config["inferer"]["roi_size"] = list(roi)

    root = write_bundle(folder, change)
    (root / "LICENSE").write_text("Apache License", encoding="utf-8")
    (root / "models").mkdir()
    arguments = {name: _built(value) for name, value in network.items() if name != "_target_"}
    torch.save({"model": random_weights(network["_target_"], arguments)}, root / "models" / "model.pt")
    return root


def _built(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    from MedAISegLib.formats.monai_networks import build_architecture

    inner = {name: item for name, item in value.items() if name != "_target_"}
    return build_architecture(value["_target_"], inner, "sample")


def bundle_of_slices(folder: Path) -> Path:
    """A bundle with a 2-D network that sees slices across the third axis."""
    root = bundle(folder, BUNDLE_NETWORK | {"spatial_dims": 2}, (32, 32))
    inferer = {"_target_": "SliceInferer", "roi_size": [32, 32], "spatial_dim": 2}
    rewritten("configs/inference.json", lambda config: config.update(inferer=inferer))(root)
    return root


def bundle_in_torchscript(folder: Path) -> Path:
    """A bundle whose network is TorchScript."""
    root = bundle(folder)
    from MedAISegLib.formats import read_model

    ((network,),) = read_model(root).build_networks()
    write_torchscript(network, root / "models" / "model.ts")
    (root / "models" / "model.pt").unlink()
    return root


def nnunet(folder: Path, kind: str = "PlainConvUNet", **changes: Any) -> Path:
    """A trained model of nnU-Net."""
    planned = {"3d_fullres": configuration(architecture=architecture(3, kind))}
    dataset = {"licence": "CC BY 4.0", "reference": "Somebody, 2020"}
    return write_nnunet(folder / "nnunet", configurations=planned, dataset=dataset, **changes)


def nnunet_of_slices(folder: Path) -> Path:
    """A 2-D configuration with two folds."""
    flat = configuration(patch_size=[16, 16], spacing=[1.0, 1.0], architecture=architecture(2))
    return write_nnunet(folder / "nnunet", name="2d", configurations={"2d": flat}, folds=("0", "1"))


def nnunet_cascade(folder: Path) -> Path:
    """A rough configuration, and one that is given its labels."""
    fine = configuration(previous_stage="3d_lowres")
    planned = {"3d_lowres": configuration(spacing=[3.0, 2.0, 2.0]), "3d_cascade_fullres": fine}
    for name in planned:
        root = folder / "cascade" / f"nnUNetTrainer__nnUNetPlans__{name}"
        write_nnunet(root, name=name, configurations=planned, extra_inputs=2 if name == "3d_cascade_fullres" else 0)
    return folder / "cascade"


def nnunet_ensemble(folder: Path) -> Path:
    """2-D and 3-D configurations whose probabilities are averaged."""
    flat = configuration(patch_size=[16, 16], spacing=[1.0, 1.0], architecture=architecture(2))
    planned = {"2d": flat, "3d_fullres": configuration()}
    for seed, name in enumerate(planned):
        root = folder / "both" / f"nnUNetTrainer__nnUNetPlans__{name}"
        write_nnunet(root, name=name, configurations=planned, seed=seed)
    return folder / "both" / "ensemble"


def auto3dseg(folder: Path, kind: str = "SegResNetDS", **changes: Any) -> Path:
    """A checkpoint of Auto3DSeg with its labels."""
    root = write_auto3dseg(folder / "adrenals" / "model.pt", **changes)
    if kind == "SegResNet":
        arguments = {"init_filters": 8, "blocks_down": [1, 1], "blocks_up": [1], "in_channels": 1, "out_channels": 3}
        weights = random_weights(kind, arguments)
        recheckpointed("model.pt", lambda c: c.update(state_dict=weights))(root)
        recheckpointed("model.pt", lambda c: c["config"].update(network={"_target_": kind, **arguments}))(root)
    return root


def auto3dseg_folds(folder: Path) -> Path:
    """As AutoRunner leaves it, two folds."""
    for fold in range(2):
        torch.manual_seed(fold)
        write_auto3dseg(folder / "runs" / f"segresnet_{fold}" / "model" / "model.pt")
    return folder / "runs"


def meshnet(folder: Path, **flags: bool) -> Path:
    """A brain model of brainchop."""
    root = meshnets.write_model(folder / "meshnet", content=meshnets.description(**flags))
    told = {"license": "MIT", "citation": "Somebody, 2020", "scaling": "min-max"}
    (root / "medaiseg.json").write_text(json.dumps(told), encoding="utf-8")
    return root


def conform_to_little(patch: Any) -> None:
    """MeshNet sees a cube of 256 voxels along each edge; for tests a smaller one does.

    Args:
        patch: pytest's ``monkeypatch``.
    """
    from MedAISegLib.formats import meshnet as adapter
    from MedAISegLib.models.operations import Conform

    patch.setattr(adapter, "Conform", lambda _, spacing, axes: Conform(40, spacing, axes))


def _more_classes(metadata: Content) -> None:
    metadata["network_data_format"]["outputs"]["pred"]["channel_def"]["7"] = "one more"


def _one_more_segment(content: Content) -> None:
    content["segments"].append({"label_value": 3, "name": "one more"})
    content["stages"][0]["decision"]["labels"].append(3)


def _own(write: Callable[[Path], Path], file: str, *, by_name: bool = False) -> Sample:
    unknown = rewritten("medaiseg.json", lambda content: content.update(flavour="sweet"))
    labels = rewritten("medaiseg.json", _one_more_segment)
    return Sample("medaiseg_bundle", write, file, (file,), "medaiseg.json", labels, unknown, by_name)


def _bundle(
    write: Callable[[Path], Path], file: str = "models/model.pt", part: str = "network_def", *, by_name: bool = True
) -> Sample:
    config = "configs/inference.json"
    unknown = rewritten(config, lambda content: content[part].update(flavour="sweet"))
    labels = rewritten("configs/metadata.json", _more_classes)
    return Sample("monai_bundle", write, file, (file, config), config, labels, unknown, by_name)


def _nnunet(write: Callable[[Path], Path], fold: str = "0", *, is_alone: bool = True) -> Sample:
    file, plans, dataset = f"fold_{fold}/checkpoint_final.pth", "plans.json", "dataset.json"

    def unknown(content: Content) -> None:
        for planned in content["configurations"].values():
            planned["architecture"]["arch_kwargs"]["flavour"] = "sweet"

    labels = rewritten(dataset, lambda content: content["labels"].update({"one more": 3}))
    needed = (plans, dataset, *([file] if is_alone else []))
    return Sample("nnunet", write, file, needed, plans, labels, rewritten(plans, unknown))


def _auto3dseg(write: Callable[[Path], Path], file: str = "model.pt", *, is_alone: bool = True) -> Sample:
    every = "**/model.pt"
    labels = recheckpointed(every, lambda content: content["config"].update(output_classes=5, class_names=[]))
    unknown = recheckpointed(every, lambda content: content["config"]["network"].update(flavour="sweet"))
    return Sample("auto3dseg", write, file, (file,) if is_alone else (), "", labels, unknown)


def _meshnet(write: Callable[[Path], Path]) -> Sample:
    labels = rewritten("colormap.json", lambda content: [content[key].append(content[key][-1]) for key in content])
    unknown = rewritten("medaiseg.json", lambda content: content.update(flavour="sweet"))
    return Sample("meshnet", write, "model.pth", ("model.pth",), "model.json", labels, unknown)


SAMPLES: dict[str, Sample] = {
    "own in TorchScript": _own(own, "model.ts"),
    "own in ONNX": _own(lambda folder: own(folder, "model.onnx"), "model.onnx"),
    "own as weights": _own(own_weights, "model.safetensors", by_name=True),
    "bundle": _bundle(bundle),
    "bundle of slices": _bundle(bundle_of_slices),
    "bundle in TorchScript": _bundle(bundle_in_torchscript, "models/model.ts", "inferer", by_name=False),
    "nnU-Net": _nnunet(nnunet),
    "nnU-Net with residuals": _nnunet(lambda folder: nnunet(folder, "ResidualEncoderUNet", seed=3)),
    "nnU-Net of slices": _nnunet(nnunet_of_slices, is_alone=False),
    "nnU-Net on all images": _nnunet(lambda folder: nnunet(folder, folds=("all",)), "all"),
    "Auto3DSeg": _auto3dseg(auto3dseg),
    "Auto3DSeg without deep supervision": _auto3dseg(lambda folder: auto3dseg(folder, "SegResNet")),
    "Auto3DSeg, folds": _auto3dseg(auto3dseg_folds, "segresnet_0/model/model.pt", is_alone=False),
    "MeshNet": _meshnet(meshnet),
    "MeshNet, normalised": _meshnet(lambda folder: meshnet(folder, bnorm=True, gelu=True)),
}
"""By what each is."""

SEVERAL_STAGES: dict[str, Callable[[Path], Path]] = {
    "nnU-Net cascade": nnunet_cascade,
    "nnU-Net ensemble": nnunet_ensemble,
}


def formats_of(samples: dict[str, Sample]) -> Iterator[str]:
    """The formats that the samples are of."""
    return (sample.format for sample in samples.values())
