"""What has a process of its own, done in the process of a test: another takes seconds to import torch."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from io import StringIO
from typing import Any
from unittest.mock import patch

from MedAISegLib.core.progress import Poll
from MedAISegLib.engine.own_process import Ending


def run_here(module: str, arguments: Sequence[str], poll: Poll, **_limits: Any) -> Ending:
    """In place of :func:`~MedAISegLib.engine.own_process.run_apart`, for what does no harm and comes to an end."""
    poll()
    answered, told, code = StringIO(), StringIO(), 0
    with (
        warnings.catch_warnings(),
        patch.object(os, "_exit", sys.exit),
        patch.object(sys, "addaudithook"),
        redirect_stdout(answered),
        redirect_stderr(told),
    ):
        try:
            import_module(module).main(*arguments)
        except SystemExit as end:
            code = int(end.code or 0)
    return Ending(code, None, _last_line(answered), _last_line(told))


def _last_line(stream: StringIO) -> str:
    return stream.getvalue().strip().rpartition("\n")[2]
