"""A network as TorchScript that computes the same."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from math import prod

import torch
from torch.jit.frontend import FrontendError

from ...core.errors import ModelError
from ...models.spec import Windows
from .networks import MOST_TRIAL_VOXELS, CheckedNetwork, first_output, try_out

_TOLERANCE = 1e-4


def as_torchscript(network: torch.nn.Module, samples: Sequence[torch.Tensor], where: str) -> torch.jit.ScriptModule:
    """A network as TorchScript that computes the same.

    Args:
        samples: images that the network takes, on which the two are compared.

    Raises:
        ModelError: if that cannot be had.
    """
    reasons = []
    for make in (_traced, _scripted):
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                script = make(network, samples[0])
                if all(same_scores(network, script, sample) for sample in samples):
                    return script
            reasons.append("it would not compute the same for windows of another size")
        # What torch raises for Python that TorchScript does not have.
        except (FrontendError, RuntimeError, TypeError, ValueError, AttributeError, OSError) as error:
            reasons.append(str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__)
    raise ModelError(
        f"its network {type(network).__name__} cannot be written as TorchScript: {'; '.join(reasons)}.",
        where=where,
        remedy="Share the model in the layout that it has.",
    )


def _traced(network: torch.nn.Module, sample: torch.Tensor) -> torch.jit.ScriptModule:
    script: torch.jit.ScriptModule = torch.jit.trace(network, sample, check_trace=False)
    return script


def _scripted(network: torch.nn.Module, _: torch.Tensor) -> torch.jit.ScriptModule:
    script: torch.jit.ScriptModule = torch.jit.script(network)
    return script


def windows_taken(checked: CheckedNetwork, inputs: int, windows: Windows) -> Iterator[torch.Tensor]:
    """Random windows: the smallest that the network takes, and, where it takes it, another size in a larger batch.

    Raises:
        ModelError: if it does not take the window that it will be given.
    """
    small = try_out(checked, inputs, windows)
    random = torch.Generator().manual_seed(0)
    yield torch.rand((1, inputs, *small), generator=random)
    full = tuple(n or length for n, length in zip(windows.size or (0, 0, 0), small, strict=True))
    other = full
    # Twice a large window in each direction would need more memory than running the model does.
    if full == small and prod(small) <= MOST_TRIAL_VOXELS:
        other = tuple(n if n == 1 else n * 2 for n in small)
    sample = torch.rand((2, inputs, *other), generator=random)
    try:
        with torch.no_grad():
            checked(sample)
    except (RuntimeError, ModelError):
        sample = torch.rand((2, inputs, *small), generator=random)
    yield sample


def same_scores(network: torch.nn.Module, other: torch.nn.Module, sample: torch.Tensor) -> bool:
    """Whether two networks give the same for a window, but for rounding."""
    expected, found = first_output(network(sample.clone())), first_output(other(sample.clone()))
    return expected.shape == found.shape and torch.allclose(expected, found, rtol=_TOLERANCE, atol=_TOLERANCE)
