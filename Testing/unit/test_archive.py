"""Archives of models: unpacked as they are, or refused before anything lies outside the folder."""

from __future__ import annotations

import io
import os
import stat
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from MedAISegLib.app.model_downloads import archive_name
from MedAISegLib.app.model_sources import install_model
from MedAISegLib.core.errors import Cancelled, ModelError, UsageError
from MedAISegLib.formats import read_model
from MedAISegLib.models.archive import is_archive, unpack_archive, without_suffix
from MedAISegLib.models.archive_entries import Limits

KINDS = ("zip", "tar", "tar.gz")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "outer" / "inner").mkdir(parents=True)
    return tmp_path / "outer" / "inner"


def archive(path: Path, files: Iterable[tuple[str, bytes]]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in files:
                info = zipfile.ZipInfo("x")
                info.filename = name
                info.compress_type = zipfile.ZIP_DEFLATED
                file.writestr(info, content)
        return path
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as file:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return path


def nothing_outside(folder: Path) -> bool:
    return [path.name for path in folder.parent.iterdir()] == [folder.name] and not Path("/medaiseg-escape").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_files_come_out_as_they_went_in_and_the_top_folder_is_the_model(
    kind: str, tmp_path: Path, folder: Path
) -> None:
    files = [("spleen/configs/a.json", b"{}"), ("spleen/models/m.pt", bytes(range(256)) * 999)]
    root = unpack_archive(archive(tmp_path / f"s.{kind}", files), folder)
    assert root == folder / "spleen"
    assert (root / "models" / "m.pt").read_bytes() == files[1][1]


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_top_folder_the_whole_is_the_model(kind: str, tmp_path: Path, folder: Path) -> None:
    source = archive(
        tmp_path / f"s.{kind}", [("./configs/a.json" if kind != "zip" else "configs/a.json", b"{}"), ("b", b"")]
    )
    assert unpack_archive(source, folder) == folder
    assert sorted(path.name for path in folder.iterdir()) == ["b", "configs"]


def test_what_macos_adds_is_left_out(tmp_path: Path, folder: Path) -> None:
    files = [("__MACOSX/m/._a", b"x"), ("m/.DS_Store", b"x"), ("m/a", b"a")]
    root = unpack_archive(archive(tmp_path / "s.zip", files), folder)
    assert [path.name for path in root.rglob("*")] == ["a"]
    assert root.name == "m"


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_headers_about_headers_without_end_are_refused(kind: bytes, tmp_path: Path, folder: Path) -> None:
    """Python reads each within the one before."""
    header = tarfile.TarInfo("p")
    header.type, header.size = kind, 512
    content = b"11 path=xx\n" if kind == tarfile.XHDTYPE else b"xx"
    one = header.tobuf(tarfile.USTAR_FORMAT) + content.ljust(512, b"\0")
    (tmp_path / "s.tar").write_bytes(one * 3000 + tarfile.TarInfo("m/a").tobuf() + bytes(1024))
    with pytest.raises(ModelError, match="damaged"):
        unpack_archive(tmp_path / "s.tar", folder)
    assert nothing_outside(folder)


def test_a_checkpoint_of_torch_is_no_archive_although_it_is_a_zip_file(tmp_path: Path) -> None:
    assert not is_archive(archive(tmp_path / "x.zip", [("a", b"")]).rename(tmp_path / "model.pt"))
    assert without_suffix("spleen_v0.1.0.tar.gz") == "spleen_v0.1.0"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../escape", "leads out"),
        ("a/../../escape", "leads out"),
        ("a/..", "leads out"),
        ("/medaiseg-escape", "absolute"),
        ("C:/escape", "absolute"),
        ("\\escape", "absolute"),
        ("a\\..\\..\\escape", "path separator"),
        ("a/b\nc", "control characters"),
        ("a/b\x1b[2Jc", "control characters"),
        ("a/\u202egnp.exe", "control characters"),
        ("a/" + "b" * 300, "longer than"),
        ("a/" * 200 + "b", "too long or too deep"),
        ("a/nul.txt", "Windows"),
        ("a/COM1", "Windows"),
        ("a/com¹.txt", "Windows"),
        ("a/b:stream", "Windows"),
        ("a/b.", "Windows"),
        ("a//b", "no name"),
    ],
)
def test_a_name_that_some_file_system_takes_amiss_is_refused(
    kind: str, name: str, why: str, tmp_path: Path, folder: Path
) -> None:
    with pytest.raises(ModelError, match=why) as caught:
        unpack_archive(archive(tmp_path / f"s.{kind}", [("good", b""), (name, b"bad")]), folder)
    assert str(caught.value).isprintable()
    assert nothing_outside(folder)


