"""What the panel proposes for each channel: as much as is known, and what is in doubt."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.app.proposal import propose
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.models.card import ModelCard, ModelState
from MedAISegLib.models.spec import Channel


def image(description, modality="MR", shape=(9, 8, 7), **attributes):
    return Volume(np.zeros(shape, np.int16), VolumeGeometry(shape, np.eye(4)), modality, description, None, attributes)


def model(*names, modality="MR"):
    return ModelCard("m", "m", ModelState.READY, channels=tuple(Channel(name, modality) for name in names))


def proposed(card, images, **chosen):
    return {p.channel.name: p.image for p in propose(card, images, chosen=chosen)}


T1, T1C, T2, FLAIR = image("T1 native"), image("T1 post Gd"), image("T2 tse"), image("T2 FLAIR")
BRAIN = model("T1c", "T1", "T2", "FLAIR")


def test_all_channels_are_filled_where_there_is_no_doubt():
    assert proposed(BRAIN, [FLAIR, T2, T1, T1C]) == {"T1c": T1C, "T1": T1, "T2": T2, "FLAIR": FLAIR}


def test_a_missing_image_leaves_its_channel_empty_and_says_so():
    found = {p.channel.name: p for p in propose(BRAIN, [FLAIR, T2, T1])}
    assert [found[name].image for name in ("T1", "T2", "FLAIR")] == [T1, T2, FLAIR]
    assert found["T1c"].image is None
    assert "T1c (MR)" in found["T1c"].reason


def test_nothing_is_proposed_without_images():
    (only,) = propose(model("image"), [])
    assert only.image is None
    assert "no image" in only.reason.lower()


def test_an_image_of_another_modality_is_not_proposed_where_several_could_be_meant():
    assert proposed(model("image"), [image("a", "CT"), image("b", "PT")]) == {"image": None}


def test_the_only_image_is_proposed_for_the_only_channel():
    lonely = image("scan", "")
    assert proposed(model("image"), [lonely]) == {"image": lonely}


def test_equals_are_shown_and_the_first_is_proposed():
    first, second = image("scan a"), image("scan b")
    (only,) = propose(model("image"), [first, second])
    assert only.image is first
    assert only.rivals == (second,)
    assert "scan b" in only.reason


def test_what_the_user_has_chosen_stays_and_is_given_to_no_other_channel():
    found = proposed(BRAIN, [FLAIR, T2, T1], T2=FLAIR)
    assert found["T2"] is FLAIR
    assert found["FLAIR"] is None


@pytest.mark.parametrize("description", ["T1 pre", "T1 without contrast"])
def test_an_image_without_contrast_agent_is_not_proposed_for_a_channel_that_wants_one(description):
    assert proposed(model("T1c", "T2"), [image(description), T2]) == {"T1c": None, "T2": T2}


def test_a_localizer_gives_way_to_nothing():
    assert proposed(model("image", modality=""), [image("scout", "", (1, 8, 8)), image("x", "", (1, 8, 8))]) == {
        "image": None
    }


def test_one_picture_is_proposed_for_all_colours():
    colours = ModelCard("m", "m", ModelState.READY, channels=tuple(map(Channel, "RGB")), sees_slices=True)
    photo, other = image("photo", "", (1, 8, 7)), image("other", "", (1, 8, 7))
    assert proposed(colours, [photo]) == dict.fromkeys("RGB", photo)
    assert proposed(colours, [photo, other]) == dict.fromkeys("RGB", photo)
    assert proposed(colours, [photo, other], R=other) == dict.fromkeys("RGB", other)
    assert proposed(colours, []) == dict.fromkeys("RGB", None)


def test_of_two_radiographs_the_first_is_proposed_and_the_other_named():
    flat = ModelCard("m", "m", ModelState.READY, channels=(Channel("image", "DX"),), sees_slices=True)
    one, two = image("PA", "DX", (1, 8, 7)), image("lateral", "CR", (1, 8, 7))
    (found,) = propose(flat, [one, two])
    assert found.image is one
    assert "lateral" in found.reason
