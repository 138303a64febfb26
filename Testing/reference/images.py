"""Real images for the comparisons, as NIfTI files, and copies of them that are turned in the scanner.

SimpleITK is imported where an image is made with it: what was made is also used on machines without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import nibabel
import numpy as np
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.quantities import AIR_HU
from MedAISegLib.core.volume import Volume
from numpy.typing import NDArray

if TYPE_CHECKING:
    import SimpleITK as sitk

Affine = NDArray[np.float64]
Image = tuple[NDArray, Affine]
"""Voxels (i, j, k) and the affine from their index to RAS mm, as nibabel has them."""


def spleen_ct(data: Path) -> list[Image]:
    return [_nifti(data / "ct_spleen" / "spleen_2_crop_ct.nii.gz")]


def spleen_ct_divisible_by_8(data: Path) -> list[Image]:
    """The first voxels along each axis, as many as a network without padding can take."""
    (voxels, affine) = spleen_ct(data)[0]
    a, b, c = (n // 8 * 8 for n in voxels.shape)
    return [(voxels[:a, :b, :c], affine)]


def trunk_ct(data: Path) -> list[Image]:
    return [_nifti(data / "ct_totalsegmentator" / "images" / "example_ct.nii.gz")]


def short_trunk_ct(data: Path) -> list[Image]:
    return [_nifti(data / "ct_totalsegmentator" / "images" / "example_ct_sm.nii.gz")]


def few_slices_ct(data: Path) -> list[Image]:
    """512 x 512 x 20 voxels."""
    return [_whole_numbers(_from_itk(_dicom(data / "ct_totalsegmentator" / "example_ct_dicom")))]


def liver_ct(data: Path) -> list[Image]:
    """512 x 512 x 41 voxels."""
    return [_whole_numbers(_from_itk(_dicom(data / "ct_liver_dicom" / "CRLM-CT-1004")))]


def large_trunk_ct(data: Path) -> list[Image]:
    """488 x 404 x 224 voxels."""
    return [_fine(data, (488, 404, 224), (0.75, 0.75, 1.5))]


def fine_ct(data: Path) -> list[Image]:
    """512 x 512 x 160 voxels of a small field of view, as a CT is reconstructed again for one organ."""
    return [_fine(data, (512, 512, 160), (0.4, 0.4, 0.8))]


def few_fine_slices_ct(data: Path) -> list[Image]:
    """320 x 320 x 120 voxels of about the same."""
    return [_fine(data, (320, 320, 120), (0.5, 0.5, 1.0))]


def hippocampus_mr(data: Path) -> list[Image]:
    return [_nifti(data / "hippocampus" / "images" / "hippocampus_001.nii.gz")]


def head_crop(data: Path) -> list[Image]:
    return [_nifti(data / "brain_t1" / "t1_crop.nii.gz")]


def whole_head(data: Path) -> list[Image]:
    return [_nifti(data / "brain_t1" / "chris_t1.nii.gz")]


def brain_mr(data: Path) -> list[Image]:
    """T1 with contrast agent, T1, T2 and FLAIR of one study on one grid of 1.75 mm, 128 voxels along each axis."""
    return _brain_on(data, (128, 128, 128), 1.75)


def brain_t1(data: Path) -> list[Image]:
    """The T1 of that study without contrast agent, on that grid."""
    return brain_mr(data)[1:2]


def finer_brain_mr(data: Path) -> list[Image]:
    """The same on 192 x 192 x 144 voxels of 1.2 mm."""
    return _brain_on(data, (192, 192, 144), 1.2)


def finest_brain_mr(data: Path) -> list[Image]:
    """The same on 240 x 240 x 176 voxels of 1.0 mm."""
    return _brain_on(data, (240, 240, 176), 1.0)


def brats_labels(layers: NDArray[np.integer]) -> NDArray[np.integer]:
    """The three overlapping (layer, k, j, i) as one label image, by the rule that the bundle's own config ends with."""
    core, whole, enhancing = (layer > 0 for layer in layers)
    return np.where(enhancing, 4, np.where(core, 1, np.where(whole, 2, 0)))


def _fine(data: Path, size: tuple[int, int, int], spacing_mm: Sequence[float]) -> Image:
    """The middle of a trunk, on a finer grid than it was stored on."""
    import SimpleITK as sitk

    whole = sitk.ReadImage(str(data / "ct_totalsegmentator" / "images" / "example_ct.nii.gz"), sitk.sitkFloat32)
    return _whole_numbers(_from_itk(_resampled(whole, size, spacing_mm)))


def _brain_on(data: Path, size: tuple[int, int, int], spacing_mm: float) -> list[Image]:
    study = data / "brain_mr_dicom" / "study1"
    series = ("12-T1post-05670", "34909-T1prereg-84610", "37916-T2reg-88910", "36459-FLAIRreg-76244")
    images = [_dicom(study / name) for name in series]
    return [_from_itk(_resampled(image, size, (spacing_mm,) * 3, images[0])) for image in images]