def test_a_name_that_ends_at_a_nul_is_refused(tmp_path: Path, folder: Path) -> None:
    source = archive(tmp_path / "s.zip", [("goodXbad", b"")])
    source.write_bytes(source.read_bytes().replace(b"goodXbad", b"good\0bad"))
    with pytest.raises(ModelError, match=r"control characters|damaged"):
        unpack_archive(source, folder)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "names",
    [
        ("a", "a"),
        ("Model.pt", "model.PT"),
        ("\u00e9", "e\u0301"),
        ("a", "a/b"),
        ("a/b", "A"),
        ("stra\u00dfe", "STRASSE"),
    ],
)
def test_two_files_of_one_name_are_refused(kind: str, names: tuple[str, str], tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ModelError, match="two files of the name"):
        unpack_archive(archive(tmp_path / f"s.{kind}", [(name, b"x") for name in names]), folder)


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_of_a_zip_file_are_refused(mode: int, tmp_path: Path, folder: Path) -> None:
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as file:
        info = zipfile.ZipInfo("link")
        info.external_attr = (mode | 0o777) << 16
        file.writestr(info, "/etc/passwd")
    with pytest.raises(ModelError, match=r"is a link|no plain file"):
        unpack_archive(tmp_path / "s.zip", folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_of_a_tar_file_are_refused(kind: bytes, tmp_path: Path, folder: Path) -> None:
    with tarfile.open(tmp_path / "s.tar", "w") as file:
        member = tarfile.TarInfo("link")
        member.type, member.linkname = kind, "/etc"
        file.addfile(member)
        inside = tarfile.TarInfo("link/passwd")
        file.addfile(inside, io.BytesIO())
    with pytest.raises(ModelError, match=r"is a link|no plain file"):
        unpack_archive(tmp_path / "s.tar", folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_too_many_files_are_refused(kind: str, tmp_path: Path, folder: Path) -> None:
    source = archive(tmp_path / f"s.{kind}", [(f"f{n}", b"") for n in range(30)])
    with pytest.raises(ModelError, match="more than 20 files"):
        unpack_archive(source, folder, limits=Limits(files=20))


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_bomb_is_refused_before_it_has_gone_off(kind: str, tmp_path: Path, folder: Path) -> None:
    source = archive(tmp_path / f"s.{kind}", [("weights", bytes(30 * 2**20))])
    with pytest.raises(ModelError, match="far beyond its own size"):
        unpack_archive(source, folder, limits=Limits(harmless_bytes=2**20))
    written = sum(path.stat().st_size for path in folder.rglob("*"))
    assert written <= max(2**20, 100 * source.stat().st_size) + 2**20


def test_a_total_beyond_the_limit_is_refused(tmp_path: Path, folder: Path) -> None:
    source = archive(tmp_path / "s.zip", [("a", os.urandom(5000)), ("b", os.urandom(5000))])
    with pytest.raises(ModelError, match="holds more than"):
        unpack_archive(source, folder, limits=Limits(total_bytes=8000))


def test_a_list_of_millions_of_files_is_not_read(tmp_path: Path, folder: Path) -> None:
    source = archive(tmp_path / "s.zip", [("a", b"")])
    content = bytearray(source.read_bytes())
    end = content.rfind(b"PK\x05\x06")
    struct.pack_into("<HHI", content, end + 8, 65535, 65535, 0xFFFFFFF0)
    source.write_bytes(content)
    with pytest.raises(ModelError, match="more than 20000 files"):
        unpack_archive(source, folder)


def large_archive(path: Path, count: int, *, comment: bytes = b"", decoy: bool = False) -> Path:
    """With the records of one of more than 65,535 files or 4 GB, that say ``count`` files.

    Args:
        decoy: the locator leads to another record, of one file, which zipfile does not look at.
    """

    def record(files: int, size: int, place: int) -> bytes:
        return b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, files, files, size, place)

    content = archive(path, [("a", b"")]).read_bytes()
    size, place = struct.unpack_from("<II", content, content.rfind(b"PK\x05\x06") + 12)
    listing = content[place : place + size]
    records = record(1, size, place) if decoy else b""
    moved = place + len(records)
    said = place if decoy else moved + size
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, said, 1)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, len(comment))
    path.write_bytes(content[:place] + records + listing + record(count, size, moved) + locator + end + comment)
    return path


