"""Checkpoints that would take forever to open, or that mislead numpy: refused before they are opened."""

from __future__ import annotations

import io
import pickle
import shutil
import struct
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from MedAISegLib.app.model_sources import install_model
from MedAISegLib.core.errors import ModelError
from MedAISegLib.formats import read_model
from MedAISegLib.formats.bounded_pickles import ExcessError, require_bounded
from MedAISegLib.formats.checkpoint_facts import checkpoint_facts
from MedAISegLib.models.store import models_home

torch = pytest.importorskip("torch")
checkpoint = pytest.importorskip("MedAISegLib.formats.checkpoint")

pytestmark = pytest.mark.engine

LEVELS = 24
"""Seconds of look-ups, so that a test without the bound fails rather than hangs."""


def text(value: str) -> bytes:
    encoded = value.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def keyed(levels: int = LEVELS) -> bytes:
    """Puts a tuple on the stack of which two to the power of the levels would be written out."""
    start = b"K\x01\x85q\x00"
    return start + b"".join(b"h" + bytes([n, 0x68, n]) + b"\x86q" + bytes([n + 1]) for n in range(levels))


def tuples(use: Callable[[bytes], bytes], levels: int = LEVELS) -> bytes:
    """A checkpoint's pickle: the weights, and ``j``, which holds the tuples, and then what is made of the largest."""
    stored = text("j") + b"(" + keyed(levels) + b"ts"
    return b"\x80\x02}" + stored + text("model") + b"}s" + use(b"h" + bytes([levels])) + b"."


USES: dict[str, Callable[[bytes], bytes]] = {
    "a key": lambda value: value + b"Ns",
    "one of several keys": lambda value: b"(" + text("a") + b"N" + value + b"Nu",
    "a key in a tuple": lambda value: value + text("a") + b"\x86Ns",
    "of a set": lambda value: text("k") + b"cbuiltins\nset\n](" + value + b"e\x85Rs",
    "of an ordered mapping": lambda value: text("k") + b"ccollections\nOrderedDict\n](" + value + b"N\x86e\x85Rs",
    "of a counter": lambda value: text("k") + b"ccollections\nCounter\n]" + value + b"a\x85Rs",
    "of a counter, again and again": lambda value: (
        text("k") + b"ccollections\nCounter\n](" + b"h\x08" * 5000 + b"e\x85q\xfaR0" + text("m") +
        b"(" + b"ccollections\nCounter\nh\xfaR" * 5000 + b"ts"
    ),
    "of a list that is filled later": lambda value: (
        text("k") + b"]q\xf0" + b"\x85q\xf1s" + text("m") + b"h\xf0" + value + b"as" +
        text("n") + b"cbuiltins\nset\nh\xf1Rs"
    ),
    "a name of numbers": lambda value: (
        text("k") + b"(" + text("storage") + b"ctorch\nFloatStorage\n" + value + text("cpu") + b"K\x01tQs"
    ),
    "a key of a slice": lambda value: b"cbuiltins\nslice\nNN" + value + b"\x87RNs",
}  # fmt: skip


