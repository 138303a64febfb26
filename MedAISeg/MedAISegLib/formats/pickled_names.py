"""What the functions and classes do that a checkpoint names, as far as the work of opening it is concerned.

Some take memory for the asking, a ``bytearray`` or a storage of so many bytes; some copy a tensor, of which the file
need not hold all numbers. No checkpoint calls them.
"""

from __future__ import annotations


class Leaf(int):
    """A value that holds no others, and is told apart by what it is."""


ENCODE = Leaf()
"""The function that makes bytes of a text."""
MAKES_A_TENSOR = Leaf()
ONLY_NAMED = Leaf()
"""It may be named, and is never called."""
MAKES_LITTLE = Leaf()
"""As much as its arguments say; of a tensor, as many as that has."""

_KNOWN: dict[bytes, Leaf] = {
    b"_codecs\nencode": ENCODE,
    b"numpy\nndarray": ONLY_NAMED,
    **{
        b"torch._utils\n_rebuild_" + name: MAKES_A_TENSOR
        for name in (
            *(b"tensor", b"tensor_v2", b"tensor_v3", b"parameter", b"parameter_with_state", b"qtensor"),
            *(b"sparse_tensor", b"meta_tensor_no_storage", b"nested_tensor"),
        )
    },
    **dict.fromkeys((b"torch\nSize", b"torch\ndevice", b"torch.serialization\n_get_layout"), MAKES_LITTLE),
    **dict.fromkeys((b"builtins\nbytearray", b"__builtin__\nbytearray"), ONLY_NAMED),
}
"""By module and name."""


def value_of(name: bytes) -> int | None:
    """What stands for a function or class.

    Args:
        name: of its module and its own, with a line break between.

    Returns:
        A leaf; a plain 0 for what is harmless whatever it is given; None for what may make a value that grows.
    """
    if name in _KNOWN:
        return _KNOWN[name]
    if name.startswith(b"torch") and not name.startswith(b"torch.jit."):
        return ONLY_NAMED
    return 0 if name.startswith((b"torch.jit.", b"numpy")) else None
