"""What the worker needs installed: what is there, what is missing, and how it gets there.

All packages but torch lie in a private folder (:mod:`.private_packages`), first on the worker's path and on no other.
torch comes from Slicer's PyTorch extension, which knows the graphics card (:mod:`.torch_extension`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.errors import ResourceError, UsageError
from ..core.language import tr as _
from . import private_pip
from .pip_failures import pip_error
from .private_packages import new_part, packages_folder, packages_home, put_in_use, sweep, versions_in
from .pump import Pieces
from .requirements import (
    LIST_TITLES,
    MINIMA,
    MODULES,
    TORCH,
    TORCH_MINIMUM,
    Requirement,
    is_at_least,
    listed,
    private_requirements,
)
from .worker_python import WorkerPython, ask_script, run_lines

NEEDED_BYTES = 500 * 1024**2
"""On the disk while it installs: the downloads, and what is unpacked of them."""

_OLDEST_PYTHON = "3.11"
_PIP_OPTIONS = (
    "--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-user", "--no-input", "--no-cache-dir",
    "--progress-bar", "off", "--no-color", "--disable-pip-version-check", "--retries", "2", "--timeout", "20",
)  # fmt: skip
_GLIBC_MINORS = (28, 27, 26, 24, 17)
_PIP_SETTINGS_KEPT = frozenset({
    "PIP_CERT", "PIP_CLIENT_CERT", "PIP_CONFIG_FILE", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_INDEX_URL",
    "PIP_KEYRING_PROVIDER", "PIP_PROXY", "PIP_TRUSTED_HOST",
})  # fmt: skip
"""How an index is reached. What a user's pip is set to beside that is for other work and would lead it elsewhere."""


@dataclass(frozen=True)
class PackageState:
    """A package that the worker needs: the version that is wanted, and the one that is there (empty if none)."""

    name: str
    wanted: str
    found: str
    is_right: bool


def installed(python: WorkerPython, home: Path | None = None) -> tuple[PackageState, ...]:
    """Every package that the worker needs, torch last."""
    folder = packages_folder(python.tag, home)
    there = versions_in(folder) if folder is not None else {}
    private = {entry.name: _private_state(entry, there) for entry in _requirements(python)}
    others = [entry for title in LIST_TITLES for entry in listed(title) if entry.name in python.found]
    own = {entry.name: _own_state(entry, python) for entry in others}
    states = own | private
    return (*(states[name] for name in sorted(states, key=str.lower)), torch_state(python))


def missing(python: WorkerPython, home: Path | None = None) -> tuple[PackageState, ...]:
    """The packages that are missing, or there in a version that does not do."""
    return tuple(state for state in installed(python, home) if not state.is_right)


def torch_state(python: WorkerPython) -> PackageState:
    """Of torch as the worker will see it; it is not imported."""
    is_right = TORCH in python.found and is_at_least(python.found[TORCH], TORCH_MINIMUM)
    found = python.found.get(TORCH, "") or ("?" if TORCH in python.found else "")
    return PackageState(TORCH, f">={TORCH_MINIMUM}", found, is_right)


def install(
    python: WorkerPython,
    *,
    on_line: Callable[[str], None],
    wheels: Path | None = None,
    offline: bool = False,
    home: Path | None = None,
) -> Pieces[None]:
    """Install all packages but torch anew; what was there is in use until they are complete and have been tried.

    Closing the generator stops it, and nothing has changed.

    Args:
        on_line: gets each line that pip says.
        wheels: take the files from this folder, and use no network.
        offline: the user wants no network to be used.

    Raises:
        UsageError: if it is offline without a folder of files.
        ResourceError: if it fails; the message says why and what to do.
    """
    _require_possible(python, wheels, offline, packages_home(home))
    requirements = _requirements(python)
    if not requirements:
        on_line(_("This Python has all packages itself."))
        return
    with new_part(python.tag, home) as part:
        packages = part / "packages"
        yield from _run_pip(python, requirements, part, packages, wheels, on_line)
        _require_complete(requirements, packages)
        on_line(_("Trying the packages …"))
        yield from _require_working(python, requirements, packages)
        folder = put_in_use(packages, python.tag, home)
    on_line(_("Installed in {folder}").format(folder=folder))
    yield from sweep(python.tag, home)


def offline_way(python: WorkerPython) -> str:
    """The commands that fill a folder of files on a computer with network, for this Python and system."""
    version, platform = python.tag.removeprefix("cp").split("-", 1)
    options = " ".join(f"--platform {name}" for name in _pip_platforms(platform))
    names = " ".join(f"{entry.name}=={entry.version}" for entry in _requirements(python))
    return (
        f"python -m pip download --no-deps --only-binary :all: --python-version {version[0]}.{version[1:]} "
        f"{options} --dest wheels {names}"
    )


