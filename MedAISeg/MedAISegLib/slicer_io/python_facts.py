"""What a Python has installed, and whether a folder of packages works in it. Run as a script by the worker's Python.

It stands alone, with the standard library only: the Python that runs it need not know this program.
"""

from __future__ import annotations

import importlib
import json
import platform
import re
import site
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from importlib.machinery import PathFinder
from importlib.metadata import distributions


def facts(modules: Mapping[str, str]) -> dict[str, object]:
    """Of the running Python, without what its user installed for himself alone; nothing is imported.

    Args:
        modules: the name of a distribution to a module that it installs.

    Returns:
        ``tag`` (version and platform), ``version``, ``pip`` (its version or empty), and ``found``: the version of each
        distribution that is there, empty where a module is there without saying its version.
    """
    path = [folder for folder in sys.path if folder != site.getusersitepackages()]
    found = {name: version for name, module in modules.items() if (version := _version(name, module, path)) is not None}
    # One build of Python may run on both kinds of Mac, its packages do not.
    system = sysconfig.get_platform().replace("universal2", platform.machine())
    return {
        "tag": f"cp{sys.version_info[0]}{sys.version_info[1]}-{re.sub(r'[^A-Za-z0-9]+', '_', system)}",
        "version": ".".join(map(str, sys.version_info[:3])),
        "pip": _version("pip", "pip", path) or "",
        "found": found,
    }


def _version(distribution: str, module: str, path: Sequence[str]) -> str | None:
    for item in distributions(name=distribution, path=list(path)):
        return item.version
    # Slicer builds some of its packages itself, without the record that pip would leave.
    return "" if PathFinder.find_spec(module, path) is not None else None


def failures(folder: str, modules: Sequence[str]) -> dict[str, str]:
    """Import modules with a folder of packages first on the path; why by module, empty if all work."""
    sys.path.insert(0, folder)
    found = {}
    for name in modules:
        try:
            importlib.import_module(name)
        except (ImportError, OSError, AttributeError, TypeError, ValueError, RuntimeError) as error:
            found[name] = f"{type(error).__name__}: {error}"
    return found


if __name__ == "__main__":
    # This script's own folder holds modules of other names.
    sys.path[0:1] = []
    _request = json.loads(sys.argv[1])
    _answer = facts(_request["facts"]) if "facts" in _request else failures(**_request["import"])
    sys.stdout.write("\n" + json.dumps(_answer) + "\n")
