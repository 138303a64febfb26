"""Types of numbers are whole numbers in TorchScript, and torch looks beyond its tables for one that it lacks."""

from __future__ import annotations

import pytest
import torch
from MedAISegLib.core.errors import NotTrustedError
from MedAISegLib.formats.medaiseg_bundle.torchscript import open_torchscript

pytestmark = pytest.mark.engine


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scores = torch.nn.Conv3d(1, 2, 1)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.scores(values)


class OfAConstant(Network):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.scores(values.to(1000))


class OfASize(Network):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.scores(values + torch.ones([1], dtype=values.size(2) * 100))


class OfACount(Network):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        kind = 6
        for _ in range(values.size(2)):
            kind = kind * 10
        return self.scores(torch.zeros_like(values, dtype=kind))


class InOneWay(Network):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        kind = values.dtype
        if values.size(2) == 7:
            kind = -9
        return self.scores(values.to(kind))


class OfAnOrder(Network):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.scores(values.contiguous(memory_format=77))


class Inside(Network):
    def __init__(self):
        super().__init__()
        self.inner = OfAConstant()

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.inner(values)


def afterwards(_network, _given: tuple[torch.Tensor], scores: torch.Tensor) -> torch.Tensor:
    return scores.to(1000)


def hooked():
    network = Network()
    network.register_forward_hook(afterwards)
    return network


@torch.jit.interface
class Scoring(torch.nn.Module):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        pass


class BehindAnInterface(Network):
    __annotations__ = {"inner": Scoring}  # torch does not resolve the name

    def __init__(self):
        super().__init__()
        self.inner = OfAConstant()

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.inner.forward(values)


@pytest.mark.parametrize(
    "make", [OfAConstant, OfASize, OfACount, InOneWay, OfAnOrder, Inside, hooked, BehindAnInterface]
)
def test_a_type_that_torch_may_not_have_is_refused(tmp_path, make):
    torch.jit.script(make()).save(str(tmp_path / "model.ts"))
    with pytest.raises(NotTrustedError, match="that torch may not have"):
        open_torchscript(tmp_path / "model.ts")


class Usual(Network):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        kind = values.dtype
        if values.dtype == torch.float16:
            kind = torch.float32
        ramp = torch.arange(values.size(2), dtype=torch.float64, device=values.device)
        weight = torch.zeros_like(values) + ramp.to(kind).sum()
        return self.scores(values.to(kind).contiguous(memory_format=torch.channels_last_3d) + weight)


@pytest.mark.parametrize("make", [torch.jit.script, lambda one: torch.jit.trace(one, torch.ones(1, 1, 4, 4, 4))])
def test_types_that_are_known_before_it_runs_are_let_through(tmp_path, make):
    network = Usual().eval()
    make(network).save(str(tmp_path / "model.ts"))
    values = torch.rand(1, 1, 4, 4, 4)
    assert torch.equal(open_torchscript(tmp_path / "model.ts")(values), network(values))


class LooksBeyond(Network):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        few = torch.ones(1)
        return self.scores(values + torch.native_batch_norm(values, few, few, few, few, False, 0.1, 1e-5)[0])


class WritesBeyond(Network):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.scores(values + torch._weight_norm(torch.ones(1000, 3), torch.ones(1), 0).sum())


class Recurrent(Network):
    def __init__(self):
        super().__init__()
        self.recurrent = torch.nn.LSTM(4, 4)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.scores(values + self.recurrent(values[0, 0])[0].sum())


@pytest.mark.parametrize("network", [LooksBeyond, WritesBeyond, Recurrent])
def test_an_operator_that_does_not_look_at_shapes_is_refused(tmp_path, network):
    torch.jit.script(network()).save(str(tmp_path / "model.ts"))
    with pytest.raises(NotTrustedError, match="which no network needs"):
        open_torchscript(tmp_path / "model.ts")


class Attention(Network):
    """Of fewer keys than values."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        tokens = values.flatten(1).reshape(1, 1, -1, 8)
        found = torch.nn.functional.scaled_dot_product_attention(tokens, tokens[:, :, :2], tokens)
        return self.scores(found.reshape(values.shape))


def test_attention_does_not_read_beyond_its_keys(tmp_path):
    file = tmp_path / "model.ts"
    torch.jit.script(Attention()).save(str(file))
    opened = open_torchscript(file)
    with pytest.raises(RuntimeError), torch.inference_mode():
        opened(torch.zeros(1, 1, 8, 8, 8))
