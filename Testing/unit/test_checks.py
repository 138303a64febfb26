"""What is said before a run: what does not fit, what has to be answered, and what stands in the way."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from MedAISegLib.app.checks import Severity, check_inputs
from MedAISegLib.app.protocol import NeedReply
from MedAISegLib.core.errors import ConfirmationRequired, InputError
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.notice import Notice
from MedAISegLib.core.region import OrientedBox
from MedAISegLib.core.volume import SeriesReference, Volume
from MedAISegLib.models.card import ModelCard, ModelState
from MedAISegLib.models.spec import Channel

GB = 1024**3


def image(modality="MR", shape=(40, 50, 60), spacing=1.0, origin=(0, 0, 0), frame="", **attributes):
    affine = np.diag([*np.broadcast_to(spacing, 3), 1.0]).astype(float)
    affine[:3, 3] = origin
    series = SeriesReference("1", "2", frame) if frame else None
    return Volume(np.zeros(shape, np.int8), VolumeGeometry(shape, affine), modality, "scan", series, attributes)


def card(*channels, **facts):
    channels = channels or (Channel("T1", "MR"),)
    return ModelCard("m", "m", ModelState.READY, channels=channels, **facts)


def said(model, chosen, **options):
    return [(line.severity, line.text) for line in check_inputs(model, chosen, **options)]


def test_nothing_is_said_of_images_that_fit():
    assert said(card(spacing_mm=(1.0, 1.0, 1.0), window_mm=(48.0, 64.0, 48.0)), {"T1": image()}) == []


def test_a_channel_without_an_image_stands_in_the_way():
    assert said(card(), {}) == [(Severity.STOP, "Choose an image for T1.")]


def test_the_only_channel_is_not_said_twice_where_it_is_called_image():
    model = card(Channel("image", "CT"))
    assert said(model, {}) == [(Severity.STOP, "Choose an image.")]
    ((_, text),) = said(model, {"image": image("")})
    assert text == "The image does not say its modality; it is taken as CT."


def test_another_modality_has_to_be_accepted_and_an_unknown_one_is_noted():
    ((asked, text),) = said(card(), {"T1": image("CT")})
    assert asked is Severity.ASK
    assert "is CT" in text
    assert "MR" in text
    assert said(card(), {"T1": image("")})[0][0] is Severity.NOTE


def test_too_few_slices_have_to_be_accepted():
    ((severity, text),) = said(card(), {"T1": image(shape=(2, 50, 60))})
    assert severity is Severity.ASK
    assert "2 slices" in text


COLOURS = tuple(Channel(name) for name in ("R", "G", "B"))


def test_a_single_slice_is_enough_for_a_model_of_slices():
    assert said(card(sees_slices=True), {"T1": image(shape=(1, 50, 60))}) == []


def test_the_colours_of_a_picture_are_one_image():
    model, picture = card(*COLOURS, sees_slices=True), image("", shape=(1, 50, 60))
    assert said(model, dict.fromkeys("RGB", picture)) == []
    assert said(model, {}) == [(Severity.STOP, "Choose an image.")]


def test_a_radiograph_is_one_however_it_was_recorded():
    assert said(card(Channel("image", "DX"), sees_slices=True), {"image": image("CR", shape=(1, 50, 60))}) == []


def test_slices_much_thicker_than_the_model_works_at_are_said():
    model = card(spacing_mm=(1.0, 1.0, 1.0))
    ((severity, text),) = said(model, {"T1": image(spacing=(6.5, 1, 1))})
    assert severity is Severity.WARNING
    assert "6.5 mm" in text


def test_an_image_much_smaller_than_the_window_is_said():
    ((_, text),) = said(card(window_mm=(96.0, 96.0, 96.0)), {"T1": image(shape=(30, 96, 96))})
    assert "96 x 96 x 30 mm" in text


def test_a_model_of_crops_asks_for_a_region_until_there_is_one():
    model = card(window_mm=(48.0, 64.0, 48.0), wants_region=True)
    big = image(shape=(160, 200, 200))
    assert "Draw a region" in said(model, {"T1": big})[0][1]
    inside = OrientedBox.from_bounds((10, 10, 10), (50, 60, 70))
    assert said(model, {"T1": big}, region=inside) == []
    outside = OrientedBox.from_bounds((1000, 10, 10), (1050, 60, 70))
    assert said(model, {"T1": big}, region=outside)[0][0] is Severity.STOP


TWO = (Channel("T1", "MR"), Channel("T2", "MR"))


def test_images_in_different_frames_of_reference_are_said():
    lines = said(card(*TWO), {"T1": image(frame="1.2"), "T2": image(frame="1.3")})
    assert any("frames of reference" in text for _, text in lines)


@pytest.mark.parametrize(
    ("shift", "severity", "words"),
    [(0, None, ""), (30, Severity.WARNING, "covers only"), (900, Severity.STOP, "different places")],
)
def test_images_that_do_not_cover_each_other_are_said(shift, severity, words):
    lines = said(card(*TWO), {"T1": image(), "T2": image(origin=(shift, 0, 0))})
    assert [s for s, _ in lines] == ([severity] if severity else [])
    assert all(words in text for _, text in lines)


def test_one_image_for_two_channels_is_said():
    same = image()
    assert any("same image" in text for _, text in said(card(*TWO), {"T1": same, "T2": same}))


def test_too_little_memory_is_said_with_both_numbers():
    need = NeedReply(12 * GB, 4 * GB, 6 * GB, 8 * GB)
    ((severity, text),) = said(card(), {"T1": image()}, need=need)
    assert severity is Severity.WARNING
    assert "12.0 GB" in text
    assert "4.0 GB" in text


def test_the_gravest_comes_first():
    lines = said(card(*TWO), {"T1": image(""), "T2": image("CT")}, need=NeedReply(9, 1, 0, 0))
    assert [s for s, _ in lines] == [Severity.ASK, Severity.WARNING, Severity.NOTE]


PET = Channel("PET", "PT", "SUV")
DICOM_PET = {
    "Units": "BQML", "DecayCorrection": "ADMIN", "PatientWeight": "70", "RadionuclideTotalDose": "3e8",
}  # fmt: skip


def asked_of(pet, answer=""):
    units = {"PET": answer} if answer else {}
    return [(line.severity, line.text) for line in check_inputs(card(PET), {"PET": pet}, units=units)]


def test_pet_in_known_units_raises_no_question():
    assert asked_of(image("PT", frame="1.2", Units="GML")) == []
    assert asked_of(image("PT", frame="1.2", **DICOM_PET)) == []


def test_pet_that_does_not_say_its_units_is_asked_about_until_answered():
    ((severity, text),) = asked_of(image("PT"))
    assert severity is Severity.ASK
    assert "units" in text
    assert asked_of(image("PT"), "GML") == []


def test_activity_that_the_user_states_needs_what_the_calculation_needs():
    ((severity, text),) = asked_of(image("PT"), "BQML")
    assert severity is Severity.STOP
    assert "SUV cannot be calculated" in text


def test_pet_that_cannot_be_made_suv_stands_in_the_way_with_the_missing_value_named():
    ((severity, text),) = asked_of(image("PT", frame="1.2", **(DICOM_PET | {"PatientWeight": ""})))
    assert severity is Severity.STOP
    assert "PatientWeight" in text


def candidate(modality="PT", **facts):
    """A node or series: it knows more of its origin than a volume."""
    known = image(modality)
    return SimpleNamespace(
        modality=modality, description="scan", attributes={}, geometry=known.geometry, series=None, **facts
    )


def test_the_question_of_an_origin_is_asked_and_only_for_values_that_matter():
    question = ConfirmationRequired("its units are unknown.", remedy="Accept that they are SUV.")
    ((severity, text),) = asked_of(candidate(question=question))
    assert severity is Severity.ASK
    assert "Accept that they are SUV." in text
    assert asked_of(candidate(question=question), "GML") == []
    assert said(card(), {"T1": candidate("MR", question=question)}) == []


def test_an_origin_with_a_problem_stands_in_the_way():
    gone = InputError("its files are gone.", remedy="Import it again.")
    assert (Severity.STOP, "The image for T1: its files are gone. Import it again.") in said(
        card(), {"T1": candidate("MR", problem=gone)}
    )


def test_an_image_under_a_bending_transform_is_said_to_be_resampled():
    ((severity, text),) = said(card(), {"T1": candidate("MR", bent=True)})
    assert severity is Severity.WARNING
    assert "resampled" in text


def test_what_is_odd_about_a_series_is_said():
    ((_, text),) = said(card(), {"T1": candidate("MR", notices=(Notice("missing-slice", "Slice 7 is missing."),))})
    assert text == "Slice 7 is missing."
