"""Image files of every format: the same world, whatever the file's own frame, units and types."""

from __future__ import annotations

from pathlib import Path

import h5py
import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from MedAISegLib.core.errors import ConfirmationRequired, InputError
from MedAISegLib.core.geometry import LPS_TO_RAS
from MedAISegLib.core.volume import Volume
from MedAISegLib.readers import list_images, read_images
from phantom import largest_error, oblique, world_value

SHAPE_IJK = (5, 4, 6)


def affine_ras(sheared: bool = False) -> np.ndarray:
    """4x4 (i, j, k) to RAS: oblique, anisotropic, on request sheared."""
    cosines = np.array(oblique())
    axes = np.stack([cosines[:3], cosines[3:], np.cross(cosines[:3], cosines[3:])], axis=1)
    affine = np.eye(4)
    affine[:3, :3] = axes * (0.75, 1.5, 2.5)
    affine[:3, 3] = (-10, 7, 3)
    if sheared:
        affine[:3, 2] += (0.3, 0.0, 0.0)
    return affine


def values(affine: np.ndarray, dtype: type = np.float32) -> np.ndarray:
    """(i, j, k) image of the world function."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE_IJK), indexing="ij"), axis=-1)
    points_ras = index @ affine[:3, :3].T + affine[:3, 3]
    return world_value(points_ras @ LPS_TO_RAS[:3, :3]).astype(dtype)


def nifti(affine: np.ndarray, kind: type = nib.Nifti1Image) -> nib.Nifti1Image:
    return kind(values(affine), affine)


def read_one(path: Path, *, accept: bool = False) -> Volume:
    (volume,) = read_images(path, accept=accept)
    return volume


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("sheared", [False, True])
def test_nifti_lies_where_its_affine_says(tmp_path, kind, name, sheared) -> None:
    image = nifti(affine_ras(sheared), kind)
    image.set_qform(None, 0)
    nib.save(image, tmp_path / name)
    volume = read_one(tmp_path / name)
    assert volume.geometry.shape_kji == SHAPE_IJK[::-1]
    assert largest_error(volume) < 1e-3
    assert volume.voxels.flags.c_contiguous
    assert (volume.description, volume.modality, volume.series) == (name, "", None)


@pytest.mark.parametrize(("unit", "per_mm"), [("meter", 1e-3), ("micron", 1e3)])
def test_lengths_in_metres_or_microns_are_converted(tmp_path, unit, per_mm) -> None:
    affine = affine_ras()
    image = nib.Nifti1Image(values(affine), np.diag([per_mm] * 3 + [1]) @ affine)
    image.header.set_xyzt_units(unit)
    nib.save(image, tmp_path / "a.nii")
    volume = read_one(tmp_path / "a.nii")
    assert largest_error(volume) < 0.01
    assert [notice.code for notice in volume.notices] == ["units"]


def test_forms_that_disagree_are_asked_about(tmp_path) -> None:
    image = nifti(affine_ras())
    moved = affine_ras()
    moved[:3, 3] += (0, 9, 0)
    image.set_qform(moved, 1)
    image.set_sform(affine_ras(), 1)
    nib.save(image, tmp_path / "a.nii")
    with pytest.raises(ConfirmationRequired, match=r"disagree by up to 9.*the sform is used"):
        read_images(tmp_path / "a.nii")
    volume = read_one(tmp_path / "a.nii", accept=True)
    assert largest_error(volume) < 1e-3
    assert [notice.code for notice in volume.notices] == ["assumption-accepted"]


def test_forms_that_agree_are_not_asked_about(tmp_path) -> None:
    image = nifti(affine_ras())
    image.set_qform(affine_ras(), 1)
    image.set_sform(affine_ras(), 2)
    nib.save(image, tmp_path / "a.nii")
    assert not read_one(tmp_path / "a.nii").notices


def test_a_nifti_without_orientation_is_asked_about(tmp_path) -> None:
    image = nib.Nifti1Image(values(affine_ras()), None)
    image.set_sform(None, 0)
    image.set_qform(None, 0)
    nib.save(image, tmp_path / "a.nii")
    with pytest.raises(ConfirmationRequired, match="assumed to run to"):
        read_images(tmp_path / "a.nii")


def test_analyze_without_orientation_is_asked_about(tmp_path) -> None:
    nib.save(nib.AnalyzeImage(values(affine_ras()), None), tmp_path / "a.img")
    listings = list_images(tmp_path)
    assert [listing.kind for listing in listings] == ["Analyze"]
    with pytest.raises(ConfirmationRequired, match="assumed to run to"):
        read_images(tmp_path)
    assert read_one(tmp_path / "a.img", accept=True).voxels.shape == SHAPE_IJK[::-1]


def test_a_nifti_pair_is_one_image(tmp_path) -> None:
    nib.save(nib.Nifti1Pair(values(affine_ras()), affine_ras()), tmp_path / "a.img")
    assert largest_error(read_one(tmp_path)) < 1e-3


def test_frames_of_a_4d_image_are_volumes(tmp_path) -> None:
    data = np.stack([values(affine_ras()) + 100 * n for n in range(3)], axis=-1)
    nib.save(nib.Nifti1Image(data, affine_ras()), tmp_path / "a.nii.gz")
    volumes = read_images(tmp_path)
    assert [round(largest_error(volume)) for volume in volumes] == [0, 100, 200]
    assert volumes[1].description == "a.nii.gz (frame 2 of 3)"


@pytest.mark.parametrize(
    ("stored", "read"),
    [(np.uint8, np.uint8), (np.int16, np.int16), (np.int64, np.int32), (np.float64, np.float32), (">i2", np.int16)],
)
def test_whole_numbers_stay_whole(tmp_path, stored, read) -> None:
    data = np.arange(120, dtype=stored).reshape(SHAPE_IJK)
    nib.save(nib.Nifti1Image(data, affine_ras(), dtype=np.dtype(stored)), tmp_path / "a.nii")
    volume = read_one(tmp_path / "a.nii")
    assert volume.voxels.dtype == read
    np.testing.assert_array_equal(volume.voxels.T, data)


def test_a_slope_is_applied(tmp_path) -> None:
    image = nib.Nifti1Image(values(affine_ras()), affine_ras())
    image.set_data_dtype(np.int16)
    nib.save(image, tmp_path / "a.nii")
    assert largest_error(read_one(tmp_path / "a.nii")) < 0.01


def test_not_a_number_stays_for_the_case_to_refuse(tmp_path) -> None:
    data = values(affine_ras())
    data[1, 2, 3] = np.nan
    nib.save(nib.Nifti1Image(data, affine_ras()), tmp_path / "a.nii")
    assert np.isnan(read_one(tmp_path / "a.nii").voxels[3, 2, 1])


def test_colours_complex_numbers_and_vectors_are_refused(tmp_path) -> None:
    rgb = np.zeros(SHAPE_IJK, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    nib.save(nib.Nifti1Image(rgb, affine_ras()), tmp_path / "rgb.nii")
    nib.save(nib.Nifti1Image(np.zeros(SHAPE_IJK, dtype=np.complex64), affine_ras()), tmp_path / "complex.nii")
    field = nib.Nifti1Image(np.zeros((*SHAPE_IJK, 1, 3), dtype=np.float32), affine_ras())
    field.header.set_intent("vector")
    nib.save(field, tmp_path / "field.nii")
    for name, word in (("rgb", "colour"), ("complex", "complex"), ("field", "vector")):
        with pytest.raises(InputError, match=word):
            read_images(tmp_path / f"{name}.nii")


def test_a_singular_affine_is_refused(tmp_path) -> None:
    image = nifti(affine_ras())
    flat = affine_ras()
    flat[:, 1] = flat[:, 0]
    image.set_sform(flat, 1)
    nib.save(image, tmp_path / "a.nii")
    with pytest.raises(InputError, match="affine"):
        read_images(tmp_path / "a.nii")


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.mgz", "a.nrrd", "a.mha"])
def test_a_file_cut_short_is_an_input_error(tmp_path, name) -> None:
    path = tmp_path / name
    write(path)
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(InputError):
        read_images(path)


def write(path: Path) -> None:
    """The world image in the format that the path's ending names."""
    if path.suffix in (".nrrd", ".nhdr", ".mha", ".mhd"):
        lps = LPS_TO_RAS @ affine_ras()
        image = sitk.GetImageFromArray(values(affine_ras()).transpose())
        spacing = np.linalg.norm(lps[:3, :3], axis=0)
        image.SetSpacing(spacing.tolist())
        image.SetOrigin(lps[:3, 3].tolist())
        image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
        sitk.WriteImage(image, str(path))
    elif path.suffix in (".mgh", ".mgz"):
        nib.save(nib.MGHImage(values(affine_ras()), affine_ras()), path)
    elif path.suffix == ".mnc":
        write_minc(path)
    else:
        nib.save(nifti(affine_ras()), path)


