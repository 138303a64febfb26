"""Translation as modules use it: there is no language but English in the host."""

import inspect
from pathlib import Path

__all__ = ["getContext", "tr", "translate"]


def getContext(sourceFile):
    file = Path(sourceFile)
    return file.stem if file.is_file() else sourceFile


def tr(text):
    from slicer import app

    return app.translate(getContext(inspect.stack()[1].filename), text)


def translate(context, text):
    from slicer import app

    return app.translate(context, text)
