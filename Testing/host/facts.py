"""Runs the facts that were recorded in the genuine application again, in the emulated one, and compares.

The file says how: ``exec`` the setup, ``eval`` the expression, in order, one namespace for each recorded run.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import time
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path("notes") / "slicer_facts.json"
NOT_MODELLED = Path(__file__).parent / "facts_not_modelled.json"
_LIBRARY = re.compile(r"\bslicer_core\.(\w+)\.")
"""slicer-core's name of a library that the application calls ``MRMLCorePython`` and so on."""
_ADDRESS = re.compile(r"0x[0-9a-fA-F.]+")


@dataclass(frozen=True)
class Outcome:
    result: Any = None
    raised: tuple[str, str] | None = None
    printed: str = ""
    complained: str = ""


@cache
def load_facts(file: Path) -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(file.read_text(encoding="utf-8"))["facts"])


@cache
def not_modelled() -> dict[str, str]:
    """Fact to the reason why the host does not reproduce it."""
    reasons: dict[str, list[str]] = json.loads(NOT_MODELLED.read_text(encoding="utf-8"))
    return {fact: reason for reason, facts in reasons.items() for fact in facts}


def run_facts(facts: list[dict[str, Any]], namespace: dict[str, Any], places: dict[str, str]) -> dict[str, Outcome]:
    """The outcome of each fact of one recorded run. ``places``: path to the name that stands for it in the file."""
    return {fact["id"]: _run_in_time(fact, namespace, places) for fact in facts}


def _run_in_time(fact: dict[str, Any], namespace: dict[str, Any], places: dict[str, str]) -> Outcome:
    """What counts timer events within a time is tried again: this machine may be busier than the recorded one."""
    outcome = _run(fact, namespace, places)
    for _ in range(3 if "time.time()" in fact.get("setup", "") else 0):
        if not differences(fact, outcome):
            break
        outcome = _run(fact, namespace, places)
    return outcome


def _run(fact: dict[str, Any], namespace: dict[str, Any], places: dict[str, str]) -> Outcome:
    out, complaints = io.StringIO(), io.StringIO()
    result, raised = None, None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(complaints), warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda *told: complaints.write(warnings.formatwarning(*told[:4]))
        try:
            exec(compile(fact.get("setup", ""), "<string>", "exec"), namespace)
            result = described(eval(fact["expr"], namespace), places)
        except Exception as error:  # noqa: BLE001  what it raises is the fact
            raised = (type(error).__name__, _placed(str(error), places))
    return Outcome(result, raised, out.getvalue(), complaints.getvalue())


def described(value: Any, places: dict[str, str]) -> Any:
    """As the file has it: JSON, a tuple marked as such, any other object by its text and type."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return _placed(_ADDRESS.sub("0x..", value), places)
    if isinstance(value, tuple):
        return {"tuple": [described(each, places) for each in value]}
    if isinstance(value, list):
        return [described(each, places) for each in value]
    if isinstance(value, dict):
        return {str(key): described(each, places) for key, each in value.items()}
    kind = type(value)
    text = _LIBRARY.sub(r"\1Python.", _placed(_ADDRESS.sub("0x..", repr(value)), places))
    return {"repr": text, "type": _LIBRARY.sub(r"\1Python.", f"{kind.__module__}.{kind.__name__}")}


def _placed(text: str, places: dict[str, str]) -> str:
    for path, name in sorted(places.items(), key=lambda each: -len(each[0])):
        # All below the temporary folder is shown as the folder itself.
        pattern = re.escape(path) + (r"[^\s'\"]*" if name == "<TMP>" else "")
        text = re.sub(pattern, name, text)
    return text


def differences(fact: dict[str, Any], outcome: Outcome) -> list[str]:
    """In words; empty where the host does as the application did."""
    if "raises" in fact:
        wanted = (fact["raises"]["type"], fact["raises"]["message"])
        if outcome.raised is None:
            return [f"should raise {wanted}, gave {outcome.result!r}"]
        if outcome.raised[0] != wanted[0]:
            return [f"should raise {wanted}, raised {outcome.raised}"]
        ours, theirs = _comparable(outcome.raised[1]), _comparable(wanted[1])
        # Where VTK gave no reason in the one Python, it gives one in the other.
        same = ours == theirs or (theirs.endswith(": ") and ours.startswith(theirs))
        return [] if same else [f"should say {wanted[1]!r}, says {outcome.raised[1]!r}"]
    if outcome.raised is not None:
        return [f"should give {fact['result']!r}, raised {outcome.raised}"]
    found = []
    if outcome.result != fact["result"]:
        found.append(f"should give\n{fact['result']!r}, gives\n{outcome.result!r}")
    if fact.get("stdout", "") != outcome.printed and fact.get("stdout"):
        found.append(f"should print {fact['stdout']!r}, prints {outcome.printed!r}")
    wanted_line, line = _last_line(fact.get("stderr", "")), _last_line(outcome.complained)
    if wanted_line and wanted_line != line:
        found.append(f"should complain {wanted_line!r}, complains {line!r}")
    return found


def _comparable(message: str) -> str:
    """Without addresses, and without the list of overloads, which PySide6 has in another order."""
    return _ADDRESS.sub("0x..", message).partition("The following slots are available")[0]


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else ""


def namespace_for(slicer: Any, spin: Any) -> dict[str, Any]:
    """The names that the recorded texts use, helpers included."""
    import ctk
    import numpy as np
    import qt
    import slicer.ScriptedLoadableModule as scripted
    import vtk

    def tag(segment: Any, key: str) -> Any:
        value = vtk.mutable("")
        return str(value) if segment.GetTag(key, value) else None

    return {
        "qt": qt, "ctk": ctk, "slicer": slicer, "vtk": vtk, "np": np, "os": os, "time": time, "SLM": scripted,
        "spin": spin, "tag": tag, "keep": [], "tmp": slicer.app.temporaryPath, "json": json, "re": re,
    }  # fmt: skip
