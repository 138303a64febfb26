"""What a stranger's model may say and ask for, whatever its format: nothing else is installed, shown or run."""

from __future__ import annotations

from dataclasses import replace
from shutil import copytree, rmtree

import pytest
from bundles import write_bundle
from MedAISegLib.core.errors import ModelError
from MedAISegLib.core.notice import Notice
from MedAISegLib.core.terminology import ANATOMICAL_STRUCTURE, Code, Terminology
from MedAISegLib.formats import read_model
from MedAISegLib.formats.sanity import require_sane
from MedAISegLib.models import operations as op
from MedAISegLib.models.spec import (
    Argmax,
    Averaging,
    Channel,
    CropToLabels,
    InferenceStage,
    ModelSpec,
    Restore,
    SegmentSpec,
    Threshold,
    Windows,
)

NAN = float("nan")
STAGE = InferenceStage((), Windows((8, 8, 8)), Argmax((0, 1)))
SPEC = ModelSpec("m", "M", "nnunet", (Channel("CT", "CT", "HU"),), (STAGE,), (SegmentSpec(1, "liver"),))


def coded(**changes):
    code = replace(Code("10200004", "SCT", "Liver"), **changes)
    return replace(SPEC, segments=(SegmentSpec(1, "liver", Terminology(ANATOMICAL_STRUCTURE, code, region=code)),))


def prepared(*operations, **changes):
    return replace(SPEC, stages=(replace(STAGE, preprocessing=operations, **changes),))


def moved(**changes):
    return replace(SPEC, stages=(replace(STAGE, windows=replace(STAGE.windows, **changes)),))


@pytest.mark.parametrize(
    "spec",
    [
        SPEC,
        replace(SPEC, description="Zwei\nZeilen\tund 肝臓\r\n", citation="A\nB", version="1.0"),
        coded(),
        prepared(op.Resample((0.0, 1.0, 0.05)), op.Resize((0.0, 1, 1)), op.Zoom((1.5, 1.5, 1.5)), op.Clip(None, 2.0)),
        prepared(op.CropForeground(margin=100), op.PadToMultiple((32, 32, 32)), op.PadToSize((0, 512, 1))),
        prepared(op.ScalePercentiles(0.5, 99.5), op.ZScore(mean=(1.0,), std=(2.0,))),
        prepared(op.OnChannel(0, op.ScaleRange(-1000, 1000))),
    ],
)
def test_what_models_say_and_ask_for_is_accepted(spec):
    require_sane(spec, "m")


OBEYED = ["\x1b[2J", "\x00", "\ud800", "\u202e", "\x9b31m"]


