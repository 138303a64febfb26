"""Whether a file of weights is the file, and not what stands in its place after a download that went wrong."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import ModelError

_POINTER = b"version https://git-lfs.github.com"
_PAGES = (b"<!doctype html", b"<html")
_ITSELF = "Download the file itself, and put it in this one's place"


def require_itself(path: Path) -> None:
    """Raises ModelError if the file is missing, a folder, pipe or device, a pointer of Git LFS or a web page."""
    where = str(path)
    # Reading a pipe or a device might never end.
    if not path.is_file():
        raise ModelError("it is no plain file." if path.exists() else "it is missing.", where=where)
    with path.open("rb") as stream:
        start = stream.read(200).lstrip().lower()
    if start.startswith(_POINTER):
        what = "it only says where Git LFS keeps the weights."
        raise ModelError(what, where=where, remedy=f"{_ITSELF}: git lfs pull, or the site's download button.")
    if start.startswith(_PAGES):
        what = "it is a web page, and no weights."
        raise ModelError(what, where=where, remedy=f"{_ITSELF}; a page is what a site sends that asks to sign in.")
