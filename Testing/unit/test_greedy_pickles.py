"""Checkpoints of a few bytes that ask for gigabytes: refused before they are opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from MedAISegLib.core.errors import ModelError
from MedAISegLib.formats.bounded_pickles import ExcessError, require_bounded
from MedAISegLib.formats.checkpoint_facts import checkpoint_facts

torch = pytest.importorskip("torch")
checkpoint = pytest.importorskip("MedAISegLib.formats.checkpoint")

from Testing.unit.test_endless_pickles import numpy_pickle, text, zipped  # noqa: E402

pytestmark = pytest.mark.engine

TENSOR = (
    b"ctorch._utils\n_rebuild_tensor_v2\n(" + b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0")
    + text("cpu") + b"K\x01tQK\x00K\x09\x85K\x00\x85\x89ccollections\nOrderedDict\n)RtR"
)  # fmt: skip
"""Of nine numbers, which are all the same one of the file; it might as well be of a billion."""
BYTES = b"c_codecs\nencode\n" + text("a" * 8) + text("latin1") + b"\x86R"

GREEDY = {
    "so many bytes": b"cbuiltins\nbytearray\nK\x09\x85R",
    "so many bytes, as Python 2 calls them": b"c__builtin__\nbytearray\nK\x09\x85R",
    "bytes of bytes": b"cbuiltins\nbytearray\n" + BYTES + b"\x85R",
    "a storage": b"ctorch.storage\nUntypedStorage\nK\x09\x85R",
    "a tensor of such a size": b"ctorch\nFloatTensor\nK\x09\x85R",
    "a new tensor": b"ctorch\nTensor\nK\x09\x85\x81",
    "an array of such a size": b"cnumpy\nndarray\nK\x09\x85\x85R",
    "a copy": b"ctorch._utils\n_rebuild_device_tensor_from_cpu_tensor\n("
    + TENSOR
    + b"ctorch\nfloat32\n"
    + text("cpu")
    + b"\x89tR",
    "a set of a tensor": b"cbuiltins\nset\n" + TENSOR + b"\x85R",
    "a count of a tensor": b"ccollections\nCounter\n" + TENSOR + b"\x85R",
    "a size of a tensor": b"ctorch\nSize\n" + TENSOR + b"\x85R",
    "any function, by another": b"ctorch._tensor\n_rebuild_from_type_v2\n(cbuiltins\nset\nctorch\nTensor\n"
    + TENSOR
    + b"\x85NtR",
    "twice as many digits": b"c_codecs\nencode\n" + BYTES + text("hex") + b"\x86R",
    "an encoding that takes long": b"c_codecs\nencode\n" + text("a") + text("punycode") + b"\x86R",
    "one text, made bytes again and again": b"c_codecs\nencode\nq\x01"
    + text("a" * 100_000)
    + text("latin1")
    + b"\x86q\x020("
    + b"h\x01h\x02R" * 2_000
    + b"t",
}


@pytest.mark.parametrize("use", GREEDY)
def test_what_takes_memory_for_the_asking_is_refused(use: str, tmp_path: Path) -> None:
    path = zipped(tmp_path / "model.pt", b"\x80\x02}" + text("k") + GREEDY[use] + b"s.")
    for read in (checkpoint.load_content, checkpoint_facts):
        with pytest.raises(ModelError, match="refused"):
            read(path)


def test_the_same_parts_without_greed_are_let_through() -> None:
    for made in (TENSOR, BYTES, b"ctorch\nSize\nK\x01K\x02\x86\x85R", b"cbuiltins\nset\n]\x85R"):
        require_bounded(b"\x80\x02" + made + b".")


def test_a_long_text_is_made_bytes_once() -> None:
    long = b"c_codecs\nencode\n" + text("a" * 2**22) + text("latin1") + b"\x86R"
    require_bounded(b"\x80\x02" + long + b".")
    with pytest.raises(ExcessError):
        require_bounded(b"\x80\x02" + GREEDY["so many bytes"] + b".")


def test_an_array_of_a_billion_empty_texts_is_damaged(tmp_path: Path) -> None:
    path = zipped(tmp_path / "model.pt", numpy_pickle("S0", 0, b""))
    for read in (checkpoint_facts, checkpoint.load_content):
        with pytest.raises(ModelError, match="damaged"):
            read(path)


@pytest.mark.parametrize("count", [50_000, 50_001])
def test_a_few_bytes_each_make_no_endless_number_of_tensors(count: int) -> None:
    """Each is made of what the first one was made of, which takes torch a ten-thousandth of a second."""
    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + b"K\x01tQ"
    first = b"ctorch._utils\n_rebuild_tensor_v2\nq\x00(" + storage + b"K\x00))\x89ccollections\nOrderedDict\n)Rtq\x01"
    content = b"\x80\x02](" + first + b"h\x00h\x01R" * count + b"e."
    if count > 50_000:
        with pytest.raises(ExcessError, match="more than 50000 tensors"):
            require_bounded(content)
    else:
        assert require_bounded(content) == len(content)


def test_nor_does_a_file_of_safetensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = '"{}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'
    header = ("{" + ",".join(entry.format(number) for number in range(80_000)) + "}").encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    monkeypatch.setattr(checkpoint, "load_file", lambda _: pytest.fail("it was read"))
    with pytest.raises(ModelError, match="what it says of its weights is too large"):
        checkpoint.load_safetensors(tmp_path / "model.safetensors")
