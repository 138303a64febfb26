"""From what a publisher hands out to a folder that a format's reader takes as one model.

The files of an entry of the catalogue lie in the folder already, archives unpacked, each where the entry says. This is
the place to add what else a kind of model needs to become whole.
"""

from __future__ import annotations

import json
from pathlib import Path

from ..core.records import to_json
from ..models.published import PublishedModel

OWN_DESCRIPTION = "medaiseg.json"
_DESCRIBED_FORMATS = ("nnunet", "auto3dseg")
"""Formats whose own files do not say licence and citation, and that read ours."""
_TEXTS = ("name", "version", "description", "anatomy", "license", "commercial_use", "citation")


def assemble(published: PublishedModel, root: Path) -> Path:
    """Make one model of an entry's files.

    Args:
        root: the folder with the files.

    Returns:
        The model's own folder, which is ``root`` or lies in it.
    """
    only = list(root.iterdir())
    if len(published.files) == 1 and len(only) == 1 and only[0].is_dir() and not published.files[0].folder:
        root = only[0]
    _describe(published, root)
    return root


def _describe(published: PublishedModel, root: Path) -> None:
    """Say in the model's folder what only its publisher's pages say, how parts become one label set included."""
    path = root / OWN_DESCRIPTION
    if published.format not in _DESCRIBED_FORMATS or path.exists():
        return
    texts = {name: getattr(published, name) for name in _TEXTS}
    content = {name: text for name, text in texts.items() if text not in ("", None)}
    if published.description_file:
        content |= {"labels": published.labels, "channels": to_json(published.channels), **published.description_file}
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
