"""Series that Slicer loads in its own way: tilted, uneven, PET; and values whose units cannot be told."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from MedAISegLib.core.errors import InputError
from MedAISegLib.core.quantities import to_suv_bw
from MedAISegLib.readers import read_images
from MedAISegLib.slicer_io.dicom_candidate import series_candidate
from MedAISegLib.slicer_io.dicom_loading import load_series
from MedAISegLib.slicer_io.dicom_origin import origin_of, read_origin
from MedAISegLib.slicer_io.volume_node import volume_from_node

from Testing.host.dicom_cases import all_series, finish, import_into


def volume_with_origin(node, origin):
    """A node's volume with what is known of its origin, as a run sends it."""
    from dataclasses import replace

    return replace(
        volume_from_node(node),
        modality=origin.modality,
        description=origin.description,
        series=origin.series,
        attributes=dict(origin.attributes),
    )


@pytest.fixture
def imported(slicer_app, tmp_path):
    """Imports a folder of one series; gives its UID."""

    def call(source):
        ((_, uid),) = all_series(import_into(tmp_path / "db", source)).items()
        return uid

    return call


class TestTiltedAndUneven:
    @pytest.mark.parametrize("name", ["ct_gantry_tilt", "ct_variable_slice_spacing"])
    def test_each_slice_is_where_its_header_says(self, imported, shared_data, name):
        import slicer
        import vtk

        source = shared_data / "dicom_quirks" / name
        node = load_series(imported(source))
        origin = finish(read_origin(node))
        assert len(origin.series.files) == 4
        matrix = vtk.vtkMatrix4x4()
        node.GetIJKToRASMatrix(matrix)
        for n, uid in enumerate(origin.series.sop_instance_uids):
            world = [0.0, 0.0, 0.0]
            node.TransformPointToWorld(matrix.MultiplyPoint([0.0, 0.0, n, 1.0])[:3], world)
            header = [float(x) for x in slicer.dicomDatabase.instanceValue(uid, "0020,0032").split("\\")]
            np.testing.assert_allclose(world, np.array(header) * (-1, -1, 1), atol=1e-3)

    def test_an_uneven_series_is_loaded_as_a_whole_under_a_transform(self, imported, shared_data):
        source = shared_data / "dicom_quirks" / "ct_variable_slice_spacing"
        node = load_series(imported(source))
        assert node.GetParentTransformNode().IsA("vtkMRMLGridTransformNode")
        origin = finish(read_origin(node))
        (expected,) = read_images(source)
        assert {notice.code for notice in origin.notices} == {notice.code for notice in expected.notices}
        assert origin.series == expected.series

    def test_a_tilted_grid_is_the_sheared_one(self, imported, shared_data):
        source = shared_data / "dicom_quirks" / "ct_gantry_tilt"
        uid = imported(source)
        (expected,) = read_images(source)
        assert volume_from_node(load_series(uid)).geometry.matches(expected.geometry, 0.01)
        assert finish(series_candidate(uid)).geometry.matches(expected.geometry, 1e-4)

    @pytest.mark.parametrize("name", ["ct_duplicate_positions", "mr_4d_time_series"])
    def test_images_on_each_other_are_no_volume(self, imported, shared_data, name):
        uid = imported(shared_data / "dicom_quirks" / name)
        assert "positions-repeated" in {notice.code for notice in finish(series_candidate(uid)).notices}
        assert "put them on each other" in str(finish(read_origin(load_series(uid))).problem)

    def test_a_radiograph_needs_no_place_in_the_patient(self, imported, tmp_path, shared_data):
        dataset = pydicom.dcmread(shared_data / "dicom_quirks" / "single_files" / "CT_small.dcm")
        del dataset.ImagePositionPatient, dataset.ImageOrientationPatient
        dataset.Modality = "DX"
        (tmp_path / "film").mkdir()
        dataset.save_as(tmp_path / "film" / "film.dcm")
        uid = imported(tmp_path / "film")
        candidate = finish(series_candidate(uid))
        assert (candidate.problem, candidate.geometry.shape_kji) == (None, (1, 128, 128))
        assert finish(read_origin(load_series(uid))).problem is None

    def test_objects_that_are_no_images_say_what_they_are(self, slicer_app, tmp_path, shared_data):
        database = import_into(tmp_path / "db", shared_data / "dicom_quirks" / "non_image_objects")
        kinds = {}
        for uid in all_series(database).values():
            candidate = finish(series_candidate(uid))
            kinds[candidate.modality] = str(candidate.problem)
        assert "a segmentation, not an image" in kinds["SEG"]
        assert "a structured report, not an image" in kinds["SR"]


