"""Fixtures that every suite shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


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
