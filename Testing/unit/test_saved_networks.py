"""Networks of the field, saved as TorchScript and as ONNX, are opened without trust and give what they gave."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from MedAISegLib.core.errors import NotTrustedError
from MedAISegLib.formats.medaiseg_bundle.description import NetworkFile
from MedAISegLib.formats.medaiseg_bundle.networks import first_output, open_file
from monai.networks import nets
from torch import nn

pytestmark = pytest.mark.engine

PICTURE, VOLUME, LARGE_VOLUME = (1, 1, 64, 64), (1, 1, 32, 32, 32), (1, 1, 64, 64, 64)


class Fourier(nn.Module):
    """A filter of frequencies, as in global filter networks and neural operators."""

    def __init__(self) -> None:
        super().__init__()
        self.filter = nn.Parameter(torch.rand(64, 33, 2))
        self.scores = nn.Conv2d(1, 2, 1)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        spectrum = torch.fft.rfft2(values) * torch.view_as_complex(self.filter)
        return self.scores(torch.fft.irfft2(spectrum, s=(values.size(2), values.size(3))))


class Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(1, 16, 8, 8)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.scores = nn.ConvTranspose2d(16, 2, 8, 8)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        embedded = self.embed(values)
        tokens = self.layer(embedded.flatten(2).transpose(1, 2))
        return self.scores(tokens.transpose(1, 2).reshape(embedded.shape))


def with_spectral_norm() -> nn.Module:
    first = nn.utils.parametrizations.spectral_norm(nn.Conv2d(1, 4, 3, padding=1))
    return nn.Sequential(first, nn.ReLU(), nn.Conv2d(4, 2, 1))


def self_normalizing() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.SELU(), nn.AlphaDropout(), nn.Conv2d(4, 2, 1))


def nnunet(name: str, dimensions: int, **arguments: Any) -> nn.Module:
    unet = pytest.importorskip("dynamic_network_architectures.architectures.unet")
    conv, norm = (nn.Conv2d, nn.InstanceNorm2d) if dimensions == 2 else (nn.Conv3d, nn.InstanceNorm3d)
    return getattr(unet, name)(
        input_channels=1, n_stages=3, features_per_stage=[4, 8, 16], conv_op=conv, kernel_sizes=3, strides=[1, 2, 2],
        num_classes=2, n_conv_per_stage_decoder=1, conv_bias=True, norm_op=norm, norm_op_kwargs={"affine": True},
        nonlin=nn.LeakyReLU, nonlin_kwargs={"inplace": True}, **arguments,
    )  # fmt: skip


def vista3d() -> nn.Module:
    class OfClasses(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            encoder = nets.SegResNetDS2(
                in_channels=1, blocks_down=(1, 1, 2), norm="instance", out_channels=48, init_filters=8, dsdepth=1
            )
            classes = nets.vista3d.ClassMappingClassify(n_classes=16, feature_size=48)
            points = nets.vista3d.PointMappingSAM(feature_size=48, n_classes=16, last_supported=10)
            self.vista = nets.VISTA3D(encoder, classes, points)

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return self.vista(values, class_vector=torch.arange(3).reshape(-1, 1)).transpose(0, 1)

    return OfClasses()


def swin_unetr(*, use_v2: bool) -> nn.Module:
    return nets.SwinUNETR(
        1, 2, feature_size=12, depths=(1, 1, 1, 1), num_heads=(1, 2, 2, 2), window_size=4, use_v2=use_v2
    )


def dints() -> nn.Module:
    topology = nets.TopologyInstance(channel_mul=0.1, num_blocks=6, num_depths=3, use_downsample=True, device="cpu")
    return nets.DiNTS(topology, 1, 2, use_downsample=True)


def mednext(**arguments: Any) -> nn.Module:
    blocks = {"blocks_down": (1,) * 4, "blocks_bottleneck": 1, "blocks_up": (1,) * 4}
    return nets.MedNeXt(2, 4, 1, 2, **blocks, kernel_size=3, global_resp_norm=True, **arguments)


class Case(NamedTuple):
    """A network and what it takes.

    Attributes:
        traces: whether it gives nothing but tensors, as torch.jit.trace asks.
        scripts: whether its Python is one that torch.jit.script understands.
        slow: too long for each run of the tests.
    """

    make: Callable[[], nn.Module]
    shape: tuple[int, ...]
    traces: bool = True
    scripts: bool = True
    slow: bool = False


CASES = {
    "BasicUNetPlusPlus": Case(lambda: nets.BasicUNetPlusPlus(2, 1, 2, (4, 4, 8, 8, 8, 4), True), PICTURE),
    "DynUNet": Case(
        lambda: nets.DynUNet(
            2, 1, 2, [3] * 4, [1, 2, 2, 2], [2] * 3, filters=(4, 8, 16, 16), deep_supervision=True, deep_supr_num=2
        ),
        PICTURE, scripts=False,
    ),
    "SegResNetDS": Case(lambda: nets.SegResNetDS(3, 8, 1, 2, blocks_down=(1, 1, 2), dsdepth=2), VOLUME),
    "SegResNetVAE": Case(lambda: nets.SegResNetVAE((64, 64), spatial_dims=2, vae_nz=8), PICTURE, traces=False),
    "UNETR": Case(lambda: nets.UNETR(1, 2, (64, 64), 4, 16, 32, 2, spatial_dims=2), PICTURE),
    "VNet": Case(lambda: nets.VNet(2, 1, 2, dropout_prob_up=(None, 0.5), dropout_dim=2, act="prelu"), PICTURE),
    "HighResNet": Case(lambda: nets.HighResNet(2, 1, 2), PICTURE),
    "MedNeXt": Case(mednext, PICTURE, scripts=False),
    "PlainConvUNet": Case(lambda: nnunet("PlainConvUNet", 3, n_conv_per_stage=1), VOLUME, scripts=False),
    "ResidualEncoderUNet": Case(lambda: nnunet("ResidualEncoderUNet", 2, n_blocks_per_stage=1), PICTURE, scripts=False),
    "Fourier": Case(Fourier, PICTURE),
    "spectral norm": Case(with_spectral_norm, PICTURE, scripts=False),
    "self-normalizing": Case(self_normalizing, PICTURE),
    "VISTA3D": Case(vista3d, VOLUME, scripts=False, slow=True),
    "SwinUNETR": Case(lambda: swin_unetr(use_v2=False), LARGE_VOLUME, scripts=False, slow=True),
    "SwinUNETR v2": Case(lambda: swin_unetr(use_v2=True), LARGE_VOLUME, scripts=False, slow=True),
    "DiNTS": Case(dints, VOLUME, scripts=False, slow=True),
    "AHNet": Case(lambda: nets.AHNet((1, 1, 1, 1), 2, 1, 2, 2, "bilinear"), PICTURE, slow=True),
    "FlexibleUNet": Case(
        lambda: nets.FlexibleUNet(1, 2, "efficientnet-b0", decoder_channels=(16, 8, 8, 4, 4)), PICTURE, slow=True
    ),
}  # fmt: skip


def traced(network: nn.Module, values: torch.Tensor) -> torch.jit.ScriptModule:
    return torch.jit.trace(network, values, check_trace=False)


def scripted(network: nn.Module, _: torch.Tensor) -> torch.jit.ScriptModule:
    return torch.jit.script(network)


def of_cases(**kept: bool) -> list[Any]:
    return [
        pytest.param(case, id=name, marks=[pytest.mark.slow] if case.slow else [])
        for name, case in CASES.items()
        if all(getattr(case, attribute) is value for attribute, value in kept.items())
    ]


def made(case: Case) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """A network, what it is given, and what it then gives."""
    torch.manual_seed(0)
    network, values = case.make().eval(), torch.rand(case.shape)
    with torch.inference_mode():
        return network, values, first_output(network(values.clone()))


def require_same(folder: Path, name: str, values: torch.Tensor, expected: torch.Tensor, *, tolerance: float) -> None:
    opened = open_file(folder, NetworkFile(name))
    with torch.inference_mode():
        scores = first_output(opened(values))
    assert torch.allclose(scores, expected, atol=tolerance * float(expected.abs().max()), rtol=tolerance)
    assert torch.count_nonzero(scores.argmax(1) != expected.argmax(1)) <= expected.argmax(1).numel() / 1000


def require_same_torchscript(case: Case, folder: Path, write: Any, *, freeze: bool) -> None:
    network, values, expected = made(case)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = write(network, values)
        (torch.jit.freeze(script) if freeze else script).save(str(folder / "model.ts"))
    require_same(folder, "model.ts", values, expected, tolerance=1e-5)


@pytest.mark.parametrize("freeze", [False, True], ids=["as-it-is", "frozen"])
@pytest.mark.parametrize("case", of_cases(traces=True))
def test_a_traced_network_is_opened_and_gives_the_same(tmp_path: Path, case: Case, freeze: bool) -> None:
    require_same_torchscript(case, tmp_path, traced, freeze=freeze)


@pytest.mark.parametrize("freeze", [False, True], ids=["as-it-is", "frozen"])
@pytest.mark.parametrize("case", of_cases(scripts=True))
def test_a_scripted_network_is_opened_and_gives_the_same(tmp_path: Path, case: Case, freeze: bool) -> None:
    require_same_torchscript(case, tmp_path, scripted, freeze=freeze)


@pytest.mark.parametrize("name", ["PlainConvUNet", "DynUNet", "SegResNetDS", "UNETR", "MedNeXt", "HighResNet"])
def test_a_network_of_onnx_is_opened_and_gives_the_same(tmp_path: Path, name: str) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    network, values, expected = made(CASES[name])
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (values,), str(tmp_path / "model.onnx"), dynamo=False, opset_version=17)
    require_same(tmp_path, "model.onnx", values, expected, tolerance=1e-3)


@pytest.fixture
def _fast_path_of_attention() -> Iterator[None]:
    was = torch.backends.mha.get_fastpath_enabled()
    yield
    torch.backends.mha.set_fastpath_enabled(was)


@pytest.mark.usefixtures("_fast_path_of_attention")
def test_a_transformer_of_torch_is_opened_without_its_fast_path_which_does_not_look_at_types(tmp_path: Path) -> None:
    case = Case(Transformer, PICTURE)
    torch.backends.mha.set_fastpath_enabled(True)
    with pytest.raises(NotTrustedError, match="_transformer_encoder_layer_fwd"):
        require_same_torchscript(case, tmp_path, traced, freeze=False)
    torch.backends.mha.set_fastpath_enabled(False)
    require_same_torchscript(case, tmp_path, traced, freeze=False)
