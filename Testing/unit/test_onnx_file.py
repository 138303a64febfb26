"""Fields of ONNX files that protobuf reads otherwise than they are written: refused, so that nothing hides in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from MedAISegLib.core.errors import ModelError
from MedAISegLib.formats.medaiseg_bundle.onnx_file import OnnxFacts, onnx_facts

NODE, INITIALIZER, GRAPH = 1, 5, 7
EXTERNAL, DOMAIN = 13, 7
BYTES = 2
HIDDEN = 1 << 29
"""In a field's number: protobuf keeps 32 bits of the key, which has the number three bits up."""


def varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | BYTES) + varint(len(content)) + content


def write(path: Path, external: int = EXTERNAL, domain: int = DOMAIN) -> Path:
    """A graph with weights in another file and an operator of somebody's, as fields of those numbers."""
    tensor = field(external, field(1, b"location") + field(2, b"weights.bin"))
    graph = field(NODE, field(4, b"Run") + field(domain, b"com.evil")) + field(INITIALIZER, tensor)
    path.write_bytes(field(GRAPH, graph))
    return path


def test_weights_elsewhere_and_operators_of_somebodys_are_seen(tmp_path: Path) -> None:
    assert onnx_facts(write(tmp_path / "m.onnx")) == OnnxFacts(("com.evil::Run",), ("weights.bin",))


@pytest.mark.parametrize("hidden", [{"external": HIDDEN | EXTERNAL}, {"domain": HIDDEN | DOMAIN}])
def test_a_key_of_more_than_32_bits_is_refused(hidden: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="impossible key"):
        onnx_facts(write(tmp_path / "m.onnx", **hidden))


@pytest.mark.skipif(os.name != "posix", reason="the file would take room on the disk")
def test_a_length_of_more_than_31_bits_is_refused(tmp_path: Path) -> None:
    path, length = write(tmp_path / "m.onnx"), 2**31
    with path.open("ab") as file:
        file.write(varint(99 << 3 | BYTES) + varint(length))
        file.truncate(file.tell() + length)
    with pytest.raises(ModelError, match="impossible length"):
        onnx_facts(path)
