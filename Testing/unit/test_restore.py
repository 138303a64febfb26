"""Scores become labels by the model's rule, in its order; labels are cleaned as asked."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.engine.labels import clean
from MedAISegLib.engine.restore import restore_labels
from MedAISegLib.engine.slabs import Slab, SlabStream
from MedAISegLib.models.operations import FillHoles, Interpolation, KeepLargestComponent
from MedAISegLib.models.spec import Activation, Argmax, Regions, Restore, RestoreOrder, Threshold
from monai.transforms import FillHoles as MonaiFillHoles

pytestmark = pytest.mark.engine


def decided(scores, decision, activation=Activation.NONE, order=RestoreOrder.SCORES_THEN_DECIDE):
    stream = SlabStream(tuple(scores.shape[1:]), 0, True, iter([Slab.of(scores[:, n : n + 1], 0, n) for n in range(2)]))
    return restore_labels(stream, (), decision, Restore(activation, order), poll=lambda: None)


def one_hot_scores(classes):
    winners = torch.tensor([[[0, 1, 2]], [[2, 1, classes - 1]]])
    return torch.nn.functional.one_hot(winners, classes).permute(3, 0, 1, 2).float(), winners.numpy()


@pytest.mark.parametrize("order", list(RestoreOrder))
def test_argmax_gives_one_layer_of_class_numbers(order):
    scores, winners = one_hot_scores(4)
    layers = decided(scores, Argmax(), Activation.SOFTMAX, order)
    assert layers.dtype == np.uint8
    np.testing.assert_array_equal(layers[0], winners)


def test_argmax_maps_classes_to_label_values_and_widens_when_needed():
    scores, winners = one_hot_scores(3)
    layers = decided(scores, Argmax(labels=(0, 7, 300)))
    assert layers.dtype == np.uint16
    np.testing.assert_array_equal(layers[0], np.array([0, 7, 300])[winners])


def test_threshold_keeps_overlapping_classes_in_layers_of_their_own():
    scores = torch.tensor([[0.9, 0.5, 0.1], [0.8, 0.2, 0.7]]).view(2, 1, 1, 3).expand(2, 2, 1, 3)
    layers = decided(scores, Threshold(labels=(3, 5)))
    np.testing.assert_array_equal(layers[:, 0, 0], [[3, 3, 0], [5, 0, 5]])


@pytest.mark.parametrize("order", list(RestoreOrder))
def test_a_sigmoid_comes_before_the_threshold(order):
    scores = torch.tensor([[-0.1, 0.0, 0.1]]).view(1, 1, 1, 3).expand(1, 2, 1, 3)
    np.testing.assert_array_equal(decided(scores, Threshold((1,)), Activation.SIGMOID, order)[0, 0, 0], [0, 1, 1])


@pytest.mark.parametrize("has_cleaning", [False, True])
def test_scores_come_back_then_labels_are_cleaned_and_come_back_by_the_nearest_voxel(has_cleaning):
    happened = []

    def undo_of(step):
        def undo(stream, interpolation):
            happened.append((step, interpolation))
            return stream

        return undo

    def cleaned(layers):
        happened.append("cleaned")
        return layers * 5

    scores, winners = one_hot_scores(4)
    stream = SlabStream(tuple(scores.shape[1:]), 0, True, iter([Slab.of(scores, 0)]))
    steps, restore = (undo_of("first"), undo_of("second"), undo_of("third")), Restore(Activation.NONE)
    cleaning = cleaned if has_cleaning else None
    layers = restore_labels(stream, steps, Argmax(), restore, lambda: None, label_undos=1, cleaned=cleaning)
    np.testing.assert_array_equal(layers[0], winners * (5 if has_cleaning else 1))
    scores_back = [("third", Interpolation.LINEAR), ("second", Interpolation.LINEAR)]
    assert happened == [*scores_back, *(["cleaned"] * has_cleaning), ("first", Interpolation.NEAREST)]


def test_later_regions_are_painted_over_earlier_ones():
    scores = torch.tensor([[0.9, 0.9, 0.1], [0.9, 0.2, 0.1]]).view(2, 1, 1, 3).expand(2, 2, 1, 3)
    np.testing.assert_array_equal(decided(scores, Regions(labels=(2, 1)))[0, 0, 0], [1, 2, 0])


def test_the_run_can_be_stopped_between_slabs():
    def stop():
        raise KeyboardInterrupt

    stream = SlabStream((2, 1, 3), 0, True, iter([Slab.of(torch.zeros(2, 2, 1, 3), 0)]))
    with pytest.raises(KeyboardInterrupt):
        restore_labels(stream, (), Argmax(), Restore(), poll=stop)


def blobs():
    layers = np.zeros((1, 5, 7, 9), np.uint8)
    layers[0, 1:4, 1:4, 1:4] = 2
    layers[0, 2, 2, 2] = 0
    layers[0, 4, 6, 8] = 2
    layers[0, 0, 5:7, 0] = 3
    layers[0, 4, 0, 0] = 3
    return layers


def cleaned(layers, *operations):
    return clean(layers, operations, lambda: None, VolumeGeometry(layers.shape[1:], np.eye(4)))


def test_the_largest_component_of_each_label_stays():
    found = cleaned(blobs(), KeepLargestComponent())
    assert found[0, 4, 6, 8] == 0
    assert found[0, 4, 0, 0] == 0
    assert int((found == 2).sum()) == 26
    assert int((found == 3).sum()) == 2


def test_only_the_labels_that_are_asked_for_are_cleaned():
    found = cleaned(blobs(), KeepLargestComponent(labels=(3,)))
    assert found[0, 4, 6, 8] == 2
    assert found[0, 4, 0, 0] == 0


def test_diagonal_neighbours_are_joined_at_26_and_parted_at_6():
    layers = np.zeros((1, 3, 3, 3), np.uint8)
    layers[0, 0, 0, 0] = layers[0, 1, 1, 1] = layers[0, 1, 1, 2] = 1
    assert int(cleaned(layers.copy(), KeepLargestComponent(connectivity=26)).sum()) == 3
    assert int(cleaned(layers.copy(), KeepLargestComponent(connectivity=6)).sum()) == 2


def test_an_enclosed_cavity_is_filled_and_an_open_one_is_not():
    assert int((cleaned(blobs(), FillHoles()) == 2).sum()) == 28
    opened = blobs()
    opened[0, 2, 2, 3] = 0
    assert int((cleaned(opened, FillHoles()) == 2).sum()) == 26


def test_what_a_label_encloses_is_filled_as_monai_fills_it():
    noise = np.random.default_rng(0)
    layers = (noise.random((1, 14, 13, 12)) < 0.93).astype(np.uint8)
    layers[0, 4:9, 4:9, 4:9] = 2
    layers[0, 6, 6, 6] = 1
    layers[0, 5, 5, 5] = 0
    expected = MonaiFillHoles()(layers.transpose(0, 3, 2, 1).copy()).numpy().transpose(0, 3, 2, 1)
    assert len(np.unique(expected)) > 1
    assert not np.array_equal(layers, expected)
    assert np.array_equal(cleaned(layers, FillHoles()), expected)
