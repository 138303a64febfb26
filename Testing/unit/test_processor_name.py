"""What the processor is called, on systems that tell it in different ways."""

from __future__ import annotations

import sys

import pytest
from MedAISegLib.engine import processor

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ("processor\t: 0\nmodel name\t: AMD EPYC 9654\nprocessor\t: 1\nmodel name\t: AMD EPYC 9654\n", "AMD EPYC 9654"),
        ("processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n", "0x41 0xd40"),
        ("nothing that is known\n", "of this kind"),
        (None, "of this kind"),
    ],
    ids=["x86", "ARM", "unknown", "no such file"],
)
def test_the_name_is_what_the_system_tells_or_else_the_kind(tmp_path, monkeypatch, lines, name):
    information = tmp_path / "cpuinfo"
    if lines is not None:
        information.write_text(lines)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(processor, "_INFORMATION", information)
    monkeypatch.setattr(processor.platform, "processor", lambda: "")
    monkeypatch.setattr(processor.platform, "machine", lambda: "of this kind")
    assert processor.processor_name.__wrapped__() == name
