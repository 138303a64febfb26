"""What GitHub says of the files of a repository's releases: how large they are, and their SHA-256 where it knows it.

Its answer is read from a file, so that a catalogue can be written without the network::

    gh api --paginate --slurp repos/wasserth/TotalSegmentator/releases > releases.json
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Facts = dict[str, dict[str, Any]]
"""By the address of a file: its ``size_bytes`` and, where it is known, its ``checksum``."""

_NAMES = ("size_bytes", "checksum")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def release_facts(answers: Iterable[Path]) -> Facts:
    """Of all files that GitHub's answers name."""
    found: Facts = {}
    for answer in answers:
        for asset in _assets(json.loads(answer.read_text(encoding="utf-8"))):
            digest = asset.get("digest") or ""
            known = {"checksum": digest} if _DIGEST.fullmatch(digest) else {}
            found[asset["browser_download_url"]] = {"size_bytes": asset["size"], **known}
    return found


def kept_facts(entries: Iterable[dict[str, Any]]) -> Facts:
    """What a catalogue says of its files already."""
    files = (file for entry in entries for file in entry.get("files", ()))
    return {file["url"]: {name: file[name] for name in _NAMES if name in file} for file in files}


def with_facts(entry: dict[str, Any], facts: Facts) -> dict[str, Any]:
    """The entry, its files with what is known of them; what the publisher itself says goes first."""
    if "files" not in entry:
        return entry
    return entry | {"files": [file | _new(facts.get(file["url"], {}), file) for file in entry["files"]]}


def _new(known: dict[str, Any], file: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in known.items() if name not in file}


def _assets(answer: Any) -> Iterator[dict[str, Any]]:
    """A release, several, or pages of them."""
    if isinstance(answer, list):
        for part in answer:
            yield from _assets(part)
    else:
        yield from answer["assets"]
