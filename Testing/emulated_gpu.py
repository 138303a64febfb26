"""A GPU that is none: tensors say that they lie on ``cuda:0`` and are computed by the processor.

As on a real one, an operation on tensors of both devices fails, and so does reading one as a numpy array. What a GPU
computes otherwise, and how fast, it cannot tell.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

GPU = torch.device("cuda:0")
_overwrite_weights = torch.__future__.set_overwrite_module_params_on_conversion
_PROCESSOR = torch.device("cpu")
_TOLD = {"_lazy_init": None, "synchronize": None, "get_device_name": "Emulated", "is_bf16_supported": True}
_MIXING = ("copy_", "index", "index_put_", "_has_compatible_shallow_copy_type")
"""What takes tensors of both: a GPU brings the numbers of an index to itself."""


class _OnGpu(torch.Tensor):
    """Its values are those of ``held``. To torch's own code it lies there too, since that looks for a real GPU else."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> _OnGpu:
        made: _OnGpu = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype
        )
        made.held = held
        return made

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return GPU

    def cpu(self, *_: Any, **__: Any) -> torch.Tensor:
        return self.held.clone()

    def to(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        wanted = kwargs.get("device", args[0] if args else None)
        is_device = isinstance(wanted, (str, torch.device))
        return self.cpu() if is_device and torch.device(wanted).type == "cpu" else super().to(*args, **kwargs)

    def tolist(self) -> Any:
        return self.held.tolist()

    def numpy(self, *_: Any, **__: Any) -> Any:
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(func, args, kwargs or {})


class EmulatedGpu(TorchDispatchMode):
    """Within the block tensors can be made on the GPU and brought there.

    Attributes:
        room: bytes of the largest tensor that it takes.
        computed: names of the operations that it was asked for.
    """

    def __init__(self, room: int | None = None) -> None:
        super().__init__()
        self.room = room
        self.computed: set[str] = set()
        self._patches = ExitStack()

    def __enter__(self) -> Any:
        # What torch does before anything is dispatched: look for a real one, and bring numbers there.
        for name, answer in _TOLD.items():
            self._patches.enter_context(patch.object(torch.cuda, name, lambda *_, answer=answer, **__: answer))
        # Weights are replaced as they are brought there, since a tensor here cannot become one there.
        self._patches.callback(_overwrite_weights, torch.__future__.get_overwrite_module_params_on_conversion())
        _overwrite_weights(True)
        for name in ("tensor", "as_tensor"):
            self._patches.enter_context(patch.object(torch, name, _brought(getattr(torch, name))))
        return super().__enter__()

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)
        self._patches.close()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = _computed(func, args, kwargs or {})
        made = [value for value in tree_flatten(found)[0] if isinstance(value, _OnGpu)]
        if made:
            self.computed.add(func.overloadpacket.__name__)
        if self.room is not None and any(value.held.nbytes > self.room for value in made):
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return found


def _brought(made: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda data, *, dtype=None, device=_PROCESSOR: made(data, dtype=dtype).to(device)


def _computed(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    every = tree_flatten((args, kwargs))[0]
    given = [value for value in every if isinstance(value, torch.Tensor)]
    wanted = [value for value in every if isinstance(value, torch.device)]
    is_there = any(isinstance(value, _OnGpu) for value in given)
    if is_there and not wanted and func.overloadpacket.__name__ not in _MIXING:
        for value in given:
            if value.ndim and not isinstance(value, _OnGpu):
                raise RuntimeError(f"{func}: Expected all tensors to be on the same device")
    goes_there = wanted[0].type == "cuda" if wanted else is_there
    args, kwargs = tree_map(_held, (args, kwargs))
    found = func(*args, **kwargs)
    if not goes_there:
        return found
    # What is changed in place stays the tensor that it was.
    same = {id(value.held): value for value in given if isinstance(value, _OnGpu)}

    def brought(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        return same[id(value)] if id(value) in same else _OnGpu(value)

    return tree_map(brought, found)


def _held(value: Any) -> Any:
    if isinstance(value, torch.device):
        return _PROCESSOR
    return value.held if isinstance(value, _OnGpu) else value
