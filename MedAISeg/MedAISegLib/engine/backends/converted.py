"""A network that OpenVINO runs, on the processor.

Why: a transformer takes 0.8 of the time of the other ways, networks of flat windows 0.75 to 0.85, for a second copy of
the weights; the others are level. What it is made from is in ``conversion``.
"""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from os import SEEK_END
from pathlib import Path
from typing import Any

import numpy as np
import torch

_MOMENT_MS = 50
_CHECKSUM_BYTES = 32
_NO_REASONS = ("Exception from", "Check '", "Converting input", "Model wasn't")


def settings() -> dict[str, str]:
    """Of OpenVINO's plugin for processors, when a network is compiled and when it is opened."""
    return {
        # Processors with matrix units are given 16 bits otherwise.
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": str(torch.get_num_threads()),
        "NUM_STREAMS": "1",
        "ENABLE_CPU_PINNING": "NO",
    }


class ConvertedNetwork(torch.nn.Module):
    """Stands for the network in whose place it is; a layer of it is called every moment, so that hooks hear of it."""

    def __init__(self) -> None:
        super().__init__()
        self._moment = torch.nn.Identity()
        self._request: Any = None
        self._held: list[Any] = []

    def open(self, file: Path) -> str:
        """Read what :func:`write_converted` has written.

        Returns:
            Why that is not possible; empty where it is.
        """
        try:
            from openvino import Core, Tensor

            whole = np.memmap(file, np.uint8, "c")
            content = whole[:-_CHECKSUM_BYTES]
            if sha256(content.data).digest() != whole[-_CHECKSUM_BYTES:].tobytes():
                return "its file is damaged"
            # Weights are read from there as long as the network is used.
            self._held = [Tensor(content, shared_memory=True)]
            self._request = Core().import_model(self._held[0], "CPU", settings()).create_infer_request()
        except (ImportError, RuntimeError, OSError, ValueError) as error:
            self._held = []
            return reason_of(error)
        return ""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(batch, channel, a, b, c) to (batch, class, a, b, c), window by window."""
        return torch.cat([self._computed(window) for window in values.split(1)])

    def _computed(self, window: torch.Tensor) -> torch.Tensor:
        from openvino import Tensor

        request, given = self._request, window.contiguous()
        # It is read until the request has ended; the request does not hold it.
        self._held[1:] = [given]
        request.set_input_tensor(Tensor(given.numpy(), shared_memory=True))
        request.start_async()
        try:
            while not request.wait_for(_MOMENT_MS):
                self._moment(window)
        except BaseException:
            request.cancel()
            with suppress(RuntimeError):
                request.wait()
            raise
        # The request writes the next window's scores into the same memory.
        return torch.from_numpy(request.get_output_tensor(0).data).clone()


def write_converted(content: bytes, file: Path) -> None:
    """Of a compiled network, and a checksum at the end."""
    with file.open("wb") as stream:
        stream.write(content)
        stream.write(sha256(content).digest())


def checksum_of(file: Path) -> str:
    """As it is written in a converted network's file; empty where that cannot be read."""
    try:
        with file.open("rb") as stream:
            stream.seek(-_CHECKSUM_BYTES, SEEK_END)
            return stream.read().hex()
    except OSError:
        return ""


def reason_of(error: BaseException) -> str:
    """What an error says, in a line of bounded length."""
    lines = [line.strip().removeprefix("-- ") for line in str(error).splitlines() if line.strip()]
    # OpenVINO begins with where in its own files an error arose.
    told = [line for line in lines if not line.startswith(_NO_REASONS) and not line.endswith(":")]
    return (told or lines or [type(error).__name__])[0][:200]
