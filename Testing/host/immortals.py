"""None, True and False made immortal on Python 3.11, as Python 3.12 has them and as PySide6's wheels take for granted.

PySide6 6.12 gives up a reference to them with each call that returns nothing and with each bool it hands on.
On 3.11 that counts down to zero within some thousand calls, and the process aborts ("deallocating None").
"""

from __future__ import annotations

import ctypes
import sys

_PLENTY = 1 << 50


def make_immortal() -> None:
    if sys.version_info >= (3, 12):
        return
    for value in (None, True, False):
        ctypes.c_ssize_t.from_address(id(value)).value += _PLENTY


make_immortal()
