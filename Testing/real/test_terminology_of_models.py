"""How much of what published models find has a code."""

import json

import pytest
from MedAISegLib.core.terminology_table import terminology_for


def names_without_code(names):
    return sorted(name for name in names if terminology_for(name) is None)


def channel_names(shared_data, bundle):
    metadata = json.loads((shared_data / "monai_zoo" / bundle / "configs" / "metadata.json").read_text())
    return list(metadata["network_data_format"]["outputs"]["pred"]["channel_def"].values())


@pytest.mark.parametrize("file_name", ["labels_total.json", "labels_total_mr.json"])
def test_every_structure_of_totalsegmentator_has_a_code(shared_data, file_name):
    labels = json.loads((shared_data / "ct_totalsegmentator" / "segmentations" / file_name).read_text())
    assert names_without_code(labels.values()) == []


@pytest.mark.parametrize(
    ("bundle", "unknown"),
    [
        ("wholeBody_ct_segmentation", ["background"]),
        ("swin_unetr_btcv_segmentation", ["background"]),
        ("multi_organ_segmentation", ["background"]),
        ("spleen_ct_segmentation", ["background"]),
        ("brats_mri_segmentation", []),
        # The zoo's "medulla" is the kidney's, which the name alone does not say.
        ("renalStructures_UNEST_segmentation", ["background", "medulla", "pelvicalyceal system"]),
    ],
)
def test_the_structures_of_the_zoo_have_codes(shared_data, bundle, unknown):
    assert names_without_code(channel_names(shared_data, bundle)) == unknown


@pytest.mark.parametrize(
    ("model", "unknown"), [("model18cls", ["Unknown"]), ("model21_104class", ["BG"]), ("model5_gw_ae", ["background"])]
)
def test_the_structures_of_the_brain_models_have_codes(shared_data, model, unknown):
    colormap = json.loads((shared_data / "models" / "meshnet" / model / "colormap.json").read_text())
    assert names_without_code(colormap["labels"]) == unknown
