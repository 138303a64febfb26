"""Build the statistical atlas from which the sample study is drawn: a mean hippocampus and how hippocampi differ.

    python build_atlas.py --data FOLDER --output hippocampus_atlas.npz

Every training case (validation cases are left out) is brought onto one frame by an affine registration, left ones
mirrored onto the right. A diffeomorphic registration to the running mean then separates shape (a displacement field)
from appearance (intensities in the mean's shape); principal components of both together give the modes.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy import ndimage

Array = npt.NDArray[np.float32]

FOLDS_FILE = Path(__file__).parents[1] / "hippocampus" / "folds.json"
SHAPE_IJK = (46, 62, 46)
SHAPE_STEP = 3  # voxels between the nodes on which shape modes are kept
MODES = 5
DISTANCE_LIMIT_MM = 6.0
DISTANCE_WEIGHT = 0.5  # of the label edges against the intensities, in the deformable registration


@dataclass(frozen=True, eq=False)
class Subject:
    """One case around its own label centroid.

    Attributes:
        image: T1 intensities, percentiles 1..99 scaled to 0..1; 1 mm grid in RAS.
        whole: signed distance to the hippocampus in mm, negative inside.
        front: signed distance to the anterior minus that to the posterior part, in mm.
    """

    image: sitk.Image
    whole: sitk.Image
    front: sitk.Image


@dataclass(frozen=True, eq=False)
class Aligned:
    """A subject on the atlas grid, arrays (i, j, k); ``seen`` is 1 where the crop has data."""

    image: Array
    whole: Array
    front: Array
    seen: Array


def read_subject(folder: Path, name: str, mirrored: bool) -> Subject:
    """Read a case, mirrored left to right or not."""
    image, labels = (
        np.asarray(nibabel.as_closest_canonical(nibabel.load(folder / part / f"{name}.nii.gz")).dataobj, np.float32)
        for part in ("images", "labels")
    )
    if mirrored:
        image, labels = image[::-1], labels[::-1]
    low, high = np.percentile(image, (1, 99))
    centroid = np.argwhere(labels > 0).mean(0)
    anterior, posterior = (_signed_distance(np.round(labels) == value) for value in (1, 2))
    whole = _signed_distance(labels > 0.5)
    parts = (np.clip((image - low) / (high - low), 0, 1.5), whole, anterior - posterior)
    return Subject(*(_to_itk(part, -centroid) for part in parts))


def _signed_distance(mask: npt.NDArray[np.bool_]) -> Array:
    inside, outside = ndimage.distance_transform_edt(mask), ndimage.distance_transform_edt(~mask)
    return np.where(mask, 0.5 - inside, outside - 0.5).astype(np.float32)


def _to_itk(voxels_ijk: Array, origin: npt.NDArray[np.float64]) -> sitk.Image:
    image = sitk.GetImageFromArray(np.ascontiguousarray(voxels_ijk.transpose(2, 1, 0), dtype=np.float32))
    image.SetOrigin([float(value) for value in origin])
    return image


def _to_array(image: sitk.Image) -> Array:
    return np.ascontiguousarray(sitk.GetArrayFromImage(image).transpose(2, 1, 0), dtype=np.float32)


def _atlas_grid(voxels_ijk: Array) -> sitk.Image:
    return _to_itk(voxels_ijk, -(np.array(SHAPE_IJK) - 1) / 2)


def _resample(image: sitk.Image, transform: sitk.Transform, outside: float) -> Array:
    grid = _atlas_grid(np.zeros(SHAPE_IJK, np.float32))
    return _to_array(sitk.Resample(image, grid, transform, sitk.sitkLinear, outside, sitk.sitkFloat32))


def align_by_shape(fixed: sitk.Image, subject: Subject) -> tuple[sitk.Transform, float]:
    """Similarity transform that lays a subject's distance map on ``fixed``, and the remaining mean square in mm2."""
    limit = [sitk.Clamp(image, sitk.sitkFloat32, -5.0, 5.0) for image in (fixed, subject.whole)]
    transform = sitk.Similarity3DTransform()
    method = _registration(transform)
    method.SetMetricAsMeanSquares()
    method.Execute(*limit)
    return transform, method.GetMetricValue()


def align_by_image(fixed: sitk.Image, mask: sitk.Image, subject: Subject, start: sitk.Transform) -> sitk.Transform:
    """Affine transform that lays a subject's intensities on ``fixed``."""
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(start.GetMatrix())
    transform.SetTranslation(start.GetTranslation())
    transform.SetCenter(start.GetCenter())
    method = _registration(transform)
    method.SetMetricAsCorrelation()
    method.SetMetricFixedMask(mask)
    method.Execute(fixed, subject.image)
    return transform


def _registration(transform: sitk.Transform) -> sitk.ImageRegistrationMethod:
    method = sitk.ImageRegistrationMethod()
    method.SetInterpolator(sitk.sitkLinear)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(0.15, seed=1)
    method.SetOptimizerAsRegularStepGradientDescent(1.0, 0.02, 40)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(transform, inPlace=True)
    return method


