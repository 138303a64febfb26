"""TorchScript files: read as text before they are opened, since opening one may already run what it holds.

TorchScript is a language of its own without Python's modules, but it has operators that write and read files, print,
or speak to other computers, and objects of such a file may run code when they are made. So everything that its source
names is held against a list of what networks compute with. Files that torch does not read (``extra/``, ``.debug_pkl``)
are never opened.
"""

from __future__ import annotations

import ast
import pickle
import pickletools
import struct
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from ...core.errors import ModelError, NotTrustedError
from ...models.zip_listing import opened_zip
from ..bounded_pickles import LARGEST, ExcessError, require_shallow
from ..checkpoint import learned_by, require_finite
from .torchscript_operators import BUILTINS, OPERATORS, PRIMITIVES
from .torchscript_types import unknown_types

_MOST_SOURCE = 32 * 2**20
_DEEPEST_CODE, _DEEPEST_TYPE = 1000, 50
_UNICODE_PATH = 0x7075
_GROWTH, _GROWTH_FREE = 2, 64 * 2**20
_REMEDY = "If you trust its author, ask for it as ONNX, or as safetensors with the name of its network."
_PLAIN_GLOBALS = ("torch._utils ", "torch.jit._pickle ", "collections OrderedDict", "torch device")


class TorchScriptNetwork(torch.nn.Module):
    """A network of TorchScript that fails as others do: what its own code raises is of no class that errors have.

    Attention is computed by plain products, which refuse shapes that do not fit; torch's faster kernel reads beyond the
    keys where there are more values than keys.
    """

    def __init__(self, script: torch.nn.Module) -> None:
        super().__init__()
        self._script = script

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """What the script gives.

        Raises:
            RuntimeError: in the last line of its words, if its code raises or asserts; those before show the place.
        """
        try:
            with sdpa_kernel(SDPBackend.MATH):
                scores: torch.Tensor = self._script(values)
        except torch.jit.Error as error:
            raise RuntimeError(str(error).strip().splitlines()[-1]) from error
        return scores


def open_torchscript(path: Path) -> TorchScriptNetwork:
    """The network of a file, on the CPU.

    Raises:
        NotTrustedError: if it names an operator that is no part of a network.
        ModelError: if it is damaged or of another kind.
    """
    require_harmless(path)
    try:
        script: torch.jit.ScriptModule = torch.jit.load(str(path), map_location="cpu")
    except (torch.jit.Error, RuntimeError, ValueError, OSError) as error:
        # What follows the first line shows the place in the code.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise ModelError(f"torch cannot open it: {reason}", where=str(path)) from error
    for what in unknown_types(script):
        raise NotTrustedError(f"its code asks for {what}, which no network needs.", where=str(path), remedy=_REMEDY)
    require_finite(learned_by(script), path)
    return TorchScriptNetwork(script).eval()