def write_minc(path: Path) -> None:
    """A MINC-2 file, its array in (z, y, x) order."""
    affine, data = affine_ras(), values(affine_ras()).transpose()
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    cosines = affine[:3, :3] / steps
    starts = np.linalg.solve(cosines, affine[:3, 3])
    with h5py.File(path, "w") as file:
        root = file.create_group("minc-2.0")
        for n, name in enumerate(("xspace", "yspace", "zspace")):
            space = root.create_dataset(f"dimensions/{name}", data=0)
            space.attrs.update({"start": starts[n], "step": steps[n], "direction_cosines": cosines[:, n]})
            space.attrs.update({"length": SHAPE_IJK[n], "spacing": np.bytes_("regular__")})
        image = root.create_dataset("image/0/image", data=data.astype(np.float32))
        image.attrs["dimorder"] = np.bytes_("zspace,yspace,xspace")
        image.attrs["valid_range"] = np.array([data.min(), data.max()])
        root.create_dataset("image/0/image-min", data=float(data.min()))
        root.create_dataset("image/0/image-max", data=float(data.max()))


@pytest.mark.parametrize("name", ["a.nrrd", "a.nhdr", "a.mha", "a.mhd", "a.mgh", "a.mgz", "a.mnc"])
def test_other_formats_lie_where_they_say(tmp_path, name) -> None:
    write(tmp_path / name)
    volume = read_one(tmp_path / name)
    assert largest_error(volume) < 1e-3
    assert not volume.notices