def bring(subject: Subject, transform: sitk.Transform) -> Aligned:
    """Resample a subject onto the atlas grid."""
    ones = sitk.Image(subject.image.GetSize(), sitk.sitkFloat32) + 1.0
    ones.CopyInformation(subject.image)
    return Aligned(
        _resample(subject.image, transform, 0.0),
        np.clip(_resample(subject.whole, transform, DISTANCE_LIMIT_MM), -DISTANCE_LIMIT_MM, DISTANCE_LIMIT_MM),
        np.clip(_resample(subject.front, transform, 0.0), -2 * DISTANCE_LIMIT_MM, 2 * DISTANCE_LIMIT_MM),
        (_resample(ones, transform, 0.0) > 0.99).astype(np.float32),
    )


def average(subjects: list[Aligned]) -> Aligned:
    """Mean over subjects, each voxel over those that have data there, nearest data where none has."""
    count = sum(subject.seen for subject in subjects)
    image = sum(subject.image * subject.seen for subject in subjects) / np.maximum(count, 1)
    nearest = ndimage.distance_transform_edt(count < 0.1 * len(subjects), return_distances=False, return_indices=True)
    seen = (count >= 0.1 * len(subjects)).astype(np.float32)
    whole = np.mean([subject.whole for subject in subjects], axis=0)
    front = np.mean([subject.front for subject in subjects], axis=0)
    return Aligned(image[tuple(nearest)], whole, front, seen)


def match_intensity(subject: Aligned, mean: Aligned) -> Aligned:
    """Give a subject the mean's brightness and contrast where both have data."""
    both = (subject.seen * mean.seen) > 0
    slope, intercept = np.polyfit(subject.image[both], mean.image[both], 1)
    return Aligned(subject.image * slope + intercept, subject.whole, subject.front, subject.seen)


def deform(mean: Aligned, subject: Aligned) -> tuple[Aligned, Array]:
    """A subject in the mean's shape, and the field in mm (3, i, j, k) from the subject's points to the mean's."""
    demons = sitk.DiffeomorphicDemonsRegistrationFilter()
    demons.SetNumberOfIterations(30)
    demons.SetStandardDeviations(1.3)
    filled = np.where(subject.seen > 0, subject.image, mean.image)
    field = demons.Execute(_edges(mean.image, mean), _edges(filled, subject))
    inverse = sitk.InvertDisplacementField(field, maximumNumberOfIterations=20)
    shift = np.moveaxis(sitk.GetArrayFromImage(inverse).transpose(2, 1, 0, 3), -1, 0).astype(np.float32)
    return bring(Subject(*map(_atlas_grid, (filled, subject.whole, subject.front))), _transform(field)), shift


def _edges(image: Array, subject: Aligned) -> sitk.Image:
    front = np.tanh(subject.front / 2) * (subject.whole < 1)
    return _atlas_grid(image + DISTANCE_WEIGHT * np.tanh(subject.whole / 2) + DISTANCE_WEIGHT / 3 * front)


def _transform(field: sitk.Image) -> sitk.Transform:
    return sitk.DisplacementFieldTransform(sitk.Image(field))


def principal_modes(shapes: Array, looks: Array) -> tuple[Array, Array, Array]:
    """Modes of one standard deviation of shape and look together, largest first, and their share of the variance.

    Shape and look count alike: each block is divided by its own total standard deviation.
    """
    blocks = [shapes.reshape(len(shapes), -1), looks.reshape(len(looks), -1)]
    centred = [block - block.mean(0) for block in blocks]
    joined = np.concatenate([block / np.sqrt((block**2).sum(1).mean()) for block in centred], axis=1)
    left, singular, _ = np.linalg.svd(joined, full_matrices=False)
    scores = left[:, :MODES] * np.sqrt(len(joined))
    shape_modes, look_modes = (
        (scores.T @ block / len(block)).reshape(MODES, *values.shape[1:])
        for block, values in zip(centred, (shapes, looks), strict=True)
    )
    return shape_modes, look_modes, (singular[:MODES] ** 2 / (singular**2).sum()).astype(np.float32)


