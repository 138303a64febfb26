"""What a job's options change in a model and in its labels."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.options import apply_options, distinct_color, select_segments, wanted_segments
from MedAISegLib.core.errors import UsageError
from MedAISegLib.models.operations import KeepLargestComponent
from MedAISegLib.models.spec import Argmax, Channel, InferenceStage, ModelSpec, SegmentSpec, Threshold, Windows

SEGMENTS = (SegmentSpec(1, "liver"), SegmentSpec(4, "Spleen", color_rgb=(1, 2, 3)), SegmentSpec(9, "kidney"))


ARGMAX = Argmax()


def spec(decision=ARGMAX) -> ModelSpec:
    return ModelSpec("m", "M", "x", (Channel("CT"),), (InferenceStage((), Windows(), decision),), SEGMENTS)


def test_all_segments_are_wanted_where_none_is_named():
    assert wanted_segments(spec(), ()) == SEGMENTS


def test_named_segments_come_in_the_models_order_whatever_their_case():
    assert [s.name for s in wanted_segments(spec(), ("KIDNEY", " spleen"))] == ["Spleen", "kidney"]


def test_an_unknown_label_is_refused_with_the_list_of_known_ones():
    with pytest.raises(UsageError, match=r"'lung'.*liver, Spleen, kidney"):
        apply_options(spec(), SegmentationJob("m", labels=("liver", "lung")))


def test_other_labels_are_removed_from_the_layer():
    layers = np.array([0, 1, 4, 9, 4, 1], dtype=np.uint8).reshape(1, 1, 2, 3)
    kept, segments = select_segments(spec(), wanted_segments(spec(), ("spleen",)), layers)
    np.testing.assert_array_equal(kept.ravel(), [0, 0, 4, 0, 4, 0])
    assert [(s.label_value, s.layer, s.color_rgb) for s in segments] == [(4, 0, (1, 2, 3))]


def test_overlapping_segments_keep_a_layer_each():
    overlapping = spec(Threshold(labels=(9, 1, 4)))
    layers = np.zeros((3, 1, 1, 4), dtype=np.uint16)
    layers[0, 0, 0] = [9, 9, 9, 0]
    layers[1, 0, 0] = [1, 1, 0, 0]
    layers[2, 0, 0] = [0, 4, 4, 4]
    kept, segments = select_segments(overlapping, wanted_segments(overlapping, ("liver", "kidney")), layers)
    by_name = {s.name: kept[s.layer, 0, 0].tolist() for s in segments}
    assert by_name == {"liver": [1, 1, 0, 0], "kidney": [9, 9, 9, 0]}


@pytest.mark.parametrize(("asked", "passes"), [(None, ((1,),)), (False, ())])
def test_flips_are_the_models_own_unless_the_job_says_otherwise(asked, passes):
    own = spec().with_test_time_flips(((1,),))
    changed = apply_options(own, SegmentationJob("m", test_time_flips=asked))
    assert changed.stages[0].windows.test_time_flips == passes


def test_flips_cover_every_subset_of_axes_once():
    flips = apply_options(spec(), SegmentationJob("m", test_time_flips=True)).stages[0].windows.test_time_flips
    assert sorted(flips) == [(0,), (0, 1), (0, 1, 2), (0, 2), (1,), (1, 2), (2,)]


def test_the_largest_part_is_kept_of_the_wanted_labels_only():
    changed = apply_options(spec(), SegmentationJob("m", labels=("kidney",), keep_largest_component=True))
    assert changed.postprocessing == (KeepLargestComponent(labels=(9,)),)


def test_neighbouring_labels_without_a_colour_get_colours_far_apart():
    colors = [np.array(distinct_color(n)) for n in range(1, 120)]
    apart = [np.abs(a - b).sum() for a, b in pairwise(colors)]
    assert min(apart) > 100
    assert len({tuple(c) for c in colors}) == len(colors)
