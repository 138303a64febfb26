"""PythonQt's semantics over PySide6."""

from . import class_methods as class_methods
from . import object_methods as object_methods
from .classes import PythonQtInstanceWrapper, class_for
from .conversion import unwrap, wrap
from .errors import LEDGER, NotModelled
from .qt_module import QtModule

__all__ = ["LEDGER", "NotModelled", "PythonQtInstanceWrapper", "QtModule", "class_for", "unwrap", "wrap"]
