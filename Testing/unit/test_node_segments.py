"""A node's segments as they are now: to the worker, measured and into files."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from MedAISegLib.app.exchange import segmentation_of
from MedAISegLib.core.errors import InputError, ResourceError, UsageError
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.node_description import BINARY_LABELMAP
from MedAISegLib.core.segmentation import AlgorithmType
from MedAISegLib.core.volume import Volume
from MedAISegLib.slicer_io.export import NoDicom, export_node, provenance_of_export, why_no_dicom
from MedAISegLib.slicer_io.labelmaps import labelmap_array
from MedAISegLib.slicer_io.node_segments import record_node
from MedAISegLib.slicer_io.node_statistics import measure_node
from MedAISegLib.slicer_io.placing import Target
from MedAISegLib.slicer_io.run_record import RunRecord, provenance_of_node
from MedAISegLib.slicer_io.scene import new_scene_host
from MedAISegLib.slicer_io.segmentation_node import run_to_end, segmentation_from_node
from MedAISegLib.slicer_io.volume_node import volume_to_node
from placing_scene import GEOMETRY, add_segment, by_name, changed_organs, drawn, edit, labels, mask, place
from read_back import read_nifti, read_seg_nrrd
from scene_nodes import FOUND, answered, put_slices_at, put_under_matrix, rigid_ras
from segmentations import PROVENANCE, masks_in_world, organs, points_of

pytest.importorskip("slicer_core", reason="slicer-core is not installed")
pytestmark = pytest.mark.slicer

LIVER, KIDNEY = FOUND
ALL = drawn((0, 6), (0, 9), (0, 12))
VALUES = np.arange(ALL.size, dtype=np.int16).reshape(ALL.shape)


class Scene:
    """A CT whose voxels all differ, and its segments; ``asked`` is what the worker was asked."""

    def __init__(self, folder):
        self.host = new_scene_host()
        self.volume = volume_to_node(Volume(VALUES, GEOMETRY), self.host.scene, "CT")
        self.node = place(organs(GEOMETRY), self.host, source_node=self.volume).node
        self.folder, self.asked = folder, []

    def ask(self, request):
        self.asked.append(request)
        return answered(request)

    def id(self, name):
        return by_name(self.node)[name]

    def measure(self):
        return run_to_end(measure_node(self.node, self.folder, self.ask)).results

    def export(self, *formats, **options):
        output = self.folder / "output"
        folder = self.folder / f"request {len(self.asked)}"
        folder.mkdir(exist_ok=True)
        return run_to_end(export_node(self.node, formats, output, folder=folder, ask=self.ask, **options))


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


# -- recorded --------------------------------------------------------------------------------------------------------


def recorded(scene):
    written = run_to_end(record_node(scene.node, scene.folder))
    return written, segmentation_of(scene.folder, written.record)


@pytest.mark.parametrize("placed", ["plain", "moved", "bent"])
def test_it_is_what_is_read_into_memory(scene, placed):
    if placed == "moved":
        put_under_matrix(scene.node, scene.host.scene, rigid_ras())
    if placed == "bent":
        step = GEOMETRY.affine_lps[:3, 0]
        volume = volume_to_node(Volume(VALUES, GEOMETRY), scene.host.scene, "other")
        bend = put_slices_at(volume, scene.host.scene, GEOMETRY, [step * (1.0 if n >= 3 else 0.0) for n in range(6)])
        scene.node.SetAndObserveTransformNodeID(bend.GetID())
    _, found = recorded(scene)
    expected = segmentation_from_node(scene.node)
    assert found.geometry.matches(expected.geometry)
    assert found.layers.any()
    np.testing.assert_array_equal(found.layers, expected.layers)


def test_edits_and_additions_are_in_it_and_say_whose_they_are(scene):
    where = drawn((0, 3), (1, 5), (2, 9))
    edit(scene.node, scene.id(LIVER), where)
    add_segment(scene.node, "mine", drawn((1, 4), (2, 6), (3, 8)))
    written, found = recorded(scene)
    assert [(s.name, s.algorithm_type) for s in found.segments] == [
        (LIVER, AlgorithmType.SEMIAUTOMATIC),
        (KIDNEY, AlgorithmType.AUTOMATIC),
        ("mine", AlgorithmType.MANUAL),
    ]
    assert (written.edited, written.added) == ((LIVER,), ("mine",))
    assert written.segment_ids == scene.node.GetSegmentation().GetSegmentIDs()
    np.testing.assert_array_equal(labels(found, LIVER), where)
    np.testing.assert_array_equal(labels(found, "mine"), drawn((1, 4), (2, 6), (3, 8)))


def test_segments_of_one_name_are_told_apart(scene):
    add_segment(scene.node, LIVER, drawn((1, 4), (2, 6), (3, 8)))
    _, found = recorded(scene)
    assert [s.name for s in found.segments] == [LIVER, KIDNEY, "liver (2)"]


def test_what_is_edited_while_it_is_written_is_written_as_it_is_then(scene):
    work = record_node(scene.node, scene.folder)
    for _ in range(4):
        next(work)
    where = drawn((0, 3), (1, 5), (2, 9))
    edit(scene.node, scene.id(LIVER), where)
    written = run_to_end(work)
    found = segmentation_of(scene.folder, written.record)
    np.testing.assert_array_equal(labels(found, LIVER), where)
    assert written.edited == (LIVER,)
    assert len(list(scene.folder.iterdir())) == 1


# -- measured --------------------------------------------------------------------------------------------------------


def test_measured_are_the_segments_as_they_are(scene):
    where = drawn((0, 3), (1, 5), (2, 9))
    edit(scene.node, scene.id(LIVER), where)
    results = scene.measure()
    for name in FOUND:
        inside = mask(scene.node, scene.id(name))
        result = results[scene.id(name)]
        assert result.voxel_count == inside.sum()
        assert result.volume_ml == pytest.approx(inside.sum() * GEOMETRY.voxel_volume_ml)
        assert result.mean == pytest.approx(VALUES[inside].mean())
    assert len(scene.asked) == 1


def test_an_image_on_another_grid_is_measured_where_it_is(scene):
    affine = GEOMETRY.affine_lps.copy()
    affine[:3, :3] *= 0.53
    finer = GEOMETRY.window((0, 0, 0), (11, 17, 22))
    finer = type(finer)(finer.shape_kji, affine)
    values = np.arange(np.prod(finer.shape_kji), dtype=np.float32).reshape(finer.shape_kji)
    other = volume_to_node(Volume(values, finer), scene.host.scene, "finer")
    scene.node.SetNodeReferenceID(scene.node.GetReferenceImageGeometryReferenceRole(), other.GetID())
    result = scene.measure()[scene.id(LIVER)]
    inside = masks_in_world(organs(GEOMETRY), [LIVER], points_of(finer))[0]
    assert result.mean == pytest.approx(values.ravel()[inside].mean())
    assert result.voxel_count == labels(organs(GEOMETRY), LIVER).sum()


def test_without_its_image_only_volumes_are_measured(scene):
    scene.host.scene.RemoveNode(scene.volume)
    result = scene.measure()[scene.id(LIVER)]
    assert result.volume_ml > 0
    assert result.mean is None


def test_of_what_changes_while_it_is_measured_there_are_no_numbers(scene):
    def ask(request):
        reply = yield from scene.ask(request)
        edit(scene.node, scene.id(LIVER), drawn((0, 3), (1, 5), (2, 9)))
        return reply

    scene.node.GetSegmentation().SeparateSegmentLabelmap(scene.id(LIVER))
    results = run_to_end(measure_node(scene.node, scene.folder, ask)).results
    assert set(results) == {scene.id(KIDNEY)}


def test_an_image_that_keeps_changing_is_told_and_does_not_fill_the_disk(scene):
    def disturbed():
        for _ in measure_node(scene.node, scene.folder, scene.ask):
            scene.volume.GetImageData().Modified()
            yield

    with pytest.raises(InputError, match="keeps changing"):
        run_to_end(disturbed())
    assert [path.name for path in scene.folder.iterdir()] == ["segments-0.raw"]


# -- exported --------------------------------------------------------------------------------------------------------


def test_the_table_has_the_segments_as_they_are(scene):
    where = drawn((0, 3), (1, 5), (2, 9))
    edit(scene.node, scene.id(LIVER), where)
    scene.node.GetSegmentation().GetSegment(scene.id(LIVER)).SetName("Leber")
    add_segment(scene.node, "mine", drawn((1, 4), (2, 6), (3, 8)))
    reply = scene.export("tables")
    (path,) = reply.files["tables"]
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    assert [row["name"] for row in rows] == ["Leber", KIDNEY, "mine"]
    assert float(rows[0]["mean"]) == pytest.approx(VALUES[where].mean())
    assert int(rows[0]["voxel_count"]) == where.sum()


def test_surfaces_are_written_one_by_one_and_none_stays_when_it_is_cancelled(scene):
    for finished in range(20):
        output = scene.folder / f"output {finished}"
        work = export_node(scene.node, ("stl",), output, folder=scene.folder, ask=scene.ask)
        try:
            for _ in range(finished):
                next(work)
        except StopIteration:
            break
        work.close()
        assert not output.exists()
    assert len(list(output.iterdir())) == len(FOUND)
    assert finished > 2 * len(FOUND)
    assert not scene.node.GetSegmentation().ContainsRepresentation("Closed surface")


def test_a_folder_that_cannot_be_made_is_told(scene):
    (scene.folder / "output").write_text("a file")
    with pytest.raises(ResourceError):
        scene.export("stl")


def test_all_formats_in_one_go_and_none_overwritten(scene):
    pytest.importorskip("highdicom")
    reply = scene.export("nifti", "tables", "seg.nrrd", "stl", "obj")
    names = sorted(path.name for paths in reply.files.values() for path in paths)
    assert names == [
        "segmentation.json", "segmentation.nii.gz", "segmentation.seg.nrrd", "segmentation_Niere_links_ä.obj",
        "segmentation_Niere_links_ä.stl", "segmentation_liver.obj", "segmentation_liver.stl", "segments.csv",
    ]  # fmt: skip
    assert all(path.is_file() for paths in reply.files.values() for path in paths)
    with pytest.raises(UsageError, match="there already"):
        scene.export("tables")
    scene.export("tables", overwrite=True)


def beyond(scene, name="beyond"):
    grid = GEOMETRY.window((-3, -4, -5), (5, 6, 7))
    return add_segment(scene.node, name, np.ones(grid.shape_kji, bool), grid=grid)


def finer(scene):
    affine = GEOMETRY.affine_lps @ np.diag([0.5, 0.5, 0.5, 1.0])
    return add_segment(scene.node, "finer", True, grid=VolumeGeometry((3, 3, 3), affine))


@pytest.mark.parametrize(("add", "code"), [(beyond, "outside-reference-grid"), (finer, "finer-than-reference-grid")])
def test_what_a_format_leaves_out_is_told_and_slicers_own_has_it(scene, add, code):
    assert scene.export("tables", "seg.nrrd").notices == ()
    add(scene)
    reply = scene.export("tables", "nifti", "seg.nrrd", overwrite=True)
    assert [notice.code for notice in reply.notices if notice.code != "nifti-layers"] == [code]
    assert read_nifti(reply.files["nifti"][0]).geometry.matches(GEOMETRY)
    whole = read_seg_nrrd(reply.files["seg.nrrd"][0])
    assert whole.geometry.matches(segmentation_from_node(scene.node).geometry)
    assert np.prod(whole.geometry.shape_kji) > ALL.size
    assert scene.export("seg.nrrd", overwrite=True).notices == ()


def test_of_labelmaps_that_hold_nothing_beyond_nothing_is_said(scene):
    content = scene.node.GetSegmentation()
    segment_id = beyond(scene)
    content.SeparateSegmentLabelmap(segment_id)
    image = content.GetSegment(segment_id).GetRepresentation(BINARY_LABELMAP)
    labelmap_array(image)[:3] = labelmap_array(image)[:, :4] = labelmap_array(image)[:, :, :5] = 0
    image.Modified()
    assert labelmap_array(image).sum() == 2 * 2 * 2
    assert scene.export("tables").notices == ()


def test_the_provenance_says_what_a_person_did(scene):
    edit(scene.node, scene.id(LIVER), drawn((0, 3), (1, 5), (2, 9)))
    add_segment(scene.node, "mine", drawn((1, 4), (2, 6), (3, 8)))
    scene.export("tables")
    request = scene.asked[-1]
    assert request.edited == (LIVER,)
    provenance = request.result.provenance
    assert (provenance.model_id, provenance.model_sha256) == (PROVENANCE.model_id, PROVENANCE.model_sha256)
    assert provenance.parameters["edited"] == LIVER
    assert provenance.parameters["drawn by hand"] == "mine"


def test_the_provenance_of_two_models_tells_which_made_what():
    from dataclasses import replace

    other = replace(PROVENANCE, model_id="vessels", model_name="Vessels", parameters={"window": "whole"})
    runs = [RunRecord(PROVENANCE, {"liver": "1"}), RunRecord(other, {"vein": "2"})]
    merged = provenance_of_export(runs, (), ())
    assert (merged.model_id, merged.model_name) == ("organs; vessels", "Organs; Vessels")
    assert merged.parameters["segments of vessels"] == "vein"
    assert merged.parameters["segments of organs"] == "liver"


def test_without_a_dicom_source_a_dicom_seg_is_refused_with_the_reason(scene):
    assert why_no_dicom(scene.node) is NoDicom.NOT_DICOM
    with pytest.raises(InputError, match="not loaded from DICOM"):
        scene.export("dicom-seg")
    assert scene.asked == []
    scene.host.scene.RemoveNode(scene.volume)
    assert why_no_dicom(scene.node) is NoDicom.NO_IMAGE
    with pytest.raises(InputError, match="not in the scene"):
        scene.export("dicom-seg")


def test_a_node_without_segments_is_not_exported(scene):
    scene.node.GetSegmentation().RemoveAllSegments()
    with pytest.raises(UsageError, match="no segments"):
        scene.export("nifti")


# -- provenance on the node ------------------------------------------------------------------------------------------


def test_a_run_is_forgotten_when_another_has_taken_over_its_segments(scene):
    place(changed_organs(), scene.host, target=Target(scene.node), sha="f" * 64)
    (run,) = provenance_of_node(scene.node)
    assert run.provenance.model_sha256 == "f" * 64
    assert dict(run.segments) == by_name(scene.node)


def test_a_run_stays_as_long_as_a_segment_of_it_does(scene):
    from dataclasses import replace

    liver_only = replace(changed_organs(without=[KIDNEY]), segments=organs(GEOMETRY).segments[:1])
    place(liver_only, scene.host, target=Target(scene.node), sha="f" * 64)
    before, after = provenance_of_node(scene.node)
    assert (list(before.segments), list(after.segments)) == ([KIDNEY], [LIVER])
    scene.node.GetSegmentation().RemoveSegment(scene.id(KIDNEY))
    assert len(provenance_of_node(scene.node)) == 1


def test_segments_of_other_origin_have_no_run(scene):
    add_segment(scene.node, "mine", drawn((1, 4), (2, 6), (3, 8)))
    (run,) = provenance_of_node(scene.node)
    assert set(run.segments) == set(FOUND)


def test_a_damaged_record_leaves_what_the_tags_tell(scene):
    scene.node.SetAttribute("MedAISeg.Runs", '{"kind": "from another version"}')
    (run,) = provenance_of_node(scene.node)
    assert run.provenance.model_id == PROVENANCE.model_id
    assert dict(run.segments) == by_name(scene.node)
