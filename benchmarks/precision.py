"""In how many bits a reference's network multiplies, as its users switch it: torch's own flags and autocast."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from MedAISegLib.engine.backends.reduced_precision import tensor_float_32

from .sides import Assignment

PRECISIONS = ("fp32", "tf32", "fp16", "bf16")

_IN_16_BITS = {"fp16": torch.float16, "bf16": torch.bfloat16}


@contextmanager
def reference_precision(assignment: Assignment, precision: str) -> Iterator[None]:
    """For the block in which the network is run; ``auto`` is what the reference takes by itself."""
    word = assignment.own_precision if precision == "auto" else precision
    dtype = _IN_16_BITS.get(word)
    autocast = nullcontext() if dtype is None else torch.autocast(assignment.device, dtype=dtype)
    with tensor_float_32(allowed=word == "tf32"), autocast:
        yield
