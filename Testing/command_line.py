"""What the tests of the command line look at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import Result


def document(result: Result) -> dict[str, Any]:
    """The one JSON document on stdout."""
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def below(folder: Path) -> list[str]:
    """Everything in a folder, hidden files too; empty where it is not there."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
