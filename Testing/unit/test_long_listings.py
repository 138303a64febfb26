"""What an archive says of its files is bounded before it is in memory."""

from __future__ import annotations

import io
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from MedAISegLib.core.errors import ModelError
from MedAISegLib.formats.checkpoint_facts import checkpoint_facts
from MedAISegLib.formats.monai_bundle.archived import archived_names, read_archived
from MedAISegLib.formats.undescribed import why_undescribed
from MedAISegLib.models import zip_listing
from MedAISegLib.models.archive import unpack_archive
from MedAISegLib.models.archive_entries import Limits
from MedAISegLib.models.packs import is_pack

FEW = Limits(files=20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "into").mkdir()
    return tmp_path / "into"


@contextmanager
def at_most(most_bytes: int) -> Iterator[None]:
    """Within the block no more memory of Python's is taken at one time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most_bytes
    finally:
        tracemalloc.stop()


def understated(path: Path, names: list[str], announced: int = 1) -> Path:
    """A zip file of empty files that announces another number of them."""
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, b"")
    content = bytearray(path.read_bytes())
    struct.pack_into("<HH", content, content.rfind(b"PK\x05\x06") + 8, announced, announced)
    path.write_bytes(content)
    return path


@pytest.fixture
def _never_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: Any) -> None:
        raise AssertionError("its list was read")

    monkeypatch.setattr(zipfile, "ZipFile", opened)


def test_files_are_counted_whatever_number_is_announced(
    tmp_path: Path, folder: Path, request: pytest.FixtureRequest
) -> None:
    many = understated(tmp_path / "s.zip", [f"f{n}" for n in range(21)])
    enough = understated(tmp_path / "t.zip", [f"f{n}" for n in range(20)])
    unpack_archive(enough, folder, limits=FEW)
    assert len(list(folder.iterdir())) == 20
    request.getfixturevalue("_never_opened")
    with pytest.raises(ModelError, match="more than 20 files"):
        unpack_archive(many, folder, limits=FEW)


def test_as_little_is_read_of_what_lies_after_the_names(tmp_path: Path, folder: Path) -> None:
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as file:
        info = zipfile.ZipInfo("f")
        info.comment = bytes(60_000)
        file.writestr(info, b"")
    with pytest.raises(ModelError, match="more than 20 files"), at_most(2**20):
        unpack_archive(tmp_path / "s.zip", folder, limits=FEW)


def is_refused(read: Callable[[Path], Any]) -> Callable[[Path], bool]:
    def refused(path: Path) -> bool:
        with pytest.raises(ModelError, match="more than 50000 files"):
            read(path)
        return True

    return refused


READERS: dict[str, Callable[[Path], bool]] = {
    "a pack": lambda path: not is_pack(path),
    "a checkpoint": is_refused(checkpoint_facts),
    "a bundle in TorchScript": lambda path: archived_names(path) == (),
    "its description": is_refused(lambda path: read_archived(path, "metadata.json")),
    "a network without description": lambda path: "weights alone" in str(why_undescribed(path)),
}


@pytest.mark.usefixtures("_never_opened")
@pytest.mark.parametrize("kind", READERS)
def test_nor_is_it_of_what_is_only_looked_into(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    start = b"PK\x03\x04" + bytes(26)
    entry = b"PK\x01\x02" + bytes(42)
    listing = entry * (zip_listing.MOST_RECORDS + 1)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(listing), len(start), 0)
    path.write_bytes(start + listing + end)
    assert READERS[kind](path)


@pytest.mark.engine
@pytest.mark.usefixtures("_never_opened")
@pytest.mark.parametrize("kind", ["weights", "TorchScript"])
def test_nor_before_torch_reads_it(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    from MedAISegLib.formats.checkpoint import load_content
    from MedAISegLib.formats.medaiseg_bundle.torchscript import require_harmless

    monkeypatch.setattr(torch._C, "PyTorchFileReader", lambda _: 1 // 0)
    entry = b"PK\x01\x02" + bytes(42)
    listing = entry * (zip_listing.MOST_RECORDS + 1)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(listing), 30, 0)
    (tmp_path / "model.pt").write_bytes(b"PK\x03\x04" + bytes(26) + listing + end)
    with pytest.raises(ModelError, match="more than 50000 files"):
        (load_content if kind == "weights" else require_harmless)(tmp_path / "model.pt")


def member(name: str, *, kind: bytes = tarfile.REGTYPE, size: int = 0) -> bytes:
    header = tarfile.TarInfo(name)
    header.type, header.size = kind, size
    return header.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("name", [".", "./", "__MACOSX/x", "m/.DS_Store"])
def test_what_is_left_out_of_a_tar_file_counts(name: str, tmp_path: Path, folder: Path) -> None:
    (tmp_path / "s.tar").write_bytes(member(name) * 21 + member("m/a") + bytes(1024))
    with pytest.raises(ModelError, match="more than 20 files"):
        unpack_archive(tmp_path / "s.tar", folder, limits=FEW)
    (tmp_path / "s.tar").write_bytes(member(name) * 19 + member("m/a") + bytes(1024))
    assert unpack_archive(tmp_path / "s.tar", folder, limits=FEW) == folder / "m"


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_what_a_tar_file_says_of_its_files_is_bounded_in_all(kind: bytes, tmp_path: Path, folder: Path) -> None:
    said = io.BytesIO()
    for number in range(100):
        content = f"1000018 {number:08}={'x' * 1_000_000}\n".encode()
        said.write(member("p", kind=kind, size=len(content)))
        said.write(content.ljust(-(-len(content) // 512) * 512, b"\0") + member(f"f{number}"))
    (tmp_path / "s.tar").write_bytes(said.getvalue() + bytes(1024))
    del said
    with pytest.raises(ModelError, match="far more of its files than their names"), at_most(20 * 2**20):
        unpack_archive(tmp_path / "s.tar", folder, limits=Limits(files=1000))


def test_what_has_been_unpacked_is_not_remembered(tmp_path: Path, folder: Path) -> None:
    words = b"10018 comment=" + b"x" * 10_003 + b"\n"
    one = member("p", kind=tarfile.XHDTYPE, size=len(words)) + words.ljust(20 * 512, b"\0")
    (tmp_path / "s.tar").write_bytes(b"".join(one + member(f"f{n}") for n in range(300)) + bytes(1024))
    with at_most(2 * 2**20):
        unpack_archive(tmp_path / "s.tar", folder)
    assert len(list(folder.iterdir())) == 300


def test_a_tar_file_is_read_forwards_only(tmp_path: Path, folder: Path) -> None:
    """A size below 0 leads back; what is packed would be unpacked again each time."""
    header = bytearray(member("."))
    header[124:136] = struct.pack(">q", -512).rjust(12, b"\xff")
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    (tmp_path / "s.tar").write_bytes(member(".") + bytes(header) + bytes(1024))
    with pytest.raises(ModelError, match="damaged"):
        unpack_archive(tmp_path / "s.tar", folder)


def test_folders_that_are_only_named_count(tmp_path: Path, folder: Path) -> None:
    deep = understated(tmp_path / "s.zip", [f"{n}/{n}/{n}/{n}/{n}/{n}/f" for n in range(4)], announced=4)
    with pytest.raises(ModelError, match="more than 20 files and folders"):
        unpack_archive(deep, folder, limits=FEW)
    assert len(list(folder.rglob("*"))) <= 20
