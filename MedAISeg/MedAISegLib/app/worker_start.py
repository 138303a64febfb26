"""Starts the worker as a script: ``python worker_start.py PACKAGE_ROOT PACKAGES``.

It runs before anything is known of this Python, so it uses what any Python 3 has, and nothing of the package.
"""

import json
import sys

OLDEST = (3, 11)


def main(package_root: str, packages: str) -> None:
    """Run the worker, its folders on the path in place of this script's, whose modules would hide Python's own."""
    sys.path[0:1] = [folder for folder in (packages, package_root) if folder]
    if sys.version_info < OLDEST:
        refuse(f"it needs Python 3.11 or later, and {sys.executable} is {sys.version_info[0]}.{sys.version_info[1]}.")
        return
    try:
        from MedAISegLib.app.worker import main as run
    except ImportError as error:
        package = (error.name or str(error)).partition(".")[0]
        refuse(f"the package {package} is missing in {sys.executable}.")
        return
    run()


def refuse(what: str) -> None:
    """Say in the protocol's words why there is no worker."""
    remedy = "Name another Python for the worker, or install the dependencies (Advanced)."
    record = {"kind": "ErrorRecord", "error": "ResourceError", "what": what, "where": "worker", "remedy": remedy}
    sys.stdout.write(json.dumps({"error": record}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:3])
