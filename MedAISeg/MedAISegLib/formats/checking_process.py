"""The process that opens and tries networks which are programs, for :mod:`.checking`.

On stdout it writes lines of JSON: which file is opened, and last what the function returned or raised.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

from ..core.errors import MedAISegError
from ..core.records import to_json
from . import read_model


def main(function: str, arguments: str, programs: str) -> None:
    """Call a function, ``module:name``, and answer.

    Args:
        arguments: as JSON.
        programs: the files that it opens, as JSON.
    """
    # Who made a file decides what torch warns of.
    warnings.simplefilter("ignore")
    _tell_which_is_opened(frozenset(json.loads(programs)))
    module, name = function.split(":")
    try:
        _say(reply=to_json(getattr(import_module(module), name)(*json.loads(arguments))))
    except ImportError as error:
        _say(error={"kind": ImportError.__name__, "what": str(error), "where": error.name or ""})
    except (MedAISegError, RuntimeError, MemoryError) as error:
        _say_error(error)
    # Nothing of the stranger's is to run once more.
    os._exit(0)


def build(path: str) -> None:
    """Read a model and build its networks."""
    read_model(Path(path)).build_networks()


def _say_error(error: MedAISegError | RuntimeError | MemoryError) -> None:
    from ..engine.memory import is_out_of_memory

    if is_out_of_memory(error.__cause__ or error):
        _say(short_of_memory=True)
    elif isinstance(error, MedAISegError):
        record = {"what": error.what, "where": error.where, "remedy": error.remedy}
        _say(error={"kind": type(error).__name__, **record})
    else:
        raise error


def _tell_which_is_opened(programs: frozenset[str]) -> None:
    """So that it is known which of several ended the process."""

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and arguments[0] in programs:
            _say(opened=arguments[0])

    sys.addaudithook(heard)


def _say(**content: Any) -> None:
    sys.stdout.write(f"{json.dumps(content)}\n")
    sys.stdout.flush()
