"""Why pip failed, in a user's words, by what it said."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..core.errors import MedAISegError, ResourceError
from ..core.language import tr as _


def _causes() -> tuple[tuple[str, str, str], ...]:
    """A pattern of what pip says, what it means, and the remedy; the first that fits counts."""
    return (
        (
            r"do not match the hashes|hash mismatch|HASH(ES)? .*MISMATCH",
            _("a package is not the one that was chosen for this version: its checksum differs."),
            _("Try again; if it happens again, something on the way alters downloads. Nothing was installed."),
        ),
        (
            r"No space left on device|\[Errno 28\]|WinError 112|not enough space on the disk|Disk quota exceeded",
            _("the disk is full."),
            _("Free some space (500 MB will do) and try again."),
        ),
        (
            r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|SSLError",
            _("the package index cannot be reached securely: its certificate is not trusted."),
            _(
                "If your network inspects connections, its certificate has to be in the system's store; or install "
                "offline."
            ),
        ),
        (
            r"ProxyError|Cannot connect to proxy|Tunnel connection failed|407 Proxy",
            _("the proxy of your network refuses the connection to the package index."),
            _("Set HTTPS_PROXY as your network asks for, restart Slicer, and try again; or install offline."),
        ),
        (
            r"NewConnectionError|NameResolutionError|(Connect|Read)Timeout|Read timed out|getaddrinfo|IncompleteRead",
            _("the package index cannot be reached."),
            _("Check the network and try again; or install offline."),
        ),
        (
            r"Permission denied|\[Errno 13\]|WinError 5\b|Access is denied",
            _("files cannot be written."),
            _("Check permissions, or set MEDAISEG_HOME to another folder."),
        ),
        (
            r"No module named pip",
            _("the worker's Python has no pip."),
            _("Install pip there, or leave the setting for the worker's Python empty."),
        ),
    )


def pip_error(lines: Sequence[str], exit_code: int, *, from_folder: bool) -> MedAISegError:
    """The error for a pip that ended with a code other than zero.

    Args:
        lines: what it said.
        from_folder: it was to use a folder of files and no network.
    """
    said = "\n".join(lines)
    lacking = re.search(r"No matching distribution found for ([\w.-]+==[\w.]+)", said)
    for pattern, what, remedy in _causes():
        if re.search(pattern, said, re.IGNORECASE):
            return ResourceError(what, remedy=remedy)
    if lacking and from_folder:
        return ResourceError(
            _("the folder has no file of {package} for this Python.").format(package=lacking[1]),
            remedy=_("Fill the folder again by the commands that the documentation of offline use gives."),
        )
    if lacking:
        return ResourceError(
            _("the package index has no {package} for this Python and system.").format(package=lacking[1]),
            remedy=_("Use a Python of version 3.11 to 3.13 on Windows, Linux or macOS for the worker."),
        )
    errors = [line for line in lines if line.startswith("ERROR:")] or [*lines[-1:]]
    last = errors[-1].removeprefix("ERROR:").strip()[:300] if errors else _("it said nothing")
    return ResourceError(
        _("pip failed (exit code {code}): {said}").format(code=exit_code, said=last),
        remedy=_("The log has all that it said."),
    )
