"""TorchScript that does more than compute is refused before torch opens it; onnx files likewise."""

from __future__ import annotations

import io
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from MedAISegLib.core.errors import ModelError, NotTrustedError, ResourceError
from MedAISegLib.formats import read_model
from MedAISegLib.formats.medaiseg_bundle.onnx_file import external_files, require_known_operators
from MedAISegLib.formats.medaiseg_bundle.onnx_network import open_onnx
from MedAISegLib.formats.medaiseg_bundle.torchscript import open_torchscript, require_harmless

from Testing.described_models import description, small_network, write_description, write_onnx, write_torchscript

pytestmark = pytest.mark.engine

WEIGHTS, BIAS = np.ones((3, 1, 1, 1, 1), np.float32), np.zeros(3, np.float32)


def repacked(path: Path, change) -> Path:
    """The archive with other contents: ``change`` gets and gives a mapping of names to bytes."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    entries = change(entries)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def code_of(entries) -> str:
    """The entry with the network's own code; torch counts the classes that it has compiled in a process."""
    (name,) = (name for name, content in entries.items() if name.endswith(".py") and b"class Sequential" in content)
    return name


def with_line(tmp_path: Path, line: str) -> Path:
    """A network whose forward begins with another line."""
    path = write_torchscript(small_network(), tmp_path / "model.ts")

    def change(entries):
        text = entries[code_of(entries)].decode()
        head, colon, body = text.partition("-> Tensor:\n")
        assert colon
        return entries | {code_of(entries): f"{head}{colon}    {line}\n{body}".encode()}

    return repacked(path, change)


@pytest.mark.parametrize(
    "line",
    [
        'torch.save([1], "PLACE")',
        '_0 = ops.aten.save([1], "PLACE")',
        'input.save("PLACE")',
        "f = torch.save",
        "t = torch",
        "t : Tensor = torch",
        "o : Tensor = ops.prim",
        "o = ops.prim",
        "f = input.save",
        'f = getattr(input, "save")',
        'x = torch.from_file("PLACE", True, 4)',
        "print(input)",
        "p = print",
        "x = ops.c10d.broadcast_([input], 0)",
        "x = ops.mynamespace.run(input)",
        "x = torch.classes.dist_rpc.WorkerInfo",
        "x = __torch__.torch.classes.foo.Bar(input)",
        "x = ops.prim.rpc_async(input)",
        "x = fork(input)",
        "x = torch.as_strided(input, [1], [1], 0)",
        "x = input.set_(input)",
        "import os",
        'x = eval("1")',
    ],
)
def test_code_that_does_more_than_compute_is_refused(tmp_path, line):
    place = tmp_path / "written"
    path = with_line(tmp_path, line.replace("PLACE", str(place)))
    with pytest.raises(NotTrustedError):
        open_torchscript(path)
    assert not place.exists()


def test_a_line_that_computes_is_let_through(tmp_path):
    assert open_torchscript(with_line(tmp_path, "x = torch.relu(input)")) is not None


def test_code_that_torch_does_not_understand_is_told_in_words(tmp_path):
    path = with_line(tmp_path, "nowhere = self.nowhere")
    with pytest.raises(ModelError) as caught:
        open_torchscript(path)
    assert "no attribute or method 'nowhere'" in caught.value.what


