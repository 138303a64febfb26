"""Loads a scripted module into the emulated application, enters its panel and draws it.

Ends with 0 if all went well, 3 if something is not modelled (it is named), 1 if the module raised an exception.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

FINE, CRASHED, NOT_MODELLED = 0, 1, 3


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    from Testing.host.application import dialogs
    from Testing.host.application.host import Host
    from Testing.host.application.loop import inside_loop

    # Nobody is there to answer: a dialog is shown, named and closed, and is no failure.
    dialogs.patience = 0.5
    host = Host()
    return inside_loop(lambda: _run(host, options))


def _run(host: Any, options: argparse.Namespace) -> int:
    from Testing.host.application.screenshot import panel_picture
    from Testing.host.pythonqt import LEDGER, NotModelled

    crashed = False
    try:
        for path in [*options.with_module, options.module]:
            host.load_module(path)
        host.startup_completed()
        host.enter(options.module.stem)
        if options.screenshot is not None:
            panel_picture(host, options.screenshot, width=options.width, dark=options.dark)
    except NotModelled:
        traceback.print_exc()
    except Exception:  # noqa: BLE001  whatever the module raises is the answer
        traceback.print_exc()
        crashed = True
    return _verdict(LEDGER, crashed=crashed)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("module", type=Path, help="the module's Python file")
    parser.add_argument("--screenshot", type=Path, metavar="FILE.png", help="where to draw the panel")
    parser.add_argument("--width", type=int, default=450, help="of the panel in pixels (default: %(default)s)")
    parser.add_argument("--dark", action="store_true", help="draw with a dark palette")
    parser.add_argument("--with-module", type=Path, action="append", default=[], help="load this module before")
    return parser.parse_args(arguments)


def _verdict(ledger: object, *, crashed: bool) -> int:
    not_modelled = list(dict.fromkeys(ledger.not_modelled))  # type: ignore[attr-defined]
    for what in not_modelled:
        print(f"not modelled: {what}", file=sys.stderr)
    for text in ledger.unanswered:  # type: ignore[attr-defined]
        print(f"a dialog was shown: {text}", file=sys.stderr)
    for text in ledger.unknown_signals:  # type: ignore[attr-defined]
        print(f"the application says the same: no such signal, {text}", file=sys.stderr)
    ledger.unanswered.clear()  # type: ignore[attr-defined]
    ledger.unknown_signals.clear()  # type: ignore[attr-defined]
    for failure in ledger.failures():  # type: ignore[attr-defined]
        if not failure.startswith("not modelled"):
            print(failure, file=sys.stderr)
    if not_modelled:
        return NOT_MODELLED
    return CRASHED if crashed or ledger.failures() else FINE  # type: ignore[attr-defined]


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Objects of Qt, VTK and the module die in no good order when Python ends; the verdict stands.
    os._exit(status)
