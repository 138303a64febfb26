"""ONNX files run by onnxruntime, on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...core.errors import ModelError, ResourceError
from .onnx_file import external_files, require_known_operators

_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}


class OnnxNetwork(torch.nn.Module):
    """A network that onnxruntime runs; arrays go to the computer's memory and come back."""

    def __init__(self, session: Any) -> None:
        super().__init__()
        self._session = session
        first = session.get_inputs()[0]
        self._name, self._type = first.name, _TYPES[first.type]
        self._output = session.get_outputs()[0].name
        self.input_shape: tuple[int | None, ...] = tuple(n if isinstance(n, int) else None for n in first.shape)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(batch, channel, ...) to (batch, class, ...); one item at a time where the file has one in a batch."""
        single = self.input_shape[:1] == (1,) and len(values) > 1
        parts = [self._run(part) for part in (values.split(1) if single else (values,))]
        return torch.cat(parts).to(values.device)

    def _run(self, values: torch.Tensor) -> torch.Tensor:
        array = np.ascontiguousarray(values.cpu().numpy(), dtype=self._type)
        try:
            (scores,) = self._session.run([self._output], {self._name: array})
        # The classes of onnxruntime's errors derive from Exception directly, and some from nothing narrower.
        except _session_errors() as error:
            raise RuntimeError(str(error)) from error
        return torch.from_numpy(np.asarray(scores, dtype=np.float32))


def open_onnx(path: Path) -> OnnxNetwork:
    """The network of a file.

    Raises:
        NotTrustedError: if it asks for operators of its own or for files outside of its folder.
        ModelError: if it is damaged or takes something else than one image.
        ResourceError: if onnxruntime is not installed.
    """
    external_files(path)
    require_known_operators(path)
    try:
        import onnxruntime
    except ImportError as error:
        raise ResourceError(
            "the package that runs ONNX files is missing.",
            where=str(path),
            remedy='Install it: pip install "onnxruntime>=1.20"',
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except _session_errors() as error:
        reason = str(error).strip().splitlines()[0][:300]
        raise ModelError(f"onnxruntime cannot open it: {reason}", where=str(path)) from error
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type not in _TYPES:
        kinds = ", ".join(f"{item.name} {item.type}" for item in inputs)
        raise ModelError(f"it takes {kinds or 'nothing'}, and not one array of numbers.", where=str(path))
    return OnnxNetwork(session)


def _session_errors() -> tuple[type[Exception], ...]:
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    raised = [getattr(state, name) for name in dir(state)]
    own = tuple(kind for kind in raised if isinstance(kind, type) and issubclass(kind, Exception))
    return (*own, RuntimeError, ValueError)