def test_a_script_that_writes_a_file_as_torch_itself_saves_it(tmp_path):
    class Writer(torch.nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            torch.save(values, "written")
            return values

    torch.jit.script(Writer()).save(str(tmp_path / "model.ts"))
    with pytest.raises(NotTrustedError, match="save"):
        require_harmless(tmp_path / "model.ts")


def test_code_that_runs_while_a_file_is_opened_is_refused(tmp_path):
    class Stateful(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.training_steps = 0

        @torch.jit.export
        def __getstate__(self):
            return (1, self.training)

        @torch.jit.export
        def __setstate__(self, state: tuple[int, bool]):
            torch.save(state[0], "WRITTEN")
            self.training = state[1]

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return values

    torch.jit.script(Stateful()).save(str(tmp_path / "model.ts"))
    with pytest.raises(NotTrustedError, match="while it is opened"):
        open_torchscript(tmp_path / "model.ts")


@pytest.mark.parametrize(
    "network",
    [
        "UNet(3, 1, 2, (4, 8, 16), (2, 2), num_res_units=1)",
        "DynUNet(3, 1, 2, [3, 3, 3], [1, 2, 2], [2, 2])",
        "UNet(3, 1, 2, (2,) * 5, (2,) * 4, num_res_units=2)",
        "SegResNet(init_filters=8)",
        "AttentionUnet(3, 1, 2, (4, 8), (2,))",
        "BasicUNet(3, 1, 2, (4, 4, 8, 8, 8, 4))",
    ],
)
@pytest.mark.parametrize("make", ["trace", "script"])
def test_networks_of_the_field_are_let_through(tmp_path, network, make):
    from monai.networks import nets

    eager = eval(f"nets.{network}", {"nets": nets}).eval()
    values = torch.rand(1, 1, 32, 32, 32)
    with torch.no_grad():
        made = torch.jit.trace(eager, values, check_trace=False) if make == "trace" else torch.jit.script(eager)
        made.save(str(tmp_path / "model.ts"))
        assert torch.allclose(open_torchscript(tmp_path / "model.ts")(values), eager(values), atol=1e-5)


def test_hidden_python_in_the_archive_is_never_run(tmp_path):
    place = tmp_path / "written"
    path = write_torchscript(small_network(), tmp_path / "model.ts")
    extra = {f"model/extra/{name}": f"open({str(place)!r}, 'w')".encode() for name in ("run", "setup.txt")}
    open_torchscript(repacked(path, lambda entries: entries | extra))
    assert not place.exists()


def test_code_under_a_name_in_capitals_is_read_too(tmp_path):
    path = with_line(tmp_path, 'torch.save([1], "written")')
    with pytest.raises(NotTrustedError, match="save"):
        require_harmless(repacked(path, lambda entries: {n.replace(".py", ".PY"): c for n, c in entries.items()}))


def test_objects_of_foreign_classes_are_refused(tmp_path):
    path = write_torchscript(small_network(), tmp_path / "model.ts")
    foreign = b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00ls\x85R."
    with pytest.raises(NotTrustedError, match="posix system"):
        require_harmless(repacked(path, lambda entries: entries | {"model/data.pkl": foreign}))


def inner_to_outer(levels: int) -> bytes:
    return b"]" * levels + b"a" * (levels - 1)


def outer_to_inner(levels: int) -> bytes:
    """Each list is put into the one before while it is empty."""
    steps = (struct.pack("<BIBBIB", 0x6A, n - 1, 0x5D, 0x72, n, 0x61) for n in range(1, levels))
    return b"]r" + bytes(4) + b"".join(steps)


def objects(levels: int) -> bytes:
    """Each is the only attribute of the next."""
    return b"c__torch__\nA\n)\x81" * levels + b"b" * (levels - 1)


def a_type(levels: int) -> bytes:
    name = b"List[" * levels + b"int" + b"]" * levels
    return b"ctorch.jit._pickle\nrestore_type_tag\n]X" + struct.pack("<I", len(name)) + name + b"\x86R"


@pytest.mark.parametrize("nested", [inner_to_outer, outer_to_inner, objects, a_type])
@pytest.mark.parametrize("place", ["constants.pkl", "data.pkl", "other.PKL"])
def test_objects_that_are_nested_without_end_are_refused(tmp_path, nested, place):
    """Torch takes them apart on the program's own stack: the program would end without a word."""
    path = write_torchscript(small_network(), tmp_path / "model.ts")
    content = b"\x80\x02(" + nested(60_000) + b"t."
    with pytest.raises(ModelError, match="deep"):
        open_torchscript(repacked(path, lambda entries: entries | {f"model/{place}": content}))


def test_an_object_that_holds_itself_is_refused(tmp_path):
    path = write_torchscript(small_network(), tmp_path / "model.ts")
    content = b"\x80\x02(]q\x00]h\x00aat."
    with pytest.raises(ModelError, match="holds itself"):
        require_harmless(repacked(path, lambda entries: entries | {"model/constants.pkl": content}))


@pytest.mark.parametrize(
    "line", ["x = " + "not " * 3000 + "True", "x = " + "+".join("1" * 3000), "x = self" + ".a" * 3000]
)
def test_code_that_is_nested_without_end_is_refused(tmp_path, line):
    with pytest.raises(ModelError, match=r"deep|cannot be read"):
        open_torchscript(with_line(tmp_path, line))


def test_two_entries_of_one_name_are_refused(tmp_path):
    path = write_torchscript(small_network(), tmp_path / "model.ts")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("MODEL/DATA.PKL", b"")
    with pytest.raises(NotTrustedError, match="archive"):
        require_harmless(path)


def test_an_archive_that_grows_is_refused(tmp_path):
    path = write_torchscript(small_network(), tmp_path / "model.ts")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/extra/zeros", bytes(200 * 2**20))
    with pytest.raises(NotTrustedError, match="grows"):
        require_harmless(path)


def test_a_checkpoint_is_no_network(tmp_path):
    torch.save(small_network().state_dict(), tmp_path / "model.pt")
    with pytest.raises(ModelError, match="weights or a checkpoint"):
        open_torchscript(tmp_path / "model.pt")


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + bytes(40)])
def test_a_damaged_file_is_an_error_of_the_model(tmp_path, content):
    (tmp_path / "model.ts").write_bytes(content)
    with pytest.raises(ModelError):
        open_torchscript(tmp_path / "model.ts")


