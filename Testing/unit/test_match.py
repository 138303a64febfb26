"""Images to the channels of a model: by modality, words and tags; a question where two serve equally well."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from MedAISegLib.app.contrast import Weighting, appearance_of
from MedAISegLib.app.match import assign, match
from MedAISegLib.core.errors import ConfirmationRequired, InputError, UsageError
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import SeriesReference, Volume
from MedAISegLib.models.spec import Argmax, Channel, InferenceStage, ModelSpec, SegmentSpec, Windows
from MedAISegLib.readers.listing import ImageListing


def spec(*channels: Channel) -> ModelSpec:
    stage = InferenceStage((), Windows(), Argmax())
    return ModelSpec("net", "Net", "test", channels, (stage,), (SegmentSpec(1, "thing"),))


BRATS = spec(*(Channel(name, "MR") for name in ("T1c", "T1", "T2", "FLAIR")))
LIVER = spec(Channel("image", "CT", "HU"))


def image(
    description: str,
    modality: str = "MR",
    *,
    slices: int = 4,
    spacing_mm: float = 1.0,
    frame: str = "1.1",
    value: float = 5.0,
    **attributes: str,
) -> Volume:
    geometry = VolumeGeometry((slices, 4, 3), np.diag([spacing_mm, 1, 1, 1]))
    series = SeriesReference("1", f"1.{description}", frame) if modality else None
    voxels = np.full((slices, 4, 3), value, dtype=np.float32)
    return Volume(voxels, geometry, modality, description, series, attributes)


def by_channel(model: ModelSpec, images: Sequence[Volume]) -> dict[str, str]:
    return {found.channel.name: found.image.description for found in assign(model, images)}


@pytest.mark.parametrize(
    ("description", "weighting", "enhanced"),
    [
        ("T1post", Weighting.T1, True),
        ("T1pre_reg", Weighting.T1, False),
        ("FLAIR_reg", Weighting.FLAIR, None),
        ("ax T2 FLAIR fs", Weighting.FLAIR, None),
        ("t2_tse_tra", Weighting.T2, None),
        ("BraTS_0001_t1ce.nii.gz", Weighting.T1, True),
        ("sub-01_ce-GAD_T1w.nii.gz", Weighting.T1, True),
        ("case-t1n", Weighting.T1, False),
        ("case-t2f", Weighting.FLAIR, None),
        ("t1_mprage_sag_p2_iso", Weighting.T1, None),
        ("T1+C", Weighting.T1, True),
        ("ep2d_diff_b1000", Weighting.DIFFUSION, None),
        ("ep2d_diff_ADC", Weighting.ADC, None),
        ("gre_T2star", Weighting.T2_STAR, None),
        ("HippoCrop", None, None),
    ],
)
def test_a_description_says_what_the_image_shows(description, weighting, enhanced) -> None:
    seen = appearance_of(description, {})
    assert (seen.weighting, seen.enhanced) == (weighting, enhanced)


@pytest.mark.parametrize(
    ("attributes", "weighting"),
    [
        ({"EchoTime": "12", "RepetitionTime": "550"}, Weighting.T1),
        ({"EchoTime": "100", "RepetitionTime": "4500"}, Weighting.T2),
        ({"EchoTime": "120", "RepetitionTime": "9000", "InversionTime": "2500"}, Weighting.FLAIR),
        ({"EchoTime": "3", "RepetitionTime": "2300", "InversionTime": "900"}, Weighting.T1),
        ({"AcquisitionContrast": "FLUID_ATTENUATED"}, Weighting.FLAIR),
        ({"EchoTime": "120", "RepetitionTime": "9000", "InversionTime": "1200"}, Weighting.T2),
        ({"EchoTime": "120", "RepetitionTime": "9000", "InversionTime": "3500"}, Weighting.T2),
        ({"EchoTime": "60", "RepetitionTime": "1500"}, None),
        ({"EchoTime": "60", "RepetitionTime": "9000", "InversionTime": "2500"}, None),
        ({"EchoTime": "12", "RepetitionTime": "3000"}, None),
        ({"EchoTime": "3", "RepetitionTime": "4000", "InversionTime": "150"}, None),
        ({"EchoTime": "12"}, None),
    ],
)
def test_tags_speak_where_the_description_is_silent(attributes, weighting) -> None:
    assert appearance_of("brain", attributes).weighting is weighting


def test_four_sequences_find_their_channels_in_any_order() -> None:
    images = [image(name) for name in ("FLAIR_reg", "localizer", "T2_reg", "T1post", "T1pre_reg")]
    assert by_channel(BRATS, images) == {"T1c": "T1post", "T1": "T1pre_reg", "T2": "T2_reg", "FLAIR": "FLAIR_reg"}


def test_the_contrast_agent_tells_two_t1_apart() -> None:
    images = [image("T1 a"), image("T1 b", ContrastBolusAgent="Gadovist"), image("T2"), image("FLAIR")]
    found = {m.channel.name: m for m in assign(BRATS, images)}
    assert found["T1c"].image.description == "T1 b"
    assert "ContrastBolusAgent" in found["T1c"].reason


def test_two_equal_images_are_a_question_that_lists_both() -> None:
    images = [image("T1post"), image("T1pre"), image("T2 a"), image("T2 b", SeriesNumber="7"), image("FLAIR")]
    with pytest.raises(InputError, match=r"(?s)2 images serve the channel 'T2'.*T2 a.*number 7, T2 b.*--series"):
        assign(BRATS, images)


@pytest.mark.parametrize("missing", ["T1post", "T1pre", "T2", "FLAIR"])
def test_a_missing_channel_is_named(missing) -> None:
    names = ["T1post", "T1pre", "T2", "FLAIR"]
    images = [image(name) for name in names if name != missing] + [image("HippoCrop")]
    channel = {"T1post": "T1c", "T1pre": "T1"}.get(missing, missing)
    with pytest.raises(InputError, match=f"channel '{channel}'"):
        assign(BRATS, images)


def test_one_image_never_serves_two_channels() -> None:
    with pytest.raises(InputError, match="none"):
        assign(spec(Channel("T1", "MR"), Channel("T1w", "MR")), [image("T1")])


def test_a_channel_without_a_weighting_takes_the_fitting_modality() -> None:
    assert by_channel(LIVER, [image("T1"), image("abdomen", "CT"), image("pet", "PT")]) == {"image": "abdomen"}


def test_pet_and_ct_find_their_channels_by_modality_or_name() -> None:
    model = spec(Channel("CT", "CT", "HU"), Channel("PET", "PT", "SUV"))
    assert by_channel(model, [image("b", "PT"), image("a", "CT")]) == {"CT": "a", "PET": "b"}
    files = [image("case_pet.nii.gz", ""), image("case_ct.nii.gz", "")]
    assert by_channel(model, files) == {"CT": "case_ct.nii.gz", "PET": "case_pet.nii.gz"}


def test_several_series_for_one_channel_are_a_question() -> None:
    with pytest.raises(InputError, match="2 images serve the channel 'image'"):
        assign(LIVER, [image("thin", "CT"), image("thick", "CT")])


def test_a_localizer_steps_back_behind_a_volume() -> None:
    images = [image("scout", "CT", slices=1), image("abdomen", "CT")]
    assert by_channel(LIVER, images) == {"image": "abdomen"}


def test_what_the_user_chose_is_taken_and_the_rest_is_found() -> None:
    images = [image(name) for name in ("T1post", "T1pre", "T2", "odd")]
    found = assign(BRATS, images, chosen={"FLAIR": images[3]})
    assert [m.image.description for m in found] == ["T1post", "T1pre", "T2", "odd"]
    assert found[3].reason == "chosen"


def test_a_channel_that_the_model_does_not_have_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no channel 'T9'"):
        assign(BRATS, [], chosen={"T9": image("a")})


def test_listings_are_matched_like_volumes() -> None:
    listings = [ImageListing("dicom", "DICOM series", (), modality="CT", description="a")]
    assert assign(LIVER, listings)[0].image is listings[0]


def test_no_image_at_all_is_an_input_error() -> None:
    with pytest.raises(InputError, match="'image' \\(CT\\)"):
        assign(LIVER, [])


def test_a_known_other_modality_asks_first() -> None:
    with pytest.raises(ConfirmationRequired, match="it is MR"):
        match(LIVER, [image("brain")])
    case = match(LIVER, [image("brain")], accept=True)
    assert [notice.code for notice in case.notices] == ["modality-accepted"]


def test_an_unknown_modality_is_said() -> None:
    case = match(LIVER, [image("scan.nii.gz", "")])
    assert [notice.code for notice in case.notices] == ["modality-unknown"]


@pytest.mark.parametrize("modality", ["", "MR"])
def test_notices_quote_no_file_name_for_it_may_be_a_patients(modality) -> None:
    case = match(LIVER, [image("Doe_Jane.nii.gz", modality)], accept=True)
    assert len(case.notices) == 1
    assert "Doe" not in case.notices[0].message


def test_channels_come_in_the_models_order_and_grids_are_compared() -> None:
    images = [image("T1post"), image("T1pre"), image("T2", spacing_mm=3.0), image("FLAIR", frame="1.2")]
    case = match(BRATS, images[::-1])
    assert list(case.channels) == ["T1c", "T1", "T2", "FLAIR"]
    assert [notice.code for notice in case.notices] == ["other-grid", "frame-of-reference"]


def test_quantities_are_brought_to_what_the_model_wants() -> None:
    assert match(LIVER, [image("a", "CT", value=-3000.0)]).first.voxels.max() == -1024
    pet = spec(Channel("PET", "PT", "SUV"))
    with pytest.raises(InputError, match="DecayCorrection is missing"):
        match(pet, [image("a", "PT", Units="BQML")])
    with pytest.raises(InputError, match="no voxel"):
        match(LIVER, [image("a", "CT", value=float("nan"))])


def test_a_chosen_image_that_looks_different_is_said() -> None:
    case = match(spec(Channel("FLAIR", "MR")), [], chosen={"FLAIR": image("T1 mprage")})
    assert [notice.code for notice in case.notices] == ["looks-different"]


@pytest.mark.parametrize("slices", [1, 2])
def test_too_few_slices_for_a_volume_are_used_only_when_accepted(slices) -> None:
    thin = image("portal venous", "CT", slices=slices)
    with pytest.raises(ConfirmationRequired, match=f"only {slices} slice"):
        match(LIVER, [thin])
    assert "few-slices-accepted" in [notice.code for notice in match(LIVER, [thin], accept=True).notices]


def test_three_slices_are_a_volume() -> None:
    assert "few-slices-accepted" not in [n.code for n in match(LIVER, [image("thin", "CT", slices=3)]).notices]


@pytest.mark.parametrize(("wanted", "given", "asks"), [("DX", "CR", False), ("CR", "DX", False), ("DX", "CT", True)])
def test_a_radiograph_is_one_however_it_was_recorded(wanted: str, given: str, asks: bool) -> None:
    model = spec(Channel("image", wanted))
    if asks:
        with pytest.raises(ConfirmationRequired, match="made for DX"):
            match(model, [image("chest", given)])
        return
    assert match(model, [image("chest", given)]).notices == ()
    (found,) = assign(model, [image("chest", "CT"), image("chest", given)])
    assert found.image.modality == given


def test_a_single_slice_counts_nothing_against_an_image_for_a_model_of_slices() -> None:
    stage = InferenceStage((), Windows((0, 0, 1)), Argmax())
    flat = ModelSpec("flat", "Flat", "test", (Channel("image", "DX"),), (stage,), (SegmentSpec(1, "thing"),))
    for model, score in ((flat, 2.0), (spec(Channel("image", "DX")), 0.5)):
        (found,) = assign(model, [image("chest", "DX", slices=1)])
        assert found.score == score