def _requirements(python: WorkerPython) -> tuple[Requirement, ...]:
    return private_requirements(python.tag, python.found, own=python.own)


def _private_state(entry: Requirement, there: dict[str, str]) -> PackageState:
    found = there.get(entry.name.lower(), "")
    return PackageState(entry.name, entry.version, found, found == entry.version)


def _own_state(entry: Requirement, python: WorkerPython) -> PackageState:
    wanted = f">={MINIMA[entry.name]}" if entry.name in MINIMA else "any"
    return PackageState(entry.name, wanted, python.found[entry.name] or "?", True)


def _require_possible(python: WorkerPython, wheels: Path | None, offline: bool, home: Path) -> None:
    where = str(python.executable)
    if wheels is None and offline:
        raise UsageError(
            _("packages cannot be fetched, since the strict offline switch is on."),
            remedy=_("Turn it off, or fill a folder elsewhere and install from it: {offline_way}").format(
                offline_way=offline_way(python)
            ),
        )
    if wheels is not None and not wheels.is_dir():
        raise UsageError(_("there is no such folder."), where=str(wheels))
    if not is_at_least(python.version, _OLDEST_PYTHON):
        raise ResourceError(
            _("its version is {found}, and {wanted} or later is needed.").format(
                found=python.version, wanted=_OLDEST_PYTHON
            ),
            where=where,
            remedy=_("Name another Python for the worker."),
        )
    if not python.pip:
        raise ResourceError(_("it has no pip."), where=where, remedy=_("Install pip there, or name another Python."))
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if free < NEEDED_BYTES:
        raise ResourceError(
            _("{free:.0f} MB are free on the disk, and {needed:.0f} MB are needed.").format(
                free=free / 1024**2, needed=NEEDED_BYTES / 1024**2
            ),
            where=str(home),
            remedy=_("Free some space, or set MEDAISEG_HOME to a folder on another disk."),
        )


def _run_pip(
    python: WorkerPython,
    requirements: tuple[Requirement, ...],
    part: Path,
    packages: Path,
    wheels: Path | None,
    on_line: Callable[[str], None],
) -> Pieces[None]:
    listing, scratch = part / "list.txt", part / "tmp"
    listing.write_text("\n".join(entry.text for entry in requirements) + "\n", encoding="utf-8")
    scratch.mkdir()
    source = () if wheels is None else ("--no-index", "--find-links", str(wheels))
    arguments = (private_pip.__file__, "install", "--target", str(packages), *_PIP_OPTIONS, *source, "-r", str(listing))
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
    lines: list[str] = []

    def told(line: str) -> None:
        lines.append(line)
        on_line(line)

    kept = {k: v for k, v in python.environment.items() if not k.startswith("PIP_") or k in _PIP_SETTINGS_KEPT}
    settings = {"PYTHONUNBUFFERED": "1", "PIP_REQUIRE_VIRTUALENV": "0"}
    command = replace(python, environment=kept).command(arguments, **places, **settings)
    exit_code = yield from run_lines(command, told)
    if exit_code != 0:
        raise pip_error(lines, exit_code, from_folder=wheels is not None)


def _require_complete(requirements: tuple[Requirement, ...], packages: Path) -> None:
    there = versions_in(packages)
    lacking = [entry.name for entry in requirements if not _private_state(entry, there).is_right]
    if lacking:
        raise ResourceError(
            _("pip did not install {packages}.").format(packages=", ".join(lacking)),
            remedy=_("The log has all that it said."),
        )


def _require_working(python: WorkerPython, requirements: tuple[Requirement, ...], packages: Path) -> Pieces[None]:
    """Import each package in the worker's Python; MONAI only where there is torch, without which it cannot be."""
    has_torch = torch_state(python).is_right
    modules = [MODULES[entry.name] for entry in requirements if entry.name != "monai" or has_torch]
    failures = yield from ask_script(python, {"import": {"folder": str(packages), "modules": modules}})
    if failures:
        name, reason = next(iter(failures.items()))
        raise ResourceError(
            _("the package {name} was installed and does not work here: {reason}").format(name=name, reason=reason),
            where=str(python.executable),
            remedy=_("What was installed before is still in use."),
        )


def _pip_platforms(platform: str) -> tuple[str, ...]:
    """Pip's names of the systems whose files fit; it takes those of older Macs by itself, of older Linux not."""
    if platform.startswith("linux"):
        machine = platform.removeprefix("linux_")
        return (*(f"manylinux_2_{minor}_{machine}" for minor in _GLIBC_MINORS), f"manylinux2014_{machine}")
    if platform.startswith("macosx"):
        return (f"macosx_14_0_{'arm64' if platform.endswith('arm64') else 'x86_64'}",)
    return (platform,)
