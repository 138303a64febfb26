"""Boxes in the patient: from text, from Slicer's ROI files, and the voxels they hold."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from MedAISegLib.core.errors import UsageError
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.records import from_json, to_json
from MedAISegLib.core.region import OrientedBox, read_region

COS, SIN = np.cos(np.deg2rad(30)), np.sin(np.deg2rad(30))
ROTATED = np.array([[COS, -SIN, 0], [SIN, COS, 0], [0, 0, 1]])
"""Columns are the box's axes, turned by 30 degrees about the S axis."""

GEOMETRY = VolumeGeometry(
    (11, 13, 17),
    np.array([[0.2, 0, 1.1, -9], [-0.6, 1.3, 0.1, -8], [2, 0.2, 0, -10], [0, 0, 0, 1]]),
)
"""Oblique, anisotropic and sheared."""


def markup(**changes: object) -> dict[str, object]:
    """A markups ROI as Slicer saves it, in LPS."""
    return {
        "type": "ROI",
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "roiType": "Box",
        "center": [1.0, 2.0, 3.0],
        "orientation": ROTATED.ravel().tolist(),
        "size": [10.0, 6.0, 8.0],
    } | changes


def write_markup(folder: Path, **changes: object) -> str:
    path = folder / "R.mrk.json"
    path.write_text(json.dumps({"markups": [markup(**changes)]}), encoding="utf-8")
    return str(path)


def holds(box: OrientedBox, point_lps: np.ndarray) -> bool:
    """Whether a point lies inside, one axis at a time."""
    offset = point_lps - np.array(box.center_lps)
    return all(abs(offset @ np.array(axis)) <= size / 2 for axis, size in zip(box.axes_lps, box.size_mm, strict=True))


def brute_force_mask(box: OrientedBox, geometry: VolumeGeometry) -> np.ndarray:
    mask = np.zeros(geometry.shape_kji, dtype=bool)
    for index in product(*map(range, geometry.shape_kji)):
        mask[index] = holds(box, geometry.index_to_lps(index))
    return mask


def test_six_numbers_are_a_box_along_the_patient_axes_in_any_order_of_the_corners() -> None:
    box = read_region("10, -2,4,8,-6,0.5")
    assert box.center_lps == (4, 6, -2.75)
    assert box.size_mm == (12, 4, 6.5)
    assert box.axes_lps == ((1, 0, 0), (0, 1, 0), (0, 0, 1))


@pytest.mark.parametrize("text", ["", "1,2,3,4,5", "1,2,3,4,5,6,7", "a,b,c,d,e,f", "roi.nrrd"])
def test_other_text_is_refused_with_the_two_forms_named(text: str) -> None:
    with pytest.raises(UsageError, match="LPS mm, or a Slicer markups ROI"):
        read_region(text)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("text", ["0,nan,0,1,0,1", "0,inf,0,1,0,1", "-inf,inf,0,1,0,1", "-1.7e308,1.7e308,0,1,0,1"])
def test_numbers_that_are_not_finite_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no region"):
        read_region(text)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("sign", [1, -1])
def test_a_region_beyond_all_integers_does_not_meet_the_image(sign: int) -> None:
    with pytest.raises(UsageError, match="does not meet the image"):
        OrientedBox.from_bounds((sign * 1e300, 0, 0), (sign * 1.1e300, 1, 1)).voxel_bounds(GEOMETRY)


def test_a_rotated_roi_file_keeps_its_axes_and_size(tmp_path: Path) -> None:
    box = read_region(write_markup(tmp_path))
    assert box.center_lps == (1, 2, 3)
    assert box.size_mm == (10, 6, 8)
    np.testing.assert_allclose(np.transpose(box.axes_lps), ROTATED)
    far = np.array([1, 2, 3]) + ROTATED @ [4.9, 2.9, 3.9]
    assert holds(box, far)
    assert not holds(box, np.array([1, 2, 3]) + ROTATED.T @ [4.9, 0, 0])


