"""The process that makes a network of OpenVINO's from a traced one."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .converted import ConvertedNetwork, reason_of, settings, write_converted

REFUSED = 3
"""What the process ends with where the network cannot be converted, today or tomorrow."""

_LARGEST_DIFFERENCE = 1e-2
"""Of the largest score: what was not traced, but computed once and kept as a number, differs by more."""


def main(traced: str, made: str, window: str, scores: str, threads: str) -> None:
    """Read the first file, which its parent has written, write the second, and hold it against the plain network.

    What cannot be converted ends the process with a line on stderr.

    Args:
        window: file of an array (1, channel, a, b, c).
        scores: file of what the plain network makes of that.
    """
    torch.set_num_threads(int(threads))
    file, given, expected = Path(made), np.load(window), np.load(scores)
    from openvino import frontend

    try:
        network = _converted(torch.jit.load(traced, map_location="cpu").eval(), list(given.shape))
        write_converted(_compiled(network), file)
        _compare(file, given, expected)
    except (
        RuntimeError,
        ValueError,
        TypeError,
        frontend.GeneralFailure,
        frontend.InitializationFailure,
        frontend.NotImplementedFailure,
        frontend.OpConversionFailure,
        frontend.OpValidationFailure,
    ) as error:
        file.unlink(missing_ok=True)
        sys.stderr.write(f"{reason_of(error)}\n")
        sys.stderr.flush()
        os._exit(REFUSED)


def _converted(network: torch.jit.ScriptModule, shape: list[int]) -> Any:
    """By the frontend itself: OpenVINO's ``convert_model`` would tell its makers that it was used."""
    from openvino import PartialShape, Type
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    # Both are asked again while the other works, and nobody else holds them.
    frontend, decoder = FrontEndManager().load_by_framework("pytorch"), TorchScriptPythonDecoder(network)
    graph = frontend.load(decoder)
    window = graph.get_inputs()[-1]
    # A saved network no longer knows it, and some layers are not converted well without it.
    graph.set_partial_shape(window, PartialShape(shape))
    graph.set_element_type(window, Type.f32)
    return frontend.convert(graph)


def _compiled(network: Any) -> bytes:
    from openvino import Core

    content: bytes = Core().compile_model(network, "CPU", settings()).export_model().getvalue()
    return content


def _compare(made: Path, window: Any, scores: Any) -> None:
    """Here, where a crash ends nobody's run."""
    network = ConvertedNetwork()
    if reason := network.open(made):
        raise ValueError(reason)
    with torch.inference_mode():
        found = network(torch.from_numpy(window)).numpy()
    if found.shape != scores.shape or not np.abs(found - scores).max() <= _LARGEST_DIFFERENCE * np.abs(scores).max():
        raise ValueError("converted, it computes something else")
