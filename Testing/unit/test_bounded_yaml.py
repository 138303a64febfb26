"""YAML of a bundle: as much as a description has, and no more."""

from __future__ import annotations

import pytest

yaml = pytest.importorskip("yaml")

from MedAISegLib.formats.monai_bundle import bounded_yaml  # noqa: E402
from MedAISegLib.formats.monai_bundle.bounded_yaml import read_yaml  # noqa: E402


@pytest.mark.parametrize("line", ["a{0}: &a{0} 1", "a{0}: []", "a{0}: 1"])
def test_more_entries_than_a_description_has_are_refused(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_yaml, "_MOST_NODES", 100)
    text = "\n".join(line.format(n) for n in range(50))
    with pytest.raises(yaml.YAMLError, match="more than 100 entries"):
        read_yaml(text)
    assert len(read_yaml(text.replace("a49", "#"))) == 49


def test_aliases_count_like_what_they_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_yaml, "_MOST_NODES", 100)
    assert read_yaml("a: &a 1\nb: [*a, *a]") == {"a": 1, "b": [1, 1]}
    with pytest.raises(yaml.YAMLError, match="more than 100 entries"):
        read_yaml("a: &a 1\nb: [" + ", ".join(["*a"] * 100) + "]")


def test_a_description_has_far_fewer() -> None:
    assert bounded_yaml._MOST_NODES <= 20_000
    assert len(read_yaml("\n".join(f"a{n}: 1" for n in range(5_000)))) == 5_000
