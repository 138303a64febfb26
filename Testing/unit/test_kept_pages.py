"""Memory that is freed within a run is taken again without the system, and belongs to the system after it."""

from __future__ import annotations

import sys

import pytest

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells of page faults in this way"),
]
_BYTES = 40 * 2**20


def _faults_of_taking_it_again() -> int:
    import resource

    import torch

    # The first ones leave holes that are a few bytes too small.
    for _ in range(12):
        torch.ones(_BYTES // 4)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        torch.ones(_BYTES // 4)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def _resident_bytes() -> int:
    psutil = pytest.importorskip("psutil")
    return int(psutil.Process().memory_info().rss)


def test_what_is_freed_is_taken_again_without_its_pages_being_cleared() -> None:
    from MedAISegLib.engine.kept_pages import pages_kept

    usual = _faults_of_taking_it_again()
    with pages_kept():
        kept = _faults_of_taking_it_again()
    assert kept < usual / 2


def test_afterwards_nothing_is_kept() -> None:
    import torch
    from MedAISegLib.engine.kept_pages import pages_kept

    before = _resident_bytes()
    with pages_kept():
        several = [torch.ones(_BYTES // 4) for _ in range(4)]
        del several
        assert _resident_bytes() > before + 2 * _BYTES
    assert _resident_bytes() < before + _BYTES