def main() -> None:
    """Register, average, decompose, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with images/ and labels/")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cases", type=int, help="at most so many training cases, evenly spread")
    arguments = parser.parse_args()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    held_out = set(json.loads(FOLDS_FILE.read_text(encoding="utf-8"))["validation"][0])
    names = sorted(path.name.removesuffix(".nii.gz") for path in (arguments.data / "images").glob("*.nii.gz"))
    names = [name for name in names if name not in held_out]
    names = names[:: max(1, len(names) // (arguments.cases or len(names)))]
    with ThreadPoolExecutor(arguments.threads) as pool:
        subjects = _align_all(arguments.data, names, pool)
        for _ in range(2):
            mean = average(subjects)
            subjects = [match_intensity(subject, mean) for subject in subjects]
        covered = mean.seen
        for _ in range(2):
            fitted = list(pool.map(lambda subject: deform(mean, subject), subjects))  # noqa: B023
            mean = _centre_shape(average([subject for subject, _ in fitted]), [shift for _, shift in fitted])
            print("mean displacement mm", float(np.mean([np.abs(shift).mean() for _, shift in fitted])), flush=True)
        fitted = list(pool.map(lambda subject: deform(mean, subject), subjects))
    _write(arguments.output, _keep_volume(_soften(mean, covered), subjects), fitted)


def _align_all(folder: Path, names: list[str], pool: ThreadPoolExecutor) -> list[Aligned]:
    pairs = [[read_subject(folder, name, mirrored) for mirrored in (False, True)] for name in names]
    chosen: list[tuple[Subject, sitk.Transform]] = []
    reference = pairs[0][0].whole
    for _ in range(2):
        fits = list(pool.map(lambda pair: [align_by_shape(reference, subject) for subject in pair], pairs))  # noqa: B023
        best = [int(np.argmin([error for _, error in fit])) for fit in fits]
        print("mirrored", sum(best), "of", len(best), flush=True)
        chosen = [(pair[side], fit[side][0]) for pair, fit, side in zip(pairs, fits, best, strict=True)]
        pairs = [[subject] for subject, _ in chosen]
        reference = _atlas_grid(average([bring(*choice) for choice in chosen]).whole)
    for _ in range(2):
        mean = average([bring(*choice) for choice in chosen])
        fixed, mask = _atlas_grid(mean.image), sitk.Cast(_atlas_grid(mean.seen), sitk.sitkUInt8)
        found = pool.map(lambda choice: align_by_image(fixed, mask, *choice), chosen)  # noqa: B023
        chosen = [(subject, transform) for (subject, _), transform in zip(chosen, found, strict=True)]
    return [bring(*choice) for choice in chosen]


def _centre_shape(mean: Aligned, shifts: list[Array]) -> Aligned:
    """Move the mean by the average displacement, so that it has the average shape and not the first guess's."""
    shift = np.mean(shifts, axis=0)
    field = sitk.GetImageFromArray(np.moveaxis(shift, 0, -1).transpose(2, 1, 0, 3).astype(np.float64), isVector=True)
    field.SetOrigin(_atlas_grid(mean.image).GetOrigin())
    moved = bring(Subject(*map(_atlas_grid, (mean.image, mean.whole, mean.front))), _transform(field))
    return Aligned(np.where(moved.seen > 0, moved.image, mean.image), moved.whole, moved.front, mean.seen)


def _soften(mean: Aligned, covered: Array) -> Aligned:
    """Blur what was extended beyond the crops, or its streaks would look like anatomy."""
    weight = ndimage.gaussian_filter(covered, 1.0)
    image = weight * mean.image + (1 - weight) * ndimage.gaussian_filter(mean.image, 3.0)
    return Aligned(image, mean.whole, mean.front, covered)


def _keep_volume(mean: Aligned, subjects: list[Aligned]) -> Aligned:
    """Shift the mean distance map, because averaging thin parts away would leave a hippocampus that is too small."""
    voxels = np.mean([(subject.whole < 0).sum() for subject in subjects])
    level = np.partition(mean.whole.ravel(), int(voxels))[int(voxels)]
    print("volume in voxels", int((mean.whole < 0).sum()), "to", int(voxels), "by", float(level), "mm")
    return Aligned(mean.image, mean.whole - level, mean.front, mean.seen)


def _write(path: Path, mean: Aligned, fitted: list[tuple[Aligned, Array]]) -> None:
    """Write the atlas: float16 arrays in (k, j, i) order, k to superior, j to anterior, i to the right."""
    soft = [
        ndimage.gaussian_filter(shift, (0, 1, 1, 1))[:, ::SHAPE_STEP, ::SHAPE_STEP, ::SHAPE_STEP] for _, shift in fitted
    ]
    looks = [ndimage.gaussian_filter((s.image - mean.image) * s.seen, 0.5) for s, _ in fitted]
    shape_modes, look_modes, share = principal_modes(np.array(soft), np.array(looks))
    print("share of variance", share)
    noise = np.array([(s.image - mean.image)[s.seen > 0].std() for s, _ in fitted])
    print("spread about the mean", noise.mean())
    np.savez_compressed(
        path,
        intensity_mean=_pack(mean.image),
        intensity_modes=_pack(look_modes),
        shape_modes=_pack(shape_modes),
        distance_whole_mm=_pack(mean.whole),
        distance_front_mm=_pack(mean.front),
        covered=mean.seen.transpose(2, 1, 0).astype(np.uint8),
        shape_step=np.uint8(SHAPE_STEP),
        variance_share=share.astype(np.float16),
    )
    print(path, path.stat().st_size)


def _pack(values: Array) -> npt.NDArray[np.float16]:
    """Swap to (k, j, i) and drop digits below a thousandth, which only noise would fill."""
    return np.round(np.swapaxes(values, -1, -3), 3).astype(np.float16)


if __name__ == "__main__":
    main()