@pytest.mark.parametrize("frame", ["RAS", "0", 0])
def test_an_roi_file_in_ras_gives_the_same_box(tmp_path: Path, frame: object) -> None:
    flip = np.diag([-1, -1, 1])
    in_ras = write_markup(
        tmp_path,
        coordinateSystem=frame,
        center=(flip @ [1, 2, 3]).tolist(),
        orientation=(flip @ ROTATED).ravel().tolist(),
    )
    box, expected = read_region(in_ras), OrientedBox((1, 2, 3), tuple(map(tuple, ROTATED.T)), (10, 6, 8))
    np.testing.assert_allclose(sorted(box.corners_lps().tolist()), sorted(expected.corners_lps().tolist()))
    np.testing.assert_array_equal(box.mask(GEOMETRY), expected.mask(GEOMETRY))


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "Fiducial"},
        {"center": ["x", 0, 0]},
        {"center": [0, 0]},
        {"orientation": [1, 0, 0]},
        {"orientation": [2, 0, 0, 0, 1, 0, 0, 0, 1]},
        {"size": None},
        {"size": [1, 2]},
        {"size": [10, 0, 5]},
        {"size": [10, -1, 5]},
        {"coordinateSystem": "IJK"},
        {"insideOut": True},
        {"coordinateUnits": "um"},
        {"coordinateUnits": ["mm", "mm", "um"]},
    ],
    ids=str,
)
def test_a_file_that_describes_no_box_is_refused_by_its_name(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"R\.mrk\.json"):
        read_region(write_markup(tmp_path, **changes))


@pytest.mark.parametrize("name", ["R.MRK.JSON", "R.mrk.Json"])
def test_the_ending_may_be_written_in_capitals(tmp_path: Path, name: str) -> None:
    Path(write_markup(tmp_path)).rename(tmp_path / name)
    assert read_region(str(tmp_path / name)).size_mm == (10, 6, 8)


def test_what_slicer_writes_beside_the_box_changes_nothing(tmp_path: Path) -> None:
    written = write_markup(tmp_path, insideOut=False, coordinateUnits=["mm", "mm", "mm"])
    assert read_region(written).size_mm == (10, 6, 8)


@pytest.mark.parametrize("number", [2, 3])
def test_of_several_rois_none_is_taken_in_silence(tmp_path: Path, number: int) -> None:
    (tmp_path / "R.mrk.json").write_text(json.dumps({"markups": [markup()] * number}), encoding="utf-8")
    with pytest.raises(UsageError, match=rf"R\.mrk\.json.*{number} ROIs"):
        read_region(str(tmp_path / "R.mrk.json"))


def test_an_roi_beside_markups_of_other_kinds_is_the_one_that_is_meant(tmp_path: Path) -> None:
    content = {"markups": [markup(type="Fiducial"), markup()]}
    (tmp_path / "R.mrk.json").write_text(json.dumps(content), encoding="utf-8")
    assert read_region(str(tmp_path / "R.mrk.json")).size_mm == (10, 6, 8)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"markups": []}', '{"markups": [3]}', '{"markups": {"a": 1}}', "[" * 100_000]
)
def test_a_file_that_is_no_markup_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="no markups ROI file"):
        read_region(str(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.mrk\.json: cannot be read"):
        read_region(str(tmp_path / "gone.mrk.json"))


def test_the_corners_are_half_the_size_along_each_axis() -> None:
    box = OrientedBox((1, 2, 3), tuple(map(tuple, ROTATED.T)), (10, 6, 8))
    offsets = (box.corners_lps() - (1, 2, 3)) @ ROTATED
    assert {tuple(np.round(corner, 9)) for corner in offsets} == set(product((-5, 5), (-3, 3), (-4, 4)))


@pytest.mark.parametrize("seed", range(6))
def test_the_mask_holds_the_voxels_whose_centres_are_inside(seed: int) -> None:
    random = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(random.normal(size=(3, 3)))
    box = OrientedBox(tuple(random.uniform(-4, 4, 3)), tuple(map(tuple, axes)), tuple(random.uniform(4, 14, 3)))
    expected = brute_force_mask(box, GEOMETRY)
    assert expected.any()
    np.testing.assert_array_equal(box.mask(GEOMETRY), expected)


@pytest.mark.parametrize("quarter_turns", [0, 1, 2, 3])
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1)])
def test_voxels_on_a_face_are_inside_whichever_way_grid_and_box_are_turned(
    quarter_turns: int, signs: tuple[int, int, int]
) -> None:
    affine = np.diag([*signs, 1.0]) * [1.0, 0.5, 0.1, 1.0]
    geometry = VolumeGeometry((8, 9, 30), affine)
    angle = quarter_turns * np.pi / 2  # whose sine is next to zero, not zero
    axes = ((np.cos(angle), np.sin(angle), 0.0), (-np.sin(angle), np.cos(angle), 0.0), (0.0, 0.0, 1.0))
    low, high = geometry.index_to_lps(np.array([2, 3, 11])), geometry.index_to_lps(np.array([5, 6, 17]))
    size = np.abs(high - low)
    turned = (size[1], size[0], size[2]) if quarter_turns % 2 else tuple(size)
    expected = np.zeros(geometry.shape_kji, dtype=bool)
    expected[2:6, 3:7, 11:18] = True
    mask = OrientedBox(tuple((low + high) / 2), axes, turned).mask(geometry)
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("seed", range(6))
def test_the_voxel_bounds_hold_the_whole_mask_and_stay_in_the_image(seed: int) -> None:
    random = np.random.default_rng(100 + seed)
    axes, _ = np.linalg.qr(random.normal(size=(3, 3)))
    box = OrientedBox(tuple(random.uniform(-8, 8, 3)), tuple(map(tuple, axes)), tuple(random.uniform(4, 20, 3)))
    start, shape = box.voxel_bounds(GEOMETRY)
    stop = np.add(start, shape)
    assert (np.array(start) >= 0).all()
    assert (stop <= GEOMETRY.shape_kji).all()
    inside = np.argwhere(brute_force_mask(box, GEOMETRY))
    assert (inside >= start).all()
    assert (inside < stop).all()


