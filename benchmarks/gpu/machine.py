"""Give a bare machine's Python the packages that it lacks: ``python -m benchmarks.gpu.machine CASES --only CASE``, with
the file that names the package's cases; standard library only.

They go into the folder ``site`` beside these sources, and nothing else of the machine is changed. Wheels that travelled
along are taken first, then the package index, if it can be reached.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import invalidate_caches
from importlib.util import find_spec
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2]
SITE, WHEELS = SOURCES / "site", SOURCES.parent / "wheels"
NNUNET_LIST = SOURCES / "Testing" / "reference" / "nnunet_packages.txt"
OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Package:
    """A package that the benchmark imports.

    Attributes:
        module: what is imported.
        requirement: what pip is asked for.
        travels: the same small wheel serves every machine, so it is carried along.
        serves: what has to be left out without it; empty where nothing runs without it.
    """

    module: str
    requirement: str
    travels: bool = False
    serves: str = ""


PACKAGES = (
    Package("torch", "torch>=2.8"),
    Package("numpy", "numpy>=2.0"),
    Package("scipy", "scipy>=1.13"),
    Package("psutil", "psutil>=6"),
    Package("yaml", "pyyaml>=6"),
    Package("safetensors", "safetensors>=0.5"),
    Package("requests", "requests>=2.32"),
    Package("click", "click>=8.1", travels=True),
    Package("rich", "rich>=13", travels=True),
    Package("markdown_it", "markdown-it-py>=3", travels=True),
    Package("mdurl", "mdurl>=0.1", travels=True),
    Package("pygments", "pygments>=2.19", travels=True),
    Package("filelock", "filelock>=3.13", travels=True),
    Package("packaging", "packaging>=24", travels=True),
    Package("typing_extensions", "typing-extensions>=4.12", travels=True),
    Package("importlib_resources", "importlib-resources>=6", travels=True),
    Package("monai", "monai>=1.6", travels=True),
    Package("ignite", "pytorch-ignite>=0.5", travels=True),
    Package("fire", "fire>=0.7", travels=True),
    Package("termcolor", "termcolor>=3", travels=True),
    Package("nibabel", "nibabel>=5.3", travels=True),
    Package("pydicom", "pydicom>=3.0", travels=True),
    Package("einops", "einops>=0.8", travels=True),
    Package("truststore", "truststore>=0.10", travels=True),
    Package("pooch", "pooch>=1.8", travels=True),
    Package("platformdirs", "platformdirs>=4", travels=True),
    Package("pytest", "pytest>=9", travels=True),
    Package("pluggy", "pluggy>=1.5", travels=True),
    Package("iniconfig", "iniconfig>=2", travels=True),
    Package("SimpleITK", "SimpleITK>=2.5", serves="nnU-Net"),
    Package("dynamic_network_architectures", "dynamic-network-architectures>=0.4", serves="nnU-Net"),
    Package("nnunetv2", f"--requirement={NNUNET_LIST}", serves="nnU-Net"),
)


def missing(packages: Sequence[Package] = PACKAGES) -> list[Package]:
    """Those that this Python cannot import."""
    invalidate_caches()
    return [package for package in packages if find_spec(package.module) is None]


def install(package: Package, run: Callable[[Sequence[str]], int] = subprocess.call) -> bool:
    """From the wheels that travelled along, else from the index; whether it came.

    What the package itself asks for is in the list as well: left to itself pip would bring a torch beside the
    machine's own. torch alone comes with what it needs.
    """
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(SITE)]
    pip += [] if package.module == "torch" else ["--no-deps"]
    offline = [*pip, "--no-index", "--find-links", str(WHEELS), package.requirement]
    online = [*pip, "--retries", "0", "--timeout", "20", package.requirement]
    return (package.travels and run(offline) == 0) or run(online) == 0


def references_of(cases: Path, only: Sequence[str]) -> set[str]:
    """What the chosen ones of a package's cases are compared with; ``only`` names models or cases, or nothing."""
    lines = [line.split(maxsplit=1) for line in cases.read_text(encoding="utf-8").splitlines()]
    return {reference.strip() for name, reference in lines if not only or {name, name.rpartition("-")[0]} & set(only)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 if the benchmark can run, 1 if it lacks something."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--only", action="append", default=[])
    # The others are the benchmark's own.
    given, _ = parser.parse_known_args(arguments)
    references = references_of(given.cases, given.only)
    wanted = [package for package in PACKAGES if not package.serves or package.serves in references]
    if len(wanted) < len(PACKAGES):
        print(f"Skipped: {', '.join(p.module for p in PACKAGES if p not in wanted)}; no case that is run needs it.")
    if sys.version_info < OLDEST_PYTHON:
        print(f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed; set PYTHON to one.")
        return 1
    for package in missing(wanted):
        print(f"{package.module}: {'put into site/' if install(package) else 'NOT to be had'}", flush=True)
    lacking = missing(wanted)
    if nnunet := [package.module for package in lacking if package.serves]:
        print(f"Left out: the nnU-Net cases, for want of {', '.join(nnunet)}.")
    needed = [package.module for package in lacking if not package.serves]
    if needed:
        print(f"This cannot run: there is no {', '.join(needed)}, and no package index was reached.")
    return 1 if needed else 0


if __name__ == "__main__":
    sys.exit(main())
