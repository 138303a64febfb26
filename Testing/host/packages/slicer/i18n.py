"""Translation as modules use it: a text's context is the file it stands in, with its package where it is in one."""

import sys
from functools import cache
from pathlib import Path

__all__ = ["getContext", "tr", "translate"]


@cache
def getContext(sourceFile):
    file = Path(sourceFile)
    if not file.is_file():
        return file.name
    return f"{file.parent.name}.{file.stem}" if file.with_name("__init__.py").is_file() else file.stem


def tr(text):
    return translate(getContext(sys._getframe(1).f_code.co_filename), text)


def translate(context, text):
    from slicer import app

    return app.translate(context, text)
