"""Where voxels lie: every axis order and flip, on oblique, anisotropic and sheared grids."""

from __future__ import annotations

from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from MedAISegLib.core.geometry import LPS_TO_RAS, VolumeGeometry, patient_axes_lps

SHAPE = (5, 6, 7)
PERMUTATIONS = list(permutations(range(3)))
FLIPS = list(product((False, True), repeat=3))


def rotation(angle_deg: float, axis: tuple[float, float, float]) -> np.ndarray:
    """Rodrigues' formula."""
    x, y, z = np.asarray(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.deg2rad(angle_deg)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def grid(columns: np.ndarray, origin: tuple[float, float, float] = (-31.0, 47.5, 12.25)) -> VolumeGeometry:
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = columns, origin
    return VolumeGeometry(SHAPE, affine)


AXIAL = np.array([[0, 0, 0.7], [0, 0.9, 0], [3.1, 0, 0]])  # columns k, j, i: slices to S, rows to P, columns to L
GRIDS = {
    "axial": grid(AXIAL),
    "oblique": grid(rotation(23, (1, 2, 3)) @ AXIAL),
    "sheared": grid(AXIAL + np.outer([0, -3.1 * np.tan(np.deg2rad(15)), 0], [1, 0, 0])),
    "oblique and sheared": grid(
        rotation(-17, (3, 1, -1)) @ (AXIAL + np.outer([0.3, -0.83, 0], [1, 0, 0])),
    ),
    "left-handed": grid(rotation(9, (0, 1, 1)) @ AXIAL @ np.diag([-1, 1, 1])),
}


@pytest.fixture(params=GRIDS.values(), ids=GRIDS.keys())
def geometry(request: pytest.FixtureRequest) -> VolumeGeometry:
    return request.param


@pytest.fixture(params=PERMUTATIONS, ids=str)
def order(request: pytest.FixtureRequest) -> tuple[int, int, int]:
    return request.param


@pytest.fixture(params=FLIPS, ids=lambda f: "".join("+-"[x] for x in f))
def flips(request: pytest.FixtureRequest) -> tuple[bool, bool, bool]:
    return request.param


def positions(geometry: VolumeGeometry) -> np.ndarray:
    """(k, j, i, 3), every voxel's place in LPS mm."""
    return geometry.index_to_lps(np.moveaxis(np.indices(geometry.shape_kji), 0, -1))


def flip_array(array: np.ndarray, flips: tuple[bool, ...]) -> np.ndarray:
    return np.flip(array, [axis for axis, flip in enumerate(flips) if flip])


def test_a_permuted_and_flipped_array_keeps_every_voxel_where_it_was(
    geometry: VolumeGeometry, order: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> None:
    moved = geometry.transposed(order).flipped(flips)
    expected = flip_array(positions(geometry).transpose(*order, 3), flips)
    assert moved.shape_kji == expected.shape[:3]
    np.testing.assert_allclose(positions(moved), expected, atol=1e-9)


def test_axis_codes_are_nibabels_on_every_axis_order_and_flip(
    geometry: VolumeGeometry, order: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> None:
    moved = geometry.transposed(order).flipped(flips)
    assert moved.axis_codes() == "".join(nib.aff2axcodes(moved.affine_ras))


def test_axis_codes_are_nibabels_for_arbitrary_rotations_and_shears() -> None:
    random = np.random.default_rng(20)
    for _ in range(500):
        columns = rotation(random.uniform(0, 360), tuple(random.normal(size=3))) * random.uniform(0.3, 6, size=3)
        columns = columns + random.uniform(-0.4, 0.4, size=(3, 3)) * np.linalg.norm(columns, axis=0)
        if abs(np.linalg.det(columns / np.linalg.norm(columns, axis=0))) > 0.2:
            tilted = grid(columns)
            assert tilted.axis_codes() == "".join(nib.aff2axcodes(tilted.affine_ras)), columns


@pytest.mark.parametrize("codes", ["RAS", "LPS", "LIA", "SPL", "aRs"])
def test_steps_towards_sides_bring_the_axes_there_from_every_start(
    geometry: VolumeGeometry, order: tuple[int, int, int], flips: tuple[bool, bool, bool], codes: str
) -> None:
    start = geometry.transposed(order).flipped(flips)
    to_order, to_flips = start.steps_towards(codes)
    assert start.transposed(to_order).flipped(to_flips).axis_codes() == codes.upper()


def test_steps_towards_ras_are_nibabels_reorientation(geometry: VolumeGeometry) -> None:
    voxels = np.random.default_rng(1).random(SHAPE)
    order, flips = geometry.steps_towards("RAS")
    expected = nib.as_closest_canonical(nib.Nifti1Image(voxels, geometry.affine_ras))
    np.testing.assert_array_equal(flip_array(voxels.transpose(order), flips), expected.get_fdata())
    np.testing.assert_allclose(geometry.transposed(order).flipped(flips).affine_ras, expected.affine, atol=1e-5)


@pytest.mark.parametrize("codes", ["RAR", "RA", "RASL", "XYZ", "LRS", ""])
def test_letters_that_do_not_name_three_patient_axes_are_refused(codes: str) -> None:
    with pytest.raises(ValueError, match=r"name three different patient axes|none of the patient sides"):
        GRIDS["axial"].steps_towards(codes)


def test_unit_vectors_to_patient_sides_are_the_columns_of_a_grid_with_those_codes() -> None:
    np.testing.assert_array_equal(patient_axes_lps("LIA"), [[1, 0, 0], [0, 0, -1], [0, -1, 0]])
    for codes in ("RAS", "SPL", "LIA"):
        assert grid(patient_axes_lps(codes)).axis_codes() == codes


def test_an_axial_volume_runs_to_superior_posterior_left() -> None:
    assert GRIDS["axial"].axis_codes() == "SPL"


def test_index_and_position_are_each_others_inverse(geometry: VolumeGeometry) -> None:
    index = np.random.default_rng(2).uniform(-3, 9, size=(4, 5, 3))
    np.testing.assert_allclose(geometry.lps_to_index(geometry.index_to_lps(index)), index, atol=1e-9)


def test_a_single_index_gives_a_single_position(geometry: VolumeGeometry) -> None:
    np.testing.assert_allclose(geometry.index_to_lps((0, 0, 0)), geometry.origin_lps)
    np.testing.assert_allclose(geometry.lps_to_index(geometry.origin_lps), (0, 0, 0), atol=1e-12)


def test_index_to_another_grid_goes_through_the_patient() -> None:
    here, there = GRIDS["oblique"], GRIDS["sheared"]
    index = np.array([2.0, 1.5, 4.0])
    expected = there.lps_to_index(here.index_to_lps(index))
    np.testing.assert_allclose((here.index_to(there) @ [*index, 1])[:3], expected, atol=1e-9)


def test_an_itk_image_has_its_voxels_where_itk_says() -> None:
    image = sitk.Image(7, 6, 5, sitk.sitkInt16)
    image.SetSpacing((0.7, 0.9, 3.1))
    image.SetOrigin((-31.0, 47.5, 12.25))
    image.SetDirection(rotation(31, (2, -1, 1)).ravel().tolist())
    geometry = VolumeGeometry.from_itk(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    assert geometry.shape_kji == sitk.GetArrayViewFromImage(image).shape
    np.testing.assert_allclose(geometry.spacing_mm, (3.1, 0.9, 0.7))
    for i, j, k in product(range(0, 7, 3), range(0, 6, 5), range(5)):
        np.testing.assert_allclose(
            geometry.index_to_lps((k, j, i)), image.TransformIndexToPhysicalPoint((i, j, k)), atol=1e-9
        )


def test_ras_turns_the_first_two_coordinates(geometry: VolumeGeometry) -> None:
    lps = geometry.index_to_lps((3, 1, 2))
    np.testing.assert_allclose((geometry.affine_ras @ [3, 1, 2, 1])[:3], lps * (-1, -1, 1))
    np.testing.assert_array_equal(LPS_TO_RAS @ LPS_TO_RAS, np.eye(4))


def test_a_window_keeps_its_voxels_in_place_also_where_it_pads(geometry: VolumeGeometry) -> None:
    window = geometry.window((-2, 1, 3), (9, 4, 2))
    assert window.shape_kji == (9, 4, 2)
    np.testing.assert_allclose(positions(window)[2:7], positions(geometry)[:, 1:5, 3:5], atol=1e-9)


def test_spacing_and_voxel_volume_know_the_shear() -> None:
    sheared = GRIDS["sheared"]
    np.testing.assert_allclose(sheared.spacing_mm, (3.1 / np.cos(np.deg2rad(15)), 0.9, 0.7))
    assert sheared.voxel_volume_ml == pytest.approx(3.1 * 0.9 * 0.7 / 1000)


def test_only_grids_at_right_angles_are_rectilinear() -> None:
    assert {name for name, geometry in GRIDS.items() if geometry.is_rectilinear()} == {
        "axial", "oblique", "left-handed",
    }  # fmt: skip


def test_a_rectilinear_grid_stays_as_it_is() -> None:
    for name in ("axial", "oblique", "left-handed"):
        assert GRIDS[name].rectilinear().matches(GRIDS[name]), name


@pytest.mark.parametrize("name", ["sheared", "oblique and sheared"])
def test_the_rectilinear_grid_covers_the_sheared_one_in_the_same_slices(
    name: str, order: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> None:
    sheared = GRIDS[name].transposed(order).flipped(flips)
    straight = sheared.rectilinear()
    assert straight.is_rectilinear(1e-9)
    np.testing.assert_allclose(straight.directions_lps[:, 1], sheared.directions_lps[:, 1], atol=1e-9)
    index = straight.lps_to_index(positions(sheared))
    assert index.min() > -1e-3
    assert (index.max(axis=(0, 1, 2)) < np.array(straight.shape_kji) - 1 + 2e-3).all()
    assert straight.axis_codes() == sheared.axis_codes()


def test_the_rectilinear_grid_of_a_tilted_scan_keeps_its_slice_planes() -> None:
    sheared, straight = GRIDS["sheared"], GRIDS["sheared"].rectilinear()
    assert straight.shape_kji[0] == sheared.shape_kji[0]
    assert straight.shape_kji[2] == sheared.shape_kji[2]
    np.testing.assert_allclose(straight.spacing_mm, (3.1, 0.9, 0.7))
    np.testing.assert_allclose(positions(straight)[:, 0, 0, 2], positions(sheared)[:, 0, 0, 2], atol=1e-9)


def test_corners_are_half_a_voxel_beyond_the_outermost_centres() -> None:
    corners = GRIDS["axial"].corners_lps()
    np.testing.assert_allclose(corners.min(axis=0), (-31 - 0.35, 47.5 - 0.45, 12.25 - 1.55))
    np.testing.assert_allclose(corners.max(axis=0), (-31 + 6.5 * 0.7, 47.5 + 5.5 * 0.9, 12.25 + 4.5 * 3.1))


def test_grids_match_within_the_tolerance_at_every_corner(geometry: VolumeGeometry) -> None:
    affine = geometry.affine_lps.copy()
    affine[0, 3] += 5e-4
    assert geometry.matches(VolumeGeometry(SHAPE, affine))
    affine[0, 3] += 1e-3
    assert not geometry.matches(VolumeGeometry(SHAPE, affine))
    assert geometry.matches(VolumeGeometry(SHAPE, affine), tolerance_mm=0.01)


def test_a_small_error_of_direction_grows_to_the_far_corner() -> None:
    long = VolumeGeometry((500, 6, 7), GRIDS["axial"].affine_lps)
    bent = np.array(long.affine_lps)
    bent[0, 0] += 1e-5
    assert not long.matches(VolumeGeometry((500, 6, 7), bent))


def test_grids_of_another_shape_never_match(geometry: VolumeGeometry) -> None:
    assert not geometry.matches(VolumeGeometry((5, 6, 8), geometry.affine_lps))


def test_the_affine_cannot_be_changed_from_outside() -> None:
    affine = np.eye(4)
    geometry = VolumeGeometry(SHAPE, affine)
    affine[0, 3] = 99
    assert geometry.origin_lps[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        geometry.affine_lps[0, 3] = 1


@pytest.mark.parametrize(
    ("shape", "affine", "message"),
    [
        (SHAPE, np.eye(3), "4x4"),
        (SHAPE, np.diag([1, np.nan, 1, 1]), "finite"),
        (SHAPE, np.array([[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "singular"),
        ((5, 6), np.eye(4), "three axes"),
        ((5, 0, 7), np.eye(4), "at least one voxel"),
    ],
)
def test_what_is_no_grid_is_refused(shape: tuple[int, ...], affine: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VolumeGeometry(shape, affine)
