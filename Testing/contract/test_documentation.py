"""The Python that the documentation shows runs as it is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run_example(tmp_path, monkeypatch):
    """Runs the Python block of a page beside a sample study; gives its names."""
    from MedAISegLib.app.sample_study import write_sample_study

    write_sample_study(tmp_path / "demo-output" / "sample-study", seed=0)
    monkeypatch.chdir(tmp_path)

    def call(page, heading):
        _, _, section = (ROOT / page).read_text(encoding="utf-8").partition(heading)
        (block,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
        names = {}
        exec(compile(block, page, "exec"), names)
        return names

    return call


def test_the_example_of_the_readme(run_example, capsys):
    run_example("README.md", "# ")
    assert capsys.readouterr().out.count("mL") == 2


@pytest.mark.slicer
def test_the_example_with_nodes(run_example, tmp_path):
    pytest.importorskip("slicer_core", reason="slicer-core is not installed")
    from MedAISegLib.slicer_io.provenance_tags import read_tag

    names = run_example("docs/scripting.md", "## Outside Slicer")
    node, source, scene = names["node"], names["source"], names["scene"]
    try:
        assert node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole()) is source
        content = node.GetSegmentation()
        segments = [content.GetNthSegment(n) for n in range(content.GetNumberOfSegments())]
        assert [s.GetName() for s in segments] == ["Anterior hippocampus", "Posterior hippocampus"]
        assert {read_tag(s, "MedAISeg.ModelSha256") for s in segments} == {names["result"].provenance.model_sha256}
        assert {path.suffix for path in tmp_path.glob("hippocampus*")} == {".nrrd", ".stl", ".mrb"}
    finally:
        scene.Clear(False)
