"""Translation as modules use it: there is no language but English in the host."""

import inspect

__all__ = ["getContext", "tr", "translate"]


def getContext(sourceFile):
    import os

    if os.path.isfile(sourceFile):
        return os.path.splitext(os.path.basename(sourceFile))[0]
    return sourceFile


def tr(text):
    from slicer import app

    return app.translate(getContext(inspect.stack()[1].filename), text)


def translate(context, text):
    from slicer import app

    return app.translate(context, text)