def test_the_bounds_of_an_upright_box_are_tight() -> None:
    geometry = VolumeGeometry((10, 10, 10), np.diag([2.0, 2.0, 2.0, 1.0]))
    # Centres at 4, 6 and 8 mm: both ends count.
    start, shape = OrientedBox.from_bounds((4, 3.9, 4.1), (8, 8.1, 8.1)).voxel_bounds(geometry)
    assert (start, shape) == ((2, 2, 3), (3, 3, 2))


@pytest.mark.parametrize("center", [(500, 0, 0), (0, 0, -60)])
def test_a_region_beside_the_image_is_refused(center: tuple[float, float, float]) -> None:
    box = OrientedBox(center, ((1, 0, 0), (0, 1, 0), (0, 0, 1)), (4, 4, 4))
    with pytest.raises(UsageError, match="does not meet the image"):
        box.voxel_bounds(GEOMETRY)


def test_a_region_between_two_slices_is_refused() -> None:
    geometry = VolumeGeometry((4, 4, 4), np.diag([5.0, 1.0, 1.0, 1.0]))
    with pytest.raises(UsageError, match="does not meet the image"):
        OrientedBox.from_bounds((1, 0, 0), (4, 3, 3)).voxel_bounds(geometry)


def test_a_box_survives_json() -> None:
    box = OrientedBox((1.5, 2, 3), tuple(map(tuple, ROTATED.T)), (10, 6, 8))
    assert from_json(OrientedBox, json.loads(json.dumps(to_json(box)))) == box


@pytest.mark.slicer
def test_an_roi_that_slicer_saved_is_the_box_that_slicer_means(tmp_path: Path) -> None:
    slicer_core = pytest.importorskip("slicer_core")
    vtk = pytest.importorskip("vtk")
    object_to_node = np.eye(4)
    object_to_node[:3, :3], object_to_node[:3, 3] = ROTATED, (1, 2, 3)
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(object_to_node.ravel().tolist())
    roi = slicer_core.vtkMRMLMarkupsROINode()
    roi.SetSize(10, 6, 8)
    roi.SetAndObserveObjectToNodeMatrix(matrix)
    storage = slicer_core.vtkMRMLMarkupsROIJsonStorageNode()
    storage.SetFileName(str(tmp_path / "R.mrk.json"))
    assert storage.WriteData(roi)

    box = read_region(str(tmp_path / "R.mrk.json"))
    points_ras = np.random.default_rng(3).uniform((-6, -6, -3), (8, 10, 9), size=(300, 3))
    planes = vtk.vtkPlanes()
    roi.GetPlanes(planes)
    inside = [planes.EvaluateFunction(point) <= 0 for point in points_ras]
    assert 20 < sum(inside) < 280
    assert [holds(box, point * (-1, -1, 1)) for point in points_ras] == inside
