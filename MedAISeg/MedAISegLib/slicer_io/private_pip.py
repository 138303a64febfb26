"""Runs pip in the worker's Python so that a hospital's own certificates count. Run as a script; it stands alone.

Slicer's launcher names Slicer's own list of certificates in SSL_CERT_FILE, which hides those of the system. pip trusts
the system's from 24.2 on by itself, and before when it is told to, if it has what that takes.
"""

from __future__ import annotations

import importlib.util
import os
import runpy
import sys
from collections.abc import MutableMapping
from importlib.metadata import version
from pathlib import Path

_TRUSTS_THE_SYSTEM = (24, 2)


def forget_slicers_certificates(environment: MutableMapping[str, str]) -> None:
    """Take away the list of certificates that Slicer's launcher named; one that the user named stays."""
    home = environment.get("SLICER_HOME")
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        named = environment.get(name)
        if home and named and Path(named).resolve().is_relative_to(Path(home).resolve()):
            del environment[name]


def trust_options(pip_version: str) -> tuple[str, ...]:
    """What tells this pip to trust the certificates of the system."""
    numbers = tuple(int(part) for part in pip_version.split(".")[:2] if part.isdigit())
    known = any(map(_is_there, ("pip._vendor.truststore", "truststore")))
    return ("--use-feature=truststore",) if known and numbers < _TRUSTS_THE_SYSTEM else ()


def _is_there(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


if __name__ == "__main__":
    # This script's own folder holds modules of other names.
    sys.path[0:1] = []
    forget_slicers_certificates(os.environ)
    sys.argv = ["pip", *sys.argv[1:], *trust_options(version("pip"))]
    runpy.run_module("pip", run_name="__main__", alter_sys=True)