@pytest.mark.parametrize("bad", OBEYED, ids=ascii)
@pytest.mark.parametrize(
    "said",
    [
        lambda bad: replace(SPEC, name=bad),
        lambda bad: replace(SPEC, version=bad),
        lambda bad: replace(SPEC, variants=(bad,)),
        lambda bad: replace(SPEC, classes=("a", bad)),
        lambda bad: replace(SPEC, channels=(Channel(bad),)),
        lambda bad: replace(SPEC, channels=(Channel("CT", bad),)),
        lambda bad: replace(SPEC, channels=(Channel("CT", "CT", bad),)),
        lambda bad: replace(SPEC, segments=(SegmentSpec(1, bad),)),
        lambda bad: replace(SPEC, notices=(Notice("n", bad),)),
        *(lambda bad, name=name: replace(SPEC, **{name: bad})
          for name in ("description", "anatomy", "license", "citation", "intended_use")),
        *(lambda bad, name=name: coded(**{name: bad}) for name in ("value", "scheme", "meaning")),
    ],
)  # fmt: skip
def test_no_text_has_what_is_obeyed_rather_than_shown(said, bad):
    with pytest.raises(ModelError, match="control characters") as refused:
        require_sane(said(f"liver{bad}"), "m")
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (replace(SPEC, version="1\n2"), "control characters"),
        (replace(SPEC, segments=(SegmentSpec(1, " "),)), "has no name"),
        (replace(SPEC, classes=("",)), "has no name"),
        (replace(SPEC, version="1" * 301), "longer than 300"),
        (replace(SPEC, citation="1" * 20_001), "longer than 20000"),
        (coded(value=""), "empty"),
        (coded(meaning="H" * 301), "longer than 300"),
        *((coded(meaning=f"a{divider}b"), "one of") for divider in "~^|"),
        (replace(SPEC, segments=(SegmentSpec(1, "x", color_rgb=(0, 0, 256)),)), "colour"),
        (replace(SPEC, stages=(STAGE,) * 65), "65 stages"),
    ],
)
def test_names_and_codes_have_their_limits(spec, why):
    with pytest.raises(ModelError, match=why):
        require_sane(spec, "m")


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (prepared(op.CropForeground(margin=10**9)), "margin"),
        (prepared(op.CropForeground(margin=-1)), "margin"),
        (prepared(op.CropForeground(margin=10**400)), "out of range"),
        (prepared(op.Resample((1e-6, 1, 1))), "spacing"),
        (prepared(op.Resize((1e-9, 1, 1))), "spacing"),
        (prepared(op.Resize((NAN, 1, 1))), "out of range"),
        (prepared(op.Zoom((0, 1, 1))), "spacing"),
        (prepared(op.PadToMultiple((10**6,) * 3)), "lengths"),
        (prepared(op.PadToMultiple((4096,) * 3)), "too large"),
        (prepared(op.ZScore(mean=(NAN,), std=(1.0,))), "out of range"),
        (prepared(op.Clip(NAN, 1)), "out of range"),
        (prepared(op.ScaleRange(NAN, 1)), "out of range"),
        (prepared(op.OnChannel(0, op.ScaleRange(NAN, 1))), "out of range"),
        (prepared(op.OnChannel(1, op.ScaleRange(0, 1))), "channel 1 of 1"),
        (prepared(op.ScalePercentiles(99, 1)), "percentiles"),
        (prepared(op.Orient("RRS")), "axes"),
        (prepared(*(op.Sigmoid(),) * 101), "101 operations"),
        (prepared(restore=Restore(cleaning=(op.RemoveSmallComponents(NAN),))), "out of range"),
        (replace(SPEC, postprocessing=(op.NumberVertebrae((1,), grown_mm=1e6),)), "grows"),
        (replace(SPEC, stages=(STAGE, replace(STAGE, crop=CropToLabels(0, margin_mm=1e6)))), "margin"),
        (prepared(decision=Argmax((0, 70_000))), "labels"),
        (prepared(decision=Threshold((1,), NAN)), "decided"),
        (prepared(averaging=Averaging(weights=(NAN,))), "weighed"),
        (moved(sigma_scale=NAN), "sigma_scale"),
        (moved(batch=10**6), "batch"),
        (moved(padding_value=NAN), "around an image"),
        (moved(overlap=(NAN, 0, 0)), "overlap"),
        (moved(size=(10**6, 1, 1)), "window"),
    ],
)
def test_no_number_exhausts_the_machine_or_spoils_the_run(spec, why):
    with pytest.raises(ModelError, match=why):
        require_sane(spec, "m")


@pytest.mark.engine
def test_a_stage_has_as_many_networks_as_a_training_gives(tmp_path):
    nnunets = pytest.importorskip("Testing.nnunets")
    folder = nnunets.write_model(tmp_path / "m")
    for fold in range(1, 65):
        copytree(folder / "fold_0", folder / f"fold_{fold}")
    with pytest.raises(ModelError, match="65 networks, and may have 64"):
        read_model(folder)
    rmtree(folder / "fold_64")
    assert read_model(folder).members == (64,)


def classes(metadata):
    return metadata["network_data_format"]["outputs"]["pred"]["channel_def"]


def transform(**entry):
    return lambda m, c: c["preprocessing"]["transforms"].append({"keys": "image"} | entry)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda m, c: classes(m).update({"2": "spleen\ud800"}), "control characters"),
        (lambda m, c: classes(m).update({"2": ""}), "no name"),
        (lambda m, c: classes(m).update({"2": {"name": "spleen"}}), "a name is expected"),
        (lambda m, c: m.update(name="x\ud800"), "control characters"),
        (lambda m, c: m.update(license="MIT\x1b]0;hi\x07"), "control characters"),
        (lambda m, c: m.update(references=["a\x1b[31mred"]), "control characters"),
        (transform(_target_="CropForegroundd", source_key="image", margin=10**9), "margin"),
        (transform(_target_="Spacingd", pixdim=[1e-6] * 3), "spacing"),
        (transform(_target_="DivisiblePadd", k=10**6), "lengths"),
    ],
)
def test_a_bundle_is_refused_before_it_is_installed(tmp_path, change, why):
    with pytest.raises(ModelError, match=why):
        read_model(write_bundle(tmp_path, change))