def zipped(path: Path, description: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (("data.pkl", description), ("version", b"3\n"), ("byteorder", b"little")):
            archive.writestr(f"model/{name}", content)
    return path


def legacy(path: Path, description: bytes) -> Path:
    """As before torch 1.6."""
    facts = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    before = (0x1950A86A20F9469CFC6C, 1001, facts)
    parts = [*(pickle.dumps(value, 2) for value in before), description, pickle.dumps([], 2)]
    path.write_bytes(b"".join(parts))
    return path


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("write", [zipped, legacy])
def test_what_would_be_looked_up_forever_is_refused(
    write: Callable[[Path, bytes], Path], use: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "model.pt", tuples(USES[use]))
    with pytest.raises(ModelError, match="refused: opening it would take far more work") as caught:
        checkpoint.load_state(path)
    assert "safetensors" in caught.value.remedy
    if write is zipped:
        with pytest.raises(ModelError, match="refused: opening it would take far more work"):
            checkpoint_facts(path)


@pytest.mark.parametrize("file", ["model.pt", "fold_0/checkpoint_final.pth"])
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_neither_a_folder_nor_an_archive_with_such_a_checkpoint_is_installed(
    file: str, packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    folder = tmp_path / "hostile"
    (folder / file).parent.mkdir(parents=True)
    zipped(folder / file, tuples(USES["a key"]))
    for name, content in (("labels.csv", "LabelValue,Name\n1,liver\n"), ("plans.json", "{}"), ("dataset.json", "{}")):
        if (name == "labels.csv") == (file == "model.pt"):
            (folder / name).write_text(content, encoding="utf-8")
    source = Path(shutil.make_archive(str(folder), "zip", folder)) if packed else folder
    with pytest.raises(ModelError, match="far more work"):
        install_model(source)
    assert not models_home().exists() or list(models_home().iterdir()) == []


def test_keys_of_meshnet_are_looked_up_no_longer_either(tmp_path: Path) -> None:
    from Testing.unit.meshnets import write_model

    folder = write_model(tmp_path / "m", zipped=True)
    assert read_model(folder).build_networks()
    zipped(folder / "model.pth", tuples(USES["a key"]))
    with pytest.raises(ModelError, match="far more work"):
        read_model(folder).build_networks()


def test_tuples_nested_beyond_any_use_are_refused() -> None:
    require_bounded(b"\x80\x02N" + b"\x85" * 60 + b".")
    with pytest.raises(ExcessError, match="nested"):
        require_bounded(b"\x80\x02N" + b"\x85" * 100_000 + b".")


@pytest.mark.parametrize("operation", [b"2", b"\x8c\x01a", b"\x93", b"i", b"o", b"R", b"\xff"])
def test_what_torch_does_not_write_is_not_opened(operation: bytes) -> None:
    with pytest.raises((ExcessError, pickle.UnpicklingError)):
        require_bounded(b"\x80\x02" + operation + b".")


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_pickle_that_breaks_off_is_damaged(cut: int) -> None:
    whole = tuples(USES["a key"], 3)
    with pytest.raises(pickle.UnpicklingError):
        require_bounded(whole[:-cut])


def harmless() -> dict[str, Any]:
    network = torch.nn.Sequential(torch.nn.Conv3d(1, 2, 3), torch.nn.BatchNorm3d(2))
    optimizer = torch.optim.Adam(network.parameters())
    (network(torch.zeros(1, 1, 4, 4, 4)).sum()).backward()
    optimizer.step()
    return {
        "model": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "by_pair": {(1, 2): "a", ((3, 4), 5): "b"},
        "seen": {"a", "b"},
        "counted": Counter("abc"),
        "ordered": OrderedDict(a=OrderedDict(b=(1, (2, (3,))))),
        "history": [[np.float64(n * k) for n in range(25)] for k in range(200)],
        "array": np.arange(6, dtype=np.int16).reshape(2, 3),
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "flag": np.bool_(True),
        "name": np.str_("liver"),
        "size": torch.Size([1, 2]),
        "device": torch.device("cpu"),
    }


@pytest.mark.parametrize("is_zip", [True, False])
def test_what_training_programs_write_is_read_as_it_was(is_zip: bool, tmp_path: Path) -> None:
    path, written = tmp_path / "model.pt", harmless()
    torch.save(written, path, _use_new_zipfile_serialization=is_zip)
    readings = [checkpoint.load_content(path), *([checkpoint_facts(path)] if is_zip else [])]
    for read in readings:
        assert set(read) == set(written)
        assert read["by_pair"] == written["by_pair"]
        assert read["history"] == written["history"]
        for name in ("array", "columns"):
            np.testing.assert_array_equal(read[name], written[name])
            assert isinstance(read[name], np.ndarray)
            assert read[name].dtype == written[name].dtype
        assert read["flag"] == written["flag"]
        assert read["name"] == "liver"
    torch.testing.assert_close(dict(checkpoint.load_state(path)), dict(written["model"]))


def numpy_pickle(kind: str, flags: int, content: bytes) -> bytes:
    """An array of two of a made-up type, whose bytes numpy is to take for something else."""
    made = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
    type_of = b"cnumpy\ndtype\n(U" + bytes([len(kind)]) + kind.encode() + b"K\x00K\x01tR"
    state = b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK" + bytes([flags]) + b"tb"
    given = b"c_codecs\nencode\n(" + text(content.decode("latin-1")) + text("latin1") + b"tR"
    return b"\x80\x02}" + text("a") + made + b"(K\x01K\x02\x85" + type_of + state + b"\x89" + given + b"tbs."


@pytest.mark.parametrize(("kind", "flags"), [("O8", 0), ("O8", 63), ("V8", 0), ("f8,O8", 0), ("M8[ns]", 0)])
def test_types_by_which_numpy_follows_addresses_of_the_file_are_refused(kind: str, flags: int, tmp_path: Path) -> None:
    path = zipped(tmp_path / "model.pt", numpy_pickle(kind, flags, b"A" * 16))
    for read in (checkpoint_facts, checkpoint.load_content):
        with pytest.raises(ModelError, match="damaged"):
            read(path)


@pytest.mark.parametrize("flags", [0, 1, 2, 63])
def test_of_a_type_nothing_but_its_name_and_order_counts(flags: int, tmp_path: Path) -> None:
    path = zipped(tmp_path / "model.pt", numpy_pickle("f8", flags, np.array([1.5, 2.5]).tobytes()))
    for read in (checkpoint_facts, checkpoint.load_content):
        array = read(path)["a"]
        assert array.dtype == np.dtype("<f8")
        assert array.tolist() == [1.5, 2.5]


def test_an_array_whose_bytes_do_not_suffice_is_damaged(tmp_path: Path) -> None:
    path = zipped(tmp_path / "model.pt", numpy_pickle("f8", 0, b"A" * 15))
    for read in (checkpoint_facts, checkpoint.load_content):
        with pytest.raises(ModelError, match="damaged"):
            read(path)


def test_numbers_in_the_other_order_of_bytes(tmp_path: Path) -> None:
    written = {"a": np.array([1, 258], dtype=">u2"), "b": np.array([2.5], dtype=">f4")[0]}
    torch.save(written, tmp_path / "model.pt")
    for read in (checkpoint_facts, checkpoint.load_content):
        assert read(tmp_path / "model.pt")["a"].tolist() == [1, 258]
        assert read(tmp_path / "model.pt")["b"] == 2.5


def test_the_archive_that_torch_reads_is_the_one_that_is_bounded(tmp_path: Path) -> None:
    """Python finds an archive at the end of any file; torch reads one that begins where the file begins."""
    bomb = legacy(tmp_path / "bomb", tuples(USES["a key"])).read_bytes()
    harmless_one = io.BytesIO()
    torch.save({"model": {"w": torch.zeros(1)}}, harmless_one)
    (tmp_path / "model.pt").write_bytes(bomb + harmless_one.getvalue())
    with pytest.raises(ModelError, match="far more work"):
        checkpoint.load_state(tmp_path / "model.pt")


def test_what_grows_beside_the_weights_is_not_unpacked(tmp_path: Path) -> None:
    torch.save({"model": {"w": torch.zeros(1)}}, tmp_path / "model.pt")
    with zipfile.ZipFile(tmp_path / "model.pt", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/more", bytes(2**27))
    with pytest.raises(ModelError, match="too large"):
        checkpoint.load_state(tmp_path / "model.pt")
