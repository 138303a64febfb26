"""Fixtures that every suite shares."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

ENGINE_PACKAGES = ("torch", "monai", "highdicom")
"""What Slicer's own Python does not have."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--without-engine",
        action="store_true",
        help=f"skip the tests that need {', '.join(ENGINE_PACKAGES)}, for a Python that lacks them",
    )


@contextmanager
def _missing_engine_skips(config: pytest.Config) -> Iterator[None]:
    try:
        yield
    except (ImportError, pytest.Collector.CollectError) as error:
        cause = error if isinstance(error, ImportError) else error.__cause__
        package = (getattr(cause, "name", None) or "").split(".")[0]
        if package not in ENGINE_PACKAGES or not config.getoption("--without-engine"):
            raise
        pytest.skip(f"needs {package}", allow_module_level=True)


class _Module(pytest.Module):
    def collect(self) -> list[pytest.Item | pytest.Collector]:
        with _missing_engine_skips(self.config):
            return list(super().collect())


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module:
    module: pytest.Module = _Module.from_parent(parent, path=module_path)
    return module


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    with _missing_engine_skips(item.config):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    with _missing_engine_skips(item.config):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None]:
    """What the files of tests import stays to the end: Python's garbage collector need not look through it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def shared_data_folder() -> Path:
    """The folder of the real test images and models."""
    return Path(os.environ.get("MEDAISEG_TEST_DATA", REPOSITORY.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real test data; the test is skipped where they are absent."""
    folder = shared_data_folder()
    if not folder.is_dir():
        pytest.skip(f"the real test data are not at {folder}; MEDAISEG_TEST_DATA names their place")
    return folder


@pytest.fixture
def tried_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another process is not what is tested, a network that is a program is tried in this one."""
    from MedAISegLib.formats import checking
    from tried_here import run_here

    monkeypatch.setattr(checking, "run_apart", run_here)


@pytest.fixture
def run_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    """No faster way to the same scores is looked for, as every run would do anew that finds an empty data folder."""
    from MedAISegLib.engine.backends import choosing

    monkeypatch.setattr(choosing, "ways_on", lambda *_: ())


@pytest.fixture
def converted_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for networks that OpenVINO converts."""
    from MedAISegLib.engine.backends import conversion
    from tried_here import run_here

    monkeypatch.setattr(conversion, "run_apart", run_here)