def test_vectors_and_segmentations_in_nrrd_are_refused(tmp_path) -> None:
    sitk.WriteImage(sitk.Image([4, 4, 4], sitk.sitkVectorUInt8, 3), str(tmp_path / "rgb.nrrd"))
    sitk.WriteImage(sitk.Image([4, 4, 4], sitk.sitkUInt8), str(tmp_path / "a.seg.nrrd"))
    for name, word in (("rgb.nrrd", "several values"), ("a.seg.nrrd", "segmentation")):
        with pytest.raises(InputError, match=word):
            read_images(tmp_path / name)


def test_frames_of_a_4d_metaimage_are_volumes(tmp_path) -> None:
    data = np.arange(2 * 3 * 4 * 5, dtype=np.int16).reshape(2, 3, 4, 5)
    sitk.WriteImage(sitk.GetImageFromArray(data, isVector=False), str(tmp_path / "a.mha"))
    volumes = read_images(tmp_path)
    np.testing.assert_array_equal(np.stack([volume.voxels for volume in volumes]), data)


def test_image_files_in_a_folder_are_all_listed(tmp_path) -> None:
    for name in ("a.nii.gz", "b.nrrd", "notes.txt"):
        path = tmp_path / name
        write(path) if name != "notes.txt" else path.write_text("seen", encoding="utf-8")
    listings = list_images(tmp_path)
    assert [(listing.kind, listing.size_ijk) for listing in listings] == [("NIfTI", SHAPE_IJK), ("NRRD", SHAPE_IJK)]
    assert all("1 other file " in str(listing.notices[-1]) for listing in listings)


def test_what_is_not_there_or_no_image_is_an_input_error(tmp_path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        list_images(tmp_path / "missing")
    with pytest.raises(InputError, match="no image"):
        list_images(tmp_path)
