"""Published bundles: those without code compile, the others are refused with their reason, by name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from MedAISegLib.core.errors import ModelError, NotTrustedError
from MedAISegLib.core.terminology import UNSPECIFIED
from MedAISegLib.formats import monai_bundle, read_model
from MedAISegLib.formats.monai_bundle.refusal import OtherTaskError
from MedAISegLib.models.operations import (
    CropForeground,
    Interpolation,
    MinMax,
    Operation,
    Orient,
    Resample,
    ResizeTo,
    ReverseAxes,
    ScaleRange,
    ZScore,
)
from MedAISegLib.models.spec import (
    Activation,
    Argmax,
    Blending,
    InferenceStage,
    ModelSpec,
    Padding,
    Restore,
    RestoreOrder,
    Threshold,
    Windows,
)
from MedAISegLib.models.trust import trust_model

SCORES_FIRST = Restore(Activation.SOFTMAX, RestoreOrder.SCORES_THEN_DECIDE, Interpolation.LINEAR)
LABELS_FIRST = Restore(Activation.SOFTMAX, RestoreOrder.DECIDE_THEN_LABELS, Interpolation.NEAREST)


def ct(spacing_mm: tuple[float, float, float], low: float, high: float) -> tuple[Operation, ...]:
    return ReverseAxes(), Orient("RAS"), Resample(spacing_mm), ScaleRange(low, high, 0, 1, clip=True)


def windows(overlap: float, batch: int) -> Windows:
    return Windows((96, 96, 96), (overlap,) * 3, batch=batch)


STAGES = {
    "spleen_ct_segmentation": InferenceStage(ct((1.5, 1.5, 2), -57, 164), windows(0.5, 4), Argmax(), SCORES_FIRST),
    "swin_unetr_btcv_segmentation": InferenceStage(
        ct((1.5, 1.5, 2), -175, 250), windows(0.5, 4), Argmax(), SCORES_FIRST
    ),
    "multi_organ_segmentation": InferenceStage(ct((1, 1, 1), -500, 500), windows(0.625, 4), Argmax(), SCORES_FIRST),
    "pediatric_abdominal_ct_segmentation": InferenceStage(
        (*ct((1.5, 1.5, 3), -250, 400), CropForeground()), windows(0.75, 4), Argmax(), SCORES_FIRST
    ),
    "wholeBody_ct_segmentation": InferenceStage(
        (ReverseAxes(), Orient("RAS"), Resample((1.5, 1.5, 1.5)), ZScore(nonzero=True), MinMax(-1, 1)),
        Windows((96, 96, 96), (0.25,) * 3, Blending.GAUSSIAN, padding=Padding.REPLICATE),
        Argmax(),
        LABELS_FIRST,
    ),
    "segmentation_template": InferenceStage((ReverseAxes(), MinMax()), Windows(), Argmax(), LABELS_FIRST),
    "endoscopic_tool_segmentation": InferenceStage(
        (ReverseAxes(), ResizeTo((736, 480, 0), floored_labels=True), MinMax()),
        Windows((0, 0, 1)),
        Argmax(),
        Restore(Activation.NONE, RestoreOrder.SCORES_THEN_DECIDE, Interpolation.LINEAR, probability=Activation.SOFTMAX),
        slicewise=True,
    ),
    "brats_mri_segmentation": InferenceStage(
        (ReverseAxes(), ZScore(nonzero=True, channel_wise=True)),
        Windows((240, 240, 160), (0.5,) * 3),
        Threshold((1, 2, 3), 0.5),
        Restore(Activation.SIGMOID, RestoreOrder.SCORES_THEN_DECIDE, Interpolation.LINEAR),
    ),
}
SEGMENTS = {
    "spleen_ct_segmentation": (1, ("spleen",)),
    "swin_unetr_btcv_segmentation": (13, ("spleen", "Right Kidney")),
    "multi_organ_segmentation": (7, ("artery", "portal vein")),
    "pediatric_abdominal_ct_segmentation": (3, ("liver", "spleen", "pancreas")),
    "wholeBody_ct_segmentation": (104, ("spleen", "kidney_right")),
    "segmentation_template": (3, ("category 1", "category 2")),
    "endoscopic_tool_segmentation": (1, ("tools",)),
    "brats_mri_segmentation": (3, ("Tumor core", "Whole tumor", "Enhancing tumor")),
}
NOTICES = {"swin_unetr_btcv_segmentation": ["argument-dropped"], "brats_mri_segmentation": ["layers-kept"]}
LICENSES = {"segmentation_template": ("MIT", True), "multi_organ_segmentation": ("Private Use, Non-Commercial", False)}

CLICKS = "it needs trust to run its own code: it is interactive"
REFUSED = {
    "renalStructures_UNEST_segmentation": "trust to run its own code: 'scripts.networks.unest.UNesT'",
    "spleen_deepedit_annotation": f"Spleen DeepEdit annotation: {CLICKS}",
    "vista3d": f"VISTA3D: {CLICKS}",
    "pathology_nuclei_segmentation_classification": "trust to run its own code: its network has several outputs",
    "pathology_nuclick_annotation": f"Pathology nuclick annotation: {CLICKS}",
    "not_segmentation/breast_density_classification": "it is a classification model, not a segmentation model",
    "not_segmentation/lung_nodule_ct_detection": "it is a detection model, not a segmentation model",
}


@pytest.fixture(scope="module")
def zoo(shared_data: Path) -> Path:
    return shared_data / "monai_zoo"


def read(zoo: Path, name: str) -> ModelSpec:
    return monai_bundle.read(zoo / name).spec


def test_every_published_bundle_has_its_verdict(zoo: Path) -> None:
    bundles = {path.parents[1].relative_to(zoo).as_posix() for path in zoo.rglob("metadata.json")}
    assert bundles == set(STAGES) | set(REFUSED)


@pytest.mark.parametrize("name", STAGES)
def test_a_bundle_compiles(zoo: Path, name: str) -> None:
    spec = read(zoo, name)
    assert spec.stages == (STAGES[name],)
    count, names = SEGMENTS[name]
    assert len(spec.segments) == count
    assert tuple(segment.name for segment in spec.segments)[: len(names)] == names
    assert [segment.label_value for segment in spec.segments] == list(range(1, count + 1))
    assert [notice.code for notice in spec.notices] == NOTICES.get(name, [])
    license_name, commercial_use = LICENSES.get(name, ("Apache-2.0", True))
    assert spec.license.startswith(license_name)
    assert spec.commercial_use is commercial_use


@pytest.mark.parametrize("name", STAGES)
def test_channels_have_their_modality(zoo: Path, name: str) -> None:
    channels = [(c.name, c.modality, c.units) for c in read(zoo, name).channels]
    if name == "brats_mri_segmentation":
        assert channels == [("T1c", "MR", ""), ("T1", "MR", ""), ("T2", "MR", ""), ("FLAIR", "MR", "")]
    elif name == "segmentation_template":
        assert channels == [("image", "", "")]
    elif name == "endoscopic_tool_segmentation":
        assert channels == [("R", "", ""), ("G", "", ""), ("B", "", "")]
    else:
        assert channels == [("image", "CT", "HU")]


def test_known_structures_have_their_codes(zoo: Path) -> None:
    segments = {segment.name: segment for segment in read(zoo, "wholeBody_ct_segmentation").segments}
    kidney = segments["kidney_left"].terminology
    assert (kidney.type.meaning, kidney.modifier and kidney.modifier.meaning) == ("Kidney", "Left")
    coded = [s for s in segments.values() if s.terminology != UNSPECIFIED]
    assert len(coded) == len(segments)
    assert read(zoo, "segmentation_template").segments[0].terminology == UNSPECIFIED


@pytest.mark.parametrize("name", REFUSED)
def test_a_bundle_is_refused_with_its_reason(zoo: Path, name: str) -> None:
    with pytest.raises(ModelError) as refused:
        read(zoo, name)
    assert REFUSED[name] in str(refused.value)
    kind = OtherTaskError if name.startswith("not_segmentation/") else NotTrustedError
    assert isinstance(refused.value, kind)


def test_of_single_nuclei_and_their_types_the_types_are_the_labels(
    zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    root = tmp_path / "nuclei"
    shutil.copytree(zoo / "pathology_nuclei_segmentation_classification", root)
    with pytest.raises(NotTrustedError, match="its network has several outputs"):
        read_model(root)
    trust_model(root)
    spec = read_model(root).spec
    assert spec.sees_slices
    assert [channel.name for channel in spec.channels] == ["R", "G", "B"]
    assert [segment.name for segment in spec.segments] == [f"nuclei of type {n}" for n in range(1, 5)]


def test_what_needs_clicks_is_refused_whether_trusted_or_not(zoo: Path) -> None:
    with pytest.raises(ModelError, match="segments what the user has clicked on") as refused:
        read_model(zoo / "pathology_nuclick_annotation")
    assert not isinstance(refused.value, NotTrustedError)


def test_the_published_bundles_have_no_weights(zoo: Path) -> None:
    pytest.importorskip("monai")
    with pytest.raises(ModelError, match="weights are missing"):
        monai_bundle.read(zoo / "spleen_ct_segmentation").build_networks()