def _resampled(
    image: sitk.Image, size: tuple[int, int, int], spacing_mm: Sequence[float], around: sitk.Image | None = None
) -> sitk.Image:
    """Linear, on a grid along the patient's axes around the middle of an image, its own where none is given."""
    import SimpleITK as sitk

    middle = image if around is None else around
    centre = np.array(middle.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in middle.GetSize()]))
    grid = sitk.Image(list(size), sitk.sitkFloat32)
    grid.SetSpacing(list(spacing_mm))
    grid.SetOrigin(list(centre - np.array(spacing_mm) * (np.array(size) - 1) / 2))
    return sitk.Resample(image, grid, sitk.Transform(), sitk.sitkLinear, -1024.0 if around is None else 0.0)


def permuted(image: Image) -> Image:
    """The same voxels at the same places, stored in another order of the axes."""
    order = [2, 0, 1]
    return image[0].transpose(order), image[1] @ np.eye(4)[:, [*order, 3]]


def flipped(image: Image) -> Image:
    """The same voxels at the same places, stored with the first and the third axis reversed."""
    voxels, affine = image
    flip = np.diag([-1.0, 1.0, -1.0, 1.0])
    flip[0, 3], flip[2, 3] = voxels.shape[0] - 1, voxels.shape[2] - 1
    return voxels[::-1, :, ::-1], affine @ flip


def oblique(image: Image) -> Image:
    """The same voxels of a patient who lay turned by 17 degrees about one axis and by 9 about another."""
    a, b = np.deg2rad(17), np.deg2rad(9)
    about_z = [[np.cos(a), -np.sin(a), 0, 0], [np.sin(a), np.cos(a), 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    about_x = [[1, 0, 0, 0], [0, np.cos(b), -np.sin(b), 0], [0, np.sin(b), np.cos(b), 0], [0, 0, 0, 1]]
    return image[0], np.array(about_z) @ np.array(about_x) @ image[1]


COPIES: Mapping[str, Callable[[Image], Image]] = {"permuted": permuted, "flipped": flipped, "oblique": oblique}


def inner(image: Image, size: tuple[int, int, int]) -> Image:
    """So many voxels (i, j, k) of its middle."""
    voxels, affine = image
    start = [(have - wanted) // 2 for have, wanted in zip(voxels.shape, size, strict=True)]
    shifted = affine.copy()
    shifted[:3, 3] += affine[:3, :3] @ start
    return voxels[tuple(slice(n, n + wanted) for n, wanted in zip(start, size, strict=True))], shifted


def mirrored(image: Image, size: tuple[int, int, int]) -> Image:
    """Grown to so many voxels (i, j, k) by being mirrored at its borders as often as it takes."""
    voxels, affine = image
    missing = [(0, max(0, wanted - have)) for wanted, have in zip(size, voxels.shape, strict=True)]
    return np.pad(voxels, missing, mode="reflect"), affine


def write_images(images: list[Image], folder: Path) -> list[Path]:
    folder.mkdir(parents=True)
    paths = [folder / f"image_{n}.nii.gz" for n in range(len(images))]
    for path, (voxels, affine) in zip(paths, images, strict=True):
        nifti = nibabel.Nifti1Image(np.ascontiguousarray(voxels), affine)
        nifti.set_qform(affine, code=1)
        nifti.set_sform(affine, code=1)
        nibabel.save(nifti, path)
    return paths


def read_volume(path: Path, modality: str = "") -> Volume:
    """As ITK sees the file, which is another eye than the reference implementation's."""
    import SimpleITK as sitk

    image = sitk.ReadImage(str(path))
    geometry = VolumeGeometry.from_itk(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    return Volume(sitk.GetArrayFromImage(image), geometry, modality)


def read_case(paths: list[Path], channels: tuple[str, ...]) -> Case:
    return Case({name: read_volume(path) for name, path in zip(channels, paths, strict=True)})


def _whole_numbers(image: Image) -> Image:
    """As CT is stored, HU in two bytes; without padding, which we take for air and a reference for what it says."""
    return np.rint(image[0]).clip(min=AIR_HU).astype(np.int16), image[1]


def _nifti(path: Path) -> Image:
    image = nibabel.load(path)
    return np.asarray(image.dataobj, dtype=np.float32), np.asarray(image.affine)


def dicom(folder: Path) -> Image:
    """A series, its values in single precision."""
    return _from_itk(_dicom(folder))


def _dicom(folder: Path) -> sitk.Image:
    import SimpleITK as sitk

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    reader.SetOutputPixelType(sitk.sitkFloat32)
    return reader.Execute()


def _from_itk(image: sitk.Image) -> Image:
    import SimpleITK as sitk

    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image).T, np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
