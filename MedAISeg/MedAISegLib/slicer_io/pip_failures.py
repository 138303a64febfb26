"""Why pip failed, in a user's words, by what it said."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..core.errors import MedAISegError, ResourceError

_FOLDER_REMEDY = "Fill the folder again by the commands that the documentation of offline use gives."

_CAUSES: tuple[tuple[str, str, str], ...] = (
    (
        r"do not match the hashes|hash mismatch|HASH(ES)? .*MISMATCH",
        "a package is not the one that was chosen for this version: its checksum differs.",
        "Try again; if it happens again, something on the way alters downloads. Nothing was installed.",
    ),
    (
        r"No space left on device|\[Errno 28\]|WinError 112|not enough space on the disk|Disk quota exceeded",
        "the disk is full.",
        "Free some space (500 MB will do) and try again.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|SSLError",
        "the package index cannot be reached securely: its certificate is not trusted.",
        "If your network inspects connections, its certificate has to be in the system's store; or install offline.",
    ),
    (
        r"ProxyError|Cannot connect to proxy|Tunnel connection failed|407 Proxy",
        "the proxy of your network refuses the connection to the package index.",
        "Set HTTPS_PROXY as your network asks for, restart Slicer, and try again; or install offline.",
    ),
    (
        r"NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|Read timed out|getaddrinfo|IncompleteRead",
        "the package index cannot be reached.",
        "Check the network and try again; or install offline.",
    ),
    (
        r"Permission denied|\[Errno 13\]|WinError 5\b|Access is denied",
        "files cannot be written.",
        "Check permissions, or set MEDAISEG_HOME to another folder.",
    ),
    (
        r"No module named pip",
        "the worker's Python has no pip.",
        "Install pip there, or leave the setting for the worker's Python empty.",
    ),
)
"""A pattern of what pip says, what it means, and the remedy; the first that fits counts."""


def pip_error(lines: Sequence[str], exit_code: int, *, from_folder: bool) -> MedAISegError:
    """The error for a pip that ended with a code other than zero.

    Args:
        lines: what it said.
        from_folder: it was to use a folder of files and no network.
    """
    said = "\n".join(lines)
    lacking = re.search(r"No matching distribution found for ([\w.-]+==[\w.]+)", said)
    for pattern, what, remedy in _CAUSES:
        if re.search(pattern, said, re.IGNORECASE):
            return ResourceError(what, remedy=remedy)
    if lacking and from_folder:
        return ResourceError(f"the folder has no file of {lacking[1]} for this Python.", remedy=_FOLDER_REMEDY)
    if lacking:
        return ResourceError(
            f"the package index has no {lacking[1]} for this Python and system.",
            remedy="Use a Python of version 3.11 to 3.13 on Windows, Linux or macOS for the worker.",
        )
    errors = [line for line in lines if line.startswith("ERROR:")] or [*lines[-1:]]
    last = errors[-1].removeprefix("ERROR:").strip()[:300] if errors else "it said nothing"
    return ResourceError(f"pip failed (exit code {exit_code}): {last}", remedy="The log has all that it said.")
