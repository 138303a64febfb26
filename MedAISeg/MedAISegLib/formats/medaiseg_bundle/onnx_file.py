"""What an ONNX file asks for, read from its protobuf fields without the numbers (onnx/onnx.proto, IR version 3 on)."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...core.errors import ModelError, NotTrustedError

_KNOWN_DOMAINS = frozenset({"", "ai.onnx", "com.microsoft"})
"""Of operators that onnxruntime has itself; those of any other domain are programs of someone else's."""
_DEEPEST = 40
_MOST_FIELDS = 20_000_000
_KEYS, _LENGTHS = 2**32, 2**31
"""Keys and lengths of fields are below them; protobuf cuts off what a larger key has beyond, and reads another one."""

# Field numbers of the messages of onnx.proto.
_MODEL_GRAPH, _MODEL_FUNCTIONS = 7, 25
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_SPARSE = 1, 5, 15
_FUNCTION_NODE, _FUNCTION_DOMAIN, _FUNCTION_ATTRIBUTE = 7, 10, 11
_NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH, _ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_SPARSE = 5, 6, 10, 11, (22, 23)
_SPARSE_VALUES, _SPARSE_INDICES = 1, 2
_TENSOR_EXTERNAL = 13
_ENTRY_KEY, _ENTRY_VALUE = 1, 2
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

Span = tuple[int, int]


@dataclass(frozen=True)
class OnnxFacts:
    """What a file asks for.

    Attributes:
        operators: of other domains than onnxruntime's own, as ``domain::operator``.
        external: names of files with weights, as they are written.
    """

    operators: tuple[str, ...]
    external: tuple[str, ...]


def onnx_facts(path: Path) -> OnnxFacts:
    """Read a file.

    Raises:
        ModelError: if it is damaged or no ONNX file.
    """
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            reader = _Reader(content)
            reader.model((0, len(content)))
            own = {operator.partition("::")[0] for operator in reader.operators} & reader.function_domains
            strange = sorted(name for name in reader.operators if name.partition("::")[0] not in own)
            return OnnxFacts(tuple(strange), tuple(sorted(reader.external)))
    except (OSError, ValueError, IndexError) as error:
        raise ModelError(f"it is no ONNX file: {error}.", where=str(path)) from error


def external_files(path: Path) -> tuple[str, ...]:
    """The files with weights beside an ONNX file, as paths from its folder.

    Raises:
        NotTrustedError: if one lies outside of its folder.
        ModelError: if it is damaged or one is missing.
    """
    found = []
    for name in onnx_facts(path).external:
        pure = PurePosixPath(name)
        plain = "\\" not in name and ":" not in name and not pure.is_absolute() and ".." not in pure.parts
        inside = plain and (path.parent / pure).resolve().is_relative_to(path.parent.resolve())
        if not inside:
            raise NotTrustedError(f"it takes weights from {name[:100]!r}, outside of its folder.", where=str(path))
        if not (path.parent / pure).is_file():
            raise ModelError(f"its weights {name[:100]} are missing.", where=str(path))
        found.append(name)
    return tuple(found)


def require_known_operators(path: Path) -> None:
    """Raises NotTrustedError if the file asks for operators that onnxruntime does not have itself."""
    strange = onnx_facts(path).operators
    if strange:
        raise NotTrustedError(
            f"it asks for operators that are programs of its own: {', '.join(strange[:3])[:200]}.",
            where=str(path),
            remedy="Only the operators of ONNX and onnxruntime are run.",
        )


class _Reader:
    """Walks the messages and notes what matters."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self._fields = 0
        self.operators: set[str] = set()
        self.function_domains: set[str] = set()
        self.external: set[str] = set()

    def model(self, span: Span) -> None:
        graphs = 0
        for number, _, inner in self._messages(span):
            if number == _MODEL_GRAPH:
                self._graph(inner, 0)
                graphs += 1
            elif number == _MODEL_FUNCTIONS:
                self._function(inner)
        if graphs != 1:
            raise ValueError("it holds no graph")

    def _function(self, span: Span) -> None:
        for number, _, inner in self._messages(span):
            if number == _FUNCTION_NODE:
                self._node(inner, 1)
            elif number == _FUNCTION_DOMAIN:
                self.function_domains.add(self._text(inner))
            elif number == _FUNCTION_ATTRIBUTE:
                self._attribute(inner, 1)

    def _graph(self, span: Span, depth: int) -> None:
        if depth > _DEEPEST:
            raise ValueError("its graphs are nested too deeply")
        for number, _, inner in self._messages(span):
            if number == _GRAPH_NODE:
                self._node(inner, depth)
            elif number == _GRAPH_INITIALIZER:
                self._tensor(inner)
            elif number == _GRAPH_SPARSE:
                self._sparse(inner)

    def _node(self, span: Span, depth: int) -> None:
        operator = domain = ""
        for number, kind, inner in self._messages(span):
            if number == _NODE_OPERATOR and kind == _BYTES:
                operator = self._text(inner)
            elif number == _NODE_DOMAIN and kind == _BYTES:
                domain = self._text(inner)
            elif number == _NODE_ATTRIBUTE:
                self._attribute(inner, depth)
        if domain not in _KNOWN_DOMAINS:
            self.operators.add(f"{domain}::{operator}")

    def _attribute(self, span: Span, depth: int) -> None:
        for number, kind, inner in self._messages(span):
            if kind != _BYTES:
                continue
            if number in (_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS):
                self._tensor(inner)
            elif number in (_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS):
                self._graph(inner, depth + 1)
            elif number in _ATTRIBUTE_SPARSE:
                self._sparse(inner)

    def _sparse(self, span: Span) -> None:
        for number, _, inner in self._messages(span):
            if number in (_SPARSE_VALUES, _SPARSE_INDICES):
                self._tensor(inner)

    def _tensor(self, span: Span) -> None:
        for number, kind, inner in self._messages(span):
            if number == _TENSOR_EXTERNAL and kind == _BYTES:
                entry = {n: self._text(text) for n, k, text in self._messages(inner) if k == _BYTES}
                if entry.get(_ENTRY_KEY) == "location":
                    self.external.add(entry.get(_ENTRY_VALUE, ""))

    def _text(self, span: Span) -> str:
        return self._content[span[0] : span[1]].decode("utf-8")

    def _messages(self, span: Span) -> Iterator[tuple[int, int, Span]]:
        """Field number, wire type and place of the content of each field; contents are not read."""
        place, end = span
        while place < end:
            self._fields += 1
            if self._fields > _MOST_FIELDS:
                raise ValueError("it has too many fields")
            key, place = self._varint(place, end)
            if key >= _KEYS:
                raise ValueError("a field has an impossible key")
            number, kind = key >> 3, key & 7
            if kind == _VARINT:
                start, (_, place) = place, self._varint(place, end)
            elif kind in (_FIXED64, _FIXED32):
                start, place = place, place + (8 if kind == _FIXED64 else 4)
            elif kind == _BYTES:
                length, start = self._varint(place, end)
                if length >= _LENGTHS:
                    raise ValueError("a field has an impossible length")
                place = start + length
            else:
                raise ValueError(f"a field of the unknown kind {kind}")
            if place > end or number == 0:
                raise ValueError("a field is longer than what holds it")
            yield number, kind, (start, place)

    def _varint(self, place: int, end: int) -> tuple[int, int]:
        value = shift = 0
        while place < end and shift < 64:
            byte = self._content[place]
            value |= (byte & 0x7F) << shift
            place += 1
            if byte < 0x80:
                return value, place
            shift += 7
        raise ValueError("a number is cut off")