def require_harmless(path: Path) -> None:
    """Raises NotTrustedError if the file does more than compute, ModelError if it is no TorchScript."""
    where = str(path)
    try:
        with opened_zip(path) as archive:
            _require_plain_archive(archive, path)
            _require_read_alike(archive, path)
            # torch does not mind the case of names.
            sources = {name: archive.read(name) for name in archive.namelist() if _ends_with(name, ".py")}
            pickles = [entry for entry in archive.infolist() if _ends_with(entry.filename, ".pkl")]
            if sum(entry.file_size for entry in pickles) > LARGEST:
                raise ModelError("it says more beside its weights than a network does.", where=where)
            for entry in pickles:
                _require_plain_objects(archive.read(entry), f"{where}/{entry.filename}")
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError) as error:
        raise ModelError(f"it is no TorchScript: {error}.", where=where) from error
    trees = [_parsed(source, f"{where}/{name}") for name, source in sources.items()]
    own = {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for tree in trees:
        for what in _strange(tree, own):
            raise NotTrustedError(f"its code asks for {what}, which no network needs.", where=where, remedy=_REMEDY)


def _require_plain_archive(archive: zipfile.ZipFile, path: Path) -> None:
    entries = archive.infolist()
    names = [entry.filename.casefold() for entry in entries]
    with path.open("rb") as stream:
        begins_well = stream.read(4) == b"PK\x03\x04"
    # What Python reads in the archive has to be what torch reads.
    renamed = any(_has_other_name(entry) for entry in entries)
    twice = len(set(names)) != len(names)
    if renamed or twice or archive.comment or not begins_well:
        raise NotTrustedError("its archive is not as torch writes it.", where=str(path))
    code = [entry for entry in entries if _ends_with(entry.filename, ".py")]
    if not code:
        raise ModelError(
            "it holds weights or a checkpoint, and no network.",
            where=str(path),
            remedy="Save it with torch.jit.trace(...) or torch.jit.script(...) and .save(...).",
        )
    if sum(entry.file_size for entry in code) > _MOST_SOURCE:
        raise ModelError("its code is too long.", where=str(path))
    if sum(entry.file_size for entry in entries) > _GROWTH * path.stat().st_size + _GROWTH_FREE:
        raise NotTrustedError("it is packed so that it grows when it is opened.", where=str(path))


def _require_read_alike(archive: zipfile.ZipFile, path: Path) -> None:
    """Of two archives in one file Python finds the last, by what stands at the end; torch may find the first."""
    reader = torch._C.PyTorchFileReader(str(path))
    records = set(reader.get_all_records())
    entries = {name.partition("/")[2]: name for name in archive.namelist()}
    alike = set(entries) == records and all(
        reader.get_record_size(record) == archive.getinfo(name).file_size
        and (not _ends_with(name, (".py", ".pkl")) or reader.get_record(record) == archive.read(name))
        for record, name in entries.items()
    )
    if not alike:
        raise NotTrustedError("its archive is not as torch writes it.", where=str(path))


def _has_other_name(entry: zipfile.ZipInfo) -> bool:
    """Whether Python may call it otherwise than torch: by the field 0x7075, which Python heeds from 3.12 on."""
    extra = entry.extra
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        if kind == _UNICODE_PATH:
            return True
        extra = extra[4 + length :]
    return entry.filename != entry.orig_filename


def _ends_with(name: str, suffix: str | tuple[str, ...]) -> bool:
    return name.casefold().endswith(suffix)


def _require_plain_objects(content: bytes, where: str) -> None:
    if b"torch.classes" in content:
        raise NotTrustedError("its objects are of classes that are not TorchScript's own.", where=where, remedy=_REMEDY)
    try:
        for operation, argument, _ in pickletools.genops(content):
            if operation.name == "STACK_GLOBAL":
                raise NotTrustedError("its objects are not as torch writes them.", where=where)
            if operation.name == "GLOBAL" and not _is_plain_global(str(argument)):
                raise NotTrustedError(f"its objects ask for {argument}.", where=where, remedy=_REMEDY)
            if isinstance(argument, str) and _brackets(argument) > _DEEPEST_TYPE:
                raise ModelError("one of its objects is of a type that is nested too deep.", where=where)
        require_shallow(content)
    except (ValueError, pickle.UnpicklingError) as error:
        raise ModelError(f"its objects are damaged: {error}.", where=where) from error
    except ExcessError as error:
        raise ModelError(f"its objects are refused: {error}.", where=where, remedy=_REMEDY) from error


def _brackets(text: str) -> int:
    """How deep they are nested in a text, which may be the name of a type."""
    deepest = depth = 0
    for character in text:
        depth += (character == "[") - (character == "]")
        deepest = max(deepest, depth)
    return deepest


def _is_plain_global(name: str) -> bool:
    if name.startswith("__torch__"):
        return not name.startswith("__torch__.torch.classes")
    return name.startswith(_PLAIN_GLOBALS) or (name.startswith("torch ") and name.endswith("Storage"))


def _parsed(source: bytes, where: str) -> ast.Module:
    try:
        tree = ast.parse(source.decode("utf-8"))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ModelError(f"its code cannot be read: {error}.", where=where) from error
    level: list[ast.AST] = [tree]
    for _ in range(_DEEPEST_CODE):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return tree
    raise ModelError("its code is nested too deep.", where=where)


def _strange(tree: ast.Module, own: set[str]) -> Iterator[str]:
    """What the code names and no network needs."""
    local = {name.id for name in ast.walk(tree) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield from _strange_attribute(node, own, is_called=id(node) in called)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            name = node.func.id
            if name == "getattr":
                yield from _strange_getattr(node)
            elif name not in BUILTINS and name not in local:
                yield name
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and _names_a_space(node.value):
            yield "operators under another name"
        elif isinstance(node, ast.FunctionDef) and node.name == "__setstate__":
            yield "code that runs while it is opened"
        elif isinstance(node, ast.Name) and node.id == "print":
            # Standard output may be what another program reads.
            yield node.id
        elif isinstance(node, (ast.Import, ast.ImportFrom, ast.With, ast.Lambda, ast.Delete, ast.Global)):
            yield from _strange_statement(node)


def _names_a_space(value: ast.expr | None) -> bool:
    """``torch``, ``ops`` or ``ops.NAME`` as a value, which would hide the operator that is called."""
    if isinstance(value, ast.Name):
        return value.id in ("torch", "ops")
    return isinstance(value, ast.Attribute) and len(_chain(value)) == 2 and _chain(value)[0] == "ops"


def _strange_attribute(node: ast.Attribute, own: set[str], *, is_called: bool) -> Iterator[str]:
    chain = _chain(node)
    if chain[0] == "torch":
        if len(chain) == 2 and chain[1] not in OPERATORS:
            yield f"torch.{chain[1]}"
    elif chain[0] == "ops":
        if len(chain) == 3 and not (chain[1] == "prim" and chain[2] in PRIMITIVES):
            yield ".".join(chain)
    elif chain[:3] == ("__torch__", "torch", "classes"):
        yield "a class that is not TorchScript's own"
    elif chain[0] != "__torch__":
        known = node.attr in OPERATORS or (node.attr in own and node.attr not in _operator_names())
        if node.attr in _FORBIDDEN or (is_called and not known):
            yield f".{node.attr}"


_FORBIDDEN = frozenset({"save", "from_file", "load", "_print", "set_", "data_ptr"})


def _strange_getattr(node: ast.Call) -> Iterator[str]:
    """Serialised code reads attributes so whose names are numbers."""
    name = node.args[1].value if len(node.args) == 2 and isinstance(node.args[1], ast.Constant) else None
    if not isinstance(name, str) or name in _operator_names():
        yield f"getattr {name!r}"


def _strange_statement(node: ast.stmt | ast.Lambda) -> Iterator[str]:
    if not (isinstance(node, ast.Import) and all(alias.name.startswith("__torch__") for alias in node.names)):
        yield f"a statement of the kind {type(node).__name__.lower()}"


def _chain(node: ast.Attribute) -> tuple[str, ...]:
    """``a.b.c`` as names; what does not begin with a name begins with an empty one."""
    names: list[str] = []
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        names.append(inner.attr)
        inner = inner.value
    names.append(inner.id if isinstance(inner, ast.Name) else "")
    return tuple(reversed(names))


@cache
def _operator_names() -> frozenset[str]:
    """Of every operator that torch has: a method of such a name might be the operator."""
    return frozenset(schema.name.rpartition("::")[2] for schema in torch._C._jit_get_all_schemas())