def test_operators_of_a_foreign_domain_are_refused(tmp_path):
    pytest.importorskip("onnx")
    path = write_onnx(tmp_path / "model.onnx", WEIGHTS, BIAS, domain="com.evil")
    with pytest.raises(NotTrustedError, match=r"com\.evil::Conv"):
        require_known_operators(path)


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/passwd", "..\\weights.bin", "C:/weights.bin"])
def test_weights_outside_of_the_folder_are_refused(tmp_path, location):
    pytest.importorskip("onnx")
    (tmp_path / "weights.bin").write_bytes(WEIGHTS.tobytes())
    path = write_onnx(tmp_path / "model" / "model.onnx", WEIGHTS, BIAS, location=location)
    folder = write_description(path.parent, description("model.onnx"))
    with pytest.raises(NotTrustedError, match="outside"):
        read_model(folder)
    with pytest.raises(NotTrustedError, match="outside"):
        open_onnx(path)


def test_weights_beside_the_file_count_for_its_identity(tmp_path):
    pytest.importorskip("onnx")
    path = write_onnx(tmp_path / "model" / "model.onnx", WEIGHTS, BIAS, location="weights.bin")
    (path.parent / "weights.bin").write_bytes(WEIGHTS.tobytes())
    assert external_files(path) == ("weights.bin",)
    folder = write_description(path.parent, description("model.onnx"))
    before = read_model(folder).spec.sha256
    (path.parent / "weights.bin").write_bytes((2 * WEIGHTS).tobytes())
    assert read_model(folder).spec.sha256 != before
    assert torch.equal(open_onnx(path)(torch.ones(1, 1, 2, 2, 2)), torch.full((1, 3, 2, 2, 2), 2.0))


@pytest.mark.parametrize("content", [b"", b"\x08", b"\xff" * 30, b"\x3a\xff\xff\xff\xff\x0f", bytes(64)])
def test_a_damaged_onnx_file_is_an_error_of_the_model(tmp_path, content):
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(ModelError):
        open_onnx(tmp_path / "model.onnx")


def test_without_onnxruntime_the_error_says_how_to_install_it(tmp_path, monkeypatch):
    pytest.importorskip("onnx")
    path = write_onnx(tmp_path / "model.onnx", WEIGHTS, BIAS)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ResourceError, match="pip install"):
        open_onnx(path)


def test_code_under_another_name_is_not_overlooked(tmp_path: Path) -> None:
    """By a field of the archive that some readers take for the name, and torch does not."""
    path = with_line(tmp_path, 'torch.save([1], "PLACE")')
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    hidden = code_of(entries)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries.items():
            entry = zipfile.ZipInfo(name)
            if name == hidden:
                shown = name.replace(".py", ".txt").encode()
                field = struct.pack("<BL", 1, zlib.crc32(name.encode())) + shown
                entry.extra = struct.pack("<HH", 0x7075, len(field)) + field
            archive.writestr(entry, content)
    with pytest.raises(NotTrustedError, match="not as torch writes it"):
        require_harmless(path)


def test_of_two_archives_in_one_file_that_is_read_which_torch_reads(tmp_path: Path) -> None:
    """The last one is harmless, and Python sees no other; its table of contents lies where torch finds the first's."""
    path, canary = tmp_path / "model.ts", tmp_path / "canary"
    torch.jit.trace(torch.nn.ReLU(), torch.zeros(1)).save(str(path))
    returned = b"return torch.relu(input)"
    attack = f'_0 = torch.save(input, "{canary}")\n    '.encode() + returned
    archives = []
    for code in (attack, returned + b"\n" * (len(attack) - len(returned))):
        stream = io.BytesIO()
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(stream, "w") as target:
            assert any(returned in source.read(entry) for entry in source.infolist())
            for entry in source.infolist():
                target.writestr(entry.filename, source.read(entry).replace(returned, code))
        archives.append(stream.getvalue())
    path.write_bytes(b"".join(archives))
    with pytest.raises(NotTrustedError, match="not as torch writes it"):
        open_torchscript(path)
    assert not canary.exists()