class TestPet:
    @pytest.fixture
    def raw(self, shared_data, tmp_path):
        """A part of the scan with the slices of several bed positions."""
        folder = tmp_path / "PET"
        folder.mkdir()
        files = sorted((shared_data / "pet_raw_suv" / "STS_001_FDG_PET" / "image").iterdir())
        for file in sorted(files, key=lambda path: float(pydicom.dcmread(path).ImagePositionPatient[2]))[100:124]:
            (folder / file.name).symlink_to(file)
        return folder

    def test_activity_is_scaled_once_and_equals_the_files_reader(self, imported, raw):
        node = load_series(imported(raw))
        origin = finish(read_origin(node))
        assert (origin.modality, origin.question) == ("PT", None)
        (expected,) = read_images(raw)
        assert dict(origin.attributes) == dict(expected.attributes)
        assert origin.series == expected.series
        found, wanted = to_suv_bw(volume_with_origin(node, origin)), to_suv_bw(expected)
        assert found.voxels.max() == pytest.approx(wanted.voxels.max(), rel=0.01)

    def test_suv_in_the_file_stays(self, imported, shared_data):
        node = load_series(imported(shared_data / "pet_ct_mr_sts" / "STS_002" / "PET" / "image"))
        origin = finish(read_origin(node))
        assert origin.question is None
        volume = volume_with_origin(node, origin)
        assert to_suv_bw(volume) is volume

    def test_values_that_a_plugin_made_suv_are_not_scaled_again(self, imported, raw):
        node = load_series(imported(raw))
        scale(node, 0.0005)
        set_units(node, "{SUVbw}g/ml")
        for origin in (origin_of(node), finish(read_origin(node))):
            assert origin.question is None
            volume = volume_with_origin(node, origin)
            assert to_suv_bw(volume) is volume

    def test_suv_by_lean_mass_is_refused(self, imported, raw):
        node = load_series(imported(raw))
        set_units(node, "{SUVlbm}g/ml")
        with pytest.raises(InputError, match="LBM"):
            to_suv_bw(volume_with_origin(node, origin_of(node)))

    def test_values_that_were_changed_since_raise_a_question(self, imported, raw):
        node = load_series(imported(raw))
        scale(node, 0.0005)
        origin = finish(read_origin(node))
        assert "changed since" in str(origin.question)
        with pytest.raises(InputError, match="Units is missing"):
            to_suv_bw(volume_with_origin(node, origin))
        accepted = volume_with_origin(node, origin.accepted())
        assert to_suv_bw(accepted) is accepted

    @pytest.mark.parametrize("reason", ["unknown code", "name against code", "mapped without a code", "closed"])
    def test_what_cannot_be_decided_is_asked(self, imported, raw, reason):
        import slicer

        node = load_series(imported(raw))
        if reason == "unknown code":
            set_units(node, "{furlong}")
        elif reason == "name against code":
            set_units(node, "{SUVbw}g/ml")
            node.SetName("Study_(SUVlbm)")
        elif reason == "mapped without a code":
            node.SetAttribute("DICOM.RWV.instanceUID", "1.2.3")
        else:
            slicer.dicomDatabase.closeDatabase()
        origin = origin_of(node)
        assert origin.modality == "PT"
        assert origin.question is not None
        assert "Units" not in origin.attributes
        assert origin.accepted().attributes["Units"] == "GML"


def scale(node, factor):
    import slicer

    slicer.util.updateVolumeFromArray(node, (slicer.util.arrayFromVolume(node) * factor).astype(np.float32))


def set_units(node, code):
    import slicer

    entry = slicer.vtkCodedEntry()
    entry.SetValueSchemeMeaning(code, "UCUM", code)
    node.SetVoxelValueUnits(entry)
