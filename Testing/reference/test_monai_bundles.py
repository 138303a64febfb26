"""Published MONAI bundles: our labels are those of ``python -m monai.bundle run``, voxel for voxel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from . import images, zoo
from .bundle_run import Labels, assemble, differing_share, our_layers, reference_labels

pytestmark = pytest.mark.engine

LARGEST_DIFFERENCE = 0.001

QUICK = (zoo.SPLEEN_CT, zoo.TEMPLATE)
"""Seconds each, so they run with every test run; the others by ``make reference``."""

BUNDLES = [pytest.param(b, id=b.name, marks=() if b in QUICK else pytest.mark.reference) for b in zoo.ALL]


def compare(bundle: zoo.ZooBundle, data: Path, folder: Path, image: list[images.Image]) -> None:
    """Run the case through both; labels must be on the image's grid, of several classes, and the same."""
    runnable = assemble(bundle, data / "monai_zoo", folder / "bundle", image)
    paths = images.write_images(image, folder / "images")
    reference = reference_labels(runnable, paths, folder / "reference")
    theirs = np.asarray(sitk.GetArrayFromImage(reference))
    ours = collapse(our_layers(runnable, paths), bundle)
    difference = differing_share(ours, theirs)
    classes = np.unique(theirs[theirs > 0])
    foreground = np.count_nonzero(theirs) / theirs.size
    print(
        f"\n{bundle.name}: {difference:.6%} of the foreground differ",
        f"  {len(classes)} labels, {foreground:.0%} of the image is foreground",
        *(f"  changed {line}" for line in runnable.changed),
        sep="\n",
    )
    source = sitk.ReadImage(str(paths[0]))
    assert reference.GetSize() == source.GetSize()
    assert np.allclose(reference.GetOrigin(), source.GetOrigin(), atol=1e-2)
    assert 0.02 < foreground < 0.98
    assert len(classes) > 1 or bundle.name == zoo.SPLEEN_CT.name
    assert difference <= LARGEST_DIFFERENCE


def collapse(layers: Labels, bundle: zoo.ZooBundle) -> Labels:
    """One label image; the three overlapping layers of brats by the rule that its own config ends with."""
    if bundle.name != zoo.BRATS.name:
        return layers[0]
    return images.brats_labels(layers)


@pytest.mark.parametrize("bundle", BUNDLES)
def test_labels_are_those_of_monai(bundle: zoo.ZooBundle, shared_data: Path, tmp_path: Path) -> None:
    compare(bundle, shared_data, tmp_path, bundle.images(shared_data))


@pytest.mark.reference
def test_overlapping_windows_add_up_as_in_monai(shared_data: Path, tmp_path: Path) -> None:
    bundle = zoo.SPLEEN_CT_IN_SMALL_WINDOWS
    compare(bundle, shared_data, tmp_path, bundle.images(shared_data))


@pytest.mark.reference
@pytest.mark.parametrize("copy", images.COPIES)
def test_scores_then_decide_on_a_turned_scan(copy: str, shared_data: Path, tmp_path: Path) -> None:
    turned = [images.COPIES[copy](image) for image in images.spleen_ct(shared_data)]
    compare(zoo.SPLEEN_CT, shared_data, tmp_path, turned)


@pytest.mark.reference
@pytest.mark.parametrize("copy", images.COPIES)
def test_decide_then_labels_on_a_turned_scan(copy: str, shared_data: Path, tmp_path: Path) -> None:
    turned = [images.COPIES[copy](image) for image in images.short_trunk_ct(shared_data)]
    compare(zoo.WHOLE_BODY, shared_data, tmp_path, turned)


@pytest.mark.reference
def test_overlapping_regions_in_windows_of_a_whole_head(shared_data: Path, tmp_path: Path) -> None:
    compare(zoo.BRATS_AS_PUBLISHED, shared_data, tmp_path, zoo.BRATS_AS_PUBLISHED.images(shared_data))