@pytest.mark.parametrize("comment", [b"", b"c" * 65535], ids=["bare", "with a long comment"])
def test_a_large_archive_says_its_size_elsewhere(comment: bytes, tmp_path: Path, folder: Path) -> None:
    unpack_archive(large_archive(tmp_path / "s.zip", 1, comment=comment), folder)
    assert [path.name for path in folder.iterdir()] == ["a"]
    with pytest.raises(ModelError, match="more than 20000 files"):
        unpack_archive(large_archive(tmp_path / "s.zip", 20_001, comment=comment), folder)


def test_the_size_that_is_looked_at_is_the_one_that_is_read(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ModelError, match="damaged"):
        unpack_archive(large_archive(tmp_path / "s.zip", 20_001, decoy=True), folder)


def test_a_tar_header_of_a_gigabyte_is_not_read_into_memory(tmp_path: Path, folder: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 2**30
    (tmp_path / "s.tar").write_bytes(header.tobuf() + bytes(4096))
    tracemalloc.start()
    with pytest.raises(ModelError, match="damaged"):
        unpack_archive(tmp_path / "s.tar", folder)
    assert tracemalloc.get_traced_memory()[1] < 50 * 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.95])
def test_a_cut_archive_is_refused(kind: str, share: float, tmp_path: Path, folder: Path) -> None:
    source = archive(tmp_path / f"s.{kind}", [("a", os.urandom(20000)), ("b", os.urandom(20000))])
    source.write_bytes(source.read_bytes()[: int(share * 41000)])
    with pytest.raises(ModelError):
        unpack_archive(source, folder)


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_content_that_has_changed_on_its_way_is_refused(kind: str, tmp_path: Path, folder: Path) -> None:
    path = archive(tmp_path / f"model.{kind}", [("model/weights", os.urandom(2000)), ("model/more", b"more")])
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        unpack_archive(path, folder)


def test_an_encrypted_file_is_named(tmp_path: Path, folder: Path) -> None:
    source = archive(tmp_path / "s.zip", [("a", b"a")])
    content = bytearray(source.read_bytes())
    content[content.find(b"PK\x01\x02") + 8] |= 1
    source.write_bytes(content)
    with pytest.raises(ModelError, match="encrypted"):
        unpack_archive(source, folder)


def test_it_can_be_stopped(tmp_path: Path, folder: Path) -> None:
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        unpack_archive(archive(tmp_path / "s.zip", [("a", b"a")]), folder, poll=stop)


@pytest.mark.parametrize("name", ["m.tar.xz", "m.TAR.BZ2", "m.7z"])
def test_what_is_packed_otherwise_is_told_of_by_its_kind(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")
    suffix = name.removeprefix("m").lower()
    for source in (str(tmp_path / name), f"https://someone:secret@example.org/{name}?a=b"):
        with pytest.raises(UsageError, match=f"of the kind {suffix} are not unpacked") as caught:
            install_model(source)
        assert "Unpack it" in caught.value.remedy
        assert "secret" not in str(caught.value)


def test_a_packed_model_has_to_be_installed_before_it_is_used(tmp_path: Path) -> None:
    path = archive(tmp_path / "two organs.zip", [("m/model.ts", b"")])
    with pytest.raises(ModelError, match="it is an archive") as caught:
        read_model(path)
    assert f"medaiseg models install '{path}'" in caught.value.remedy


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://example.org/files/m%201.zip/content?download=1", "m 1.zip"),
        ("https://example.org/m.tar.gz", "m.tar.gz"),
        ("https://example.org/m.zip/page.html", "page.html"),
        ("https://example.org", "example.org"),
        ("m.zip", "m.zip"),
    ],
)
def test_an_address_names_its_archive_at_the_end_or_just_before(address: str, name: str) -> None:
    assert archive_name(address) == name
