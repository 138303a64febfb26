"""Bundles with code of their own: trusted, run in this process, their labels on the source grid."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from coded_bundles import SCRIPT, STATE, expected, scan, write_coded
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.segment import load_model, open_model, run
from MedAISegLib.core.errors import Cancelled, ModelError, NotTrustedError, ResourceError
from MedAISegLib.core.progress import Progress, RunStage
from MedAISegLib.core.region import read_region
from MedAISegLib.core.result import JobResult
from MedAISegLib.core.segmentation import Segmentation
from MedAISegLib.formats import read_model
from MedAISegLib.models.trust import trust_model, withdraw_trust

pytestmark = pytest.mark.engine

Config = dict[str, Any]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))


def trusted(folder: Path, change: Any = None, script: str = SCRIPT) -> Path:
    root = write_coded(folder, change, script)
    trust_model(root)
    return root


def segmented(root: Path, **options: Any) -> tuple[Segmentation, JobResult]:
    return run(SegmentationJob(str(root), device="cpu", **options), (scan(),))


def post(*transforms: Config) -> Callable[[Config, Config], None]:
    def change(_: Config, config: Config) -> None:
        config["postprocessing"]["transforms"] += [{"keys": "pred", **transform} for transform in transforms]

    return change


def test_it_runs_once_it_is_trusted(tmp_path: Path) -> None:
    root = write_coded(tmp_path)
    with pytest.raises(NotTrustedError, match=r"class 'scripts\.own\.Scores' \(network_def\)"):
        read_model(root)
    trust_model(root)
    segmentation, _ = segmented(root)
    assert np.array_equal(segmentation.layers[0], expected(scan()))
    assert [segment.name for segment in segmentation.segments] == ["liver", "spleen"]
    withdraw_trust(root)
    with pytest.raises(NotTrustedError):
        read_model(root)


def test_the_record_says_whose_code_ran(tmp_path: Path) -> None:
    _, result = segmented(trusted(tmp_path))
    assert result.provenance.parameters["run_by"] == "the model's own code"
    assert result.provenance.parameters["model_format"] == "monai_trusted"
    assert [notice.code for notice in result.notices] == ["own-code"]


@pytest.mark.parametrize(
    ("scores", "is_said"),
    [
        ("self.layer(x)", False),
        ("self.layer(x) / (x * 0 + float('nan'))", True),
        ("self.layer(x).half() * float('inf')", True),
    ],
    ids=["numbers", "none", "infinite"],
)
def test_a_user_is_told_of_scores_that_are_no_numbers(scores: str, is_said: bool, tmp_path: Path) -> None:
    _, result = segmented(trusted(tmp_path, script=SCRIPT.replace("self.layer(x)", scores)))
    assert ("scores-undefined" in [notice.code for notice in result.notices]) is is_said


@pytest.mark.parametrize("name", ["scripts/own.py", "scripts/new.py", "models/model.pt", "configs/inference.json", "x"])
def test_a_file_that_changes_ends_the_trust(name: str, tmp_path: Path) -> None:
    root = trusted(tmp_path)
    source = read_model(root)
    with (root / name).open("a") as stream:
        stream.write(" ")
    with pytest.raises(NotTrustedError, match="others than those that were trusted"):
        read_model(root)
    with pytest.raises(NotTrustedError):
        source.build_networks()
    withdraw_trust(root)
    with pytest.raises(NotTrustedError, match=r"it is not trusted\."):
        read_model(root)


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="the system takes no such names")
def test_a_name_that_is_no_unicode_is_trusted_like_any(tmp_path: Path) -> None:
    root = write_coded(tmp_path)
    strange = Path(os.fsdecode(os.fsencode(root / "scripts") + b"/a\xff.txt"))
    strange.write_text("a")
    with pytest.raises(NotTrustedError):
        read_model(root)
    trust_model(root)
    read_model(root)
    strange.rename(Path(os.fsdecode(os.fsencode(root / "scripts") + b"/a\xfe.txt")))
    with pytest.raises(NotTrustedError):
        read_model(root)


def test_a_run_leaves_the_model_and_the_process_as_they_were(tmp_path: Path) -> None:
    def writes(_: Config, config: Config) -> None:
        config["output_dir"] = "$@bundle_root + '/eval'"
        post({"_target_": "SaveImaged", "output_dir": "@output_dir"})(_, config)

    root = trusted(tmp_path, writes, SCRIPT + "\nimport sys\nsys.path.append('/elsewhere')\nprint('told')\n")
    files, search_path = sorted(root.rglob("*")), list(sys.path)
    segmented(root)
    segmented(root)
    assert sorted(root.rglob("*")) == files
    assert sys.path == search_path
    assert not [name for name in sys.modules if name.partition(".")[0] == "scripts"]


def test_nothing_is_printed_where_results_go(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    segmented(trusted(tmp_path, script=SCRIPT + "\nprint('told')\n"))
    assert capfd.readouterr().out == ""


def test_bundles_with_scripts_of_one_name_do_not_meet(tmp_path: Path) -> None:
    one = trusted(tmp_path / "one")
    other = trusted(tmp_path / "other", script=SCRIPT.replace("* 2", "* -2"))
    loaded = {root: load_model(open_model(str(root))) for root in (one, other)}
    for root in (one, other, one):
        segmentation, _ = run(SegmentationJob(str(root), device="cpu"), (scan(),), model=loaded[root])
        sign = 1 if root == one else -1
        found = segmentation.layers[0] > 0
        assert np.array_equal(found, np.maximum(sign * scan().voxels, 2 * sign * scan().voxels - 1) > 0)


def test_a_region_and_labels_are_chosen_as_of_any_model(tmp_path: Path) -> None:
    volume = scan()
    low, high = np.sort(volume.geometry.index_to_lps([[1, 1, 1], [3, 4, 5]]), axis=0)
    region = read_region(",".join(f"{a},{b}" for a, b in zip(low, high, strict=True)))
    segmentation, _ = segmented(trusted(tmp_path), region=region, labels=("spleen",))
    inside = segmentation.layers[0] > 0
    assert inside.any()
    assert np.array_equal(segmentation.layers[0][inside], expected(volume)[inside])
    assert not (inside & (expected(volume) != 2)).any()


def test_flips_are_the_models_own_affair(tmp_path: Path) -> None:
    _, result = segmented(trusted(tmp_path), test_time_flips=True)
    assert "flips-not-chosen" in [notice.code for notice in result.notices]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (SCRIPT.replace("d[key] * 2", "d[key] / None"), "its own code failed: TypeError"),
        (SCRIPT + "\nraise ValueError('on import')", "ValueError: on import"),
        (SCRIPT + "\nx = (", "SyntaxError"),
        (SCRIPT + "\nimport nowhere_to_be_found", "nowhere_to_be_found"),
        (SCRIPT.replace("class Scores", "class Other"), "Scores"),
    ],
)
def test_code_that_fails_is_an_error_of_the_model(script: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=said):
        segmented(trusted(tmp_path, script=script))


def test_code_that_is_not_there_is_asked_for_instead_of_trust(tmp_path: Path) -> None:
    root = write_coded(tmp_path)
    shutil.rmtree(root / "scripts")
    with pytest.raises(ModelError, match=r"scripts/own\.py") as caught:
        read_model(root)
    assert not isinstance(caught.value, NotTrustedError)


def test_a_run_can_be_cancelled_within(tmp_path: Path) -> None:
    root = trusted(tmp_path)
    progress: Progress

    def cancel(event: Any) -> None:
        if event.stage is RunStage.INFER:
            progress.cancel.cancel()

    progress = Progress(cancel)
    with pytest.raises(Cancelled):
        run(SegmentationJob(str(root), device="cpu"), (scan(),), progress)


def test_overlapping_structures_stay_layers(tmp_path: Path) -> None:
    def change(metadata: Config, config: Config) -> None:
        transforms = config["postprocessing"]["transforms"]
        transforms[0] = {"_target_": "Identityd", "keys": "pred"}
        transforms[2] = {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5}
        metadata["network_data_format"]["outputs"]["pred"]["channel_def"] = {"0": "liver", "1": "spleen", "2": "kidney"}

    segmentation, _ = segmented(trusted(tmp_path, change))
    doubled = 2 * scan().voxels
    liver, spleen, kidney = (segmentation.mask(segment) for segment in segmentation.segments)
    assert not liver.any()
    assert np.array_equal(spleen, doubled >= 0.5)
    assert np.array_equal(kidney, 2 * doubled - 2 >= 0.5)
    assert (spleen & kidney).any()


TWO_OUTPUTS = SCRIPT.replace("return self.layer(x)", 'return {"organs": self.layer(x), "edges": torch.zeros_like(x)}')


def several_outputs(*saved: str) -> Callable[[Config, Config], None]:
    """The network gives two maps by name; some of them are what the bundle would write."""

    def change(metadata: Config, config: Config) -> None:
        outputs = metadata["network_data_format"]["outputs"]
        outputs["organs"] = outputs.pop("pred")
        outputs["edges"] = {"format": "regression", "num_channels": 1}
        for transform in config["postprocessing"]["transforms"]:
            transform["keys"] = "organs"
        config["postprocessing"]["transforms"].insert(
            0, {"_target_": "FlattenSubKeysd", "keys": "pred", "sub_keys": ["organs", "edges"], "delete_keys": True}
        )
        config["postprocessing"]["transforms"].append({"_target_": "SaveImaged", "keys": list(saved)})

    return change


def test_of_several_outputs_the_one_that_is_saved_counts(tmp_path: Path) -> None:
    segmentation, _ = segmented(trusted(tmp_path, several_outputs("organs"), TWO_OUTPUTS))
    assert np.array_equal(segmentation.layers[0], expected(scan()))


def test_several_results_are_refused_before_trust_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"several results instead of one map of labels \(organs, edges\)") as refused:
        read_model(write_coded(tmp_path, several_outputs("organs", "edges"), TWO_OUTPUTS))
    assert not isinstance(refused.value, NotTrustedError)


def test_one_hot_labels_are_labels(tmp_path: Path) -> None:
    segmentation, _ = segmented(trusted(tmp_path, post({"_target_": "AsDiscreted", "to_onehot": 3})))
    assert segmentation.layers.shape[0] == 1
    assert np.array_equal(segmentation.layers[0], expected(scan()))


def test_values_without_a_name_are_left_out_and_said(tmp_path: Path) -> None:
    root = trusted(tmp_path, post({"_target_": "Lambdad", "func": "$lambda x: x * x * 2"}))
    segmentation, result = segmented(root)
    assert np.array_equal(segmentation.layers[0], np.where(expected(scan()) == 1, 2, 0))
    (notice,) = [notice for notice in result.notices if notice.code == "values-left-out"]
    assert notice.message.endswith(": 8.")


@pytest.mark.parametrize("function", ["x * 0.3", "x / x", "x - 1e9 * x.new_tensor(float('inf'))"])
def test_what_is_no_label_is_refused(function: str, tmp_path: Path) -> None:
    root = trusted(tmp_path, post({"_target_": "Lambdad", "func": f"$lambda x: {function}"}))
    with pytest.raises(ModelError, match="no labels"):
        segmented(root)


def test_a_result_on_another_grid_is_brought_back(tmp_path: Path) -> None:
    def change(_: Config, config: Config) -> None:
        del config["postprocessing"]["transforms"][1]
        config["preprocessing"]["transforms"].append(
            {"_target_": "SpatialPadd", "keys": "image", "spatial_size": [9, 9, 9]}
        )

    segmentation, result = segmented(trusted(tmp_path, change))
    assert np.array_equal(segmentation.layers[0], expected(scan()))
    assert "restored" in [notice.code for notice in result.notices]


def test_a_2d_bundle_sees_a_volume_slice_by_slice(tmp_path: Path) -> None:
    def change(metadata: Config, config: Config) -> None:
        metadata["network_data_format"]["inputs"]["image"]["spatial_shape"] = [6, 6]
        del config["preprocessing"]["transforms"][2]
        config["postprocessing"]["transforms"][1] = {"_target_": "Identityd", "keys": "pred"}

    script = SCRIPT.replace("Conv3d", "Conv2d").replace("d[key] * 2", "2 * d[key] / d[key].abs().max()")
    root = write_coded(tmp_path, change, script)
    flat = {"layer.weight": STATE["layer.weight"][..., 0], "layer.bias": STATE["layer.bias"]}
    torch.save(flat, root / "models" / "model.pt")
    trust_model(root)
    segmentation, _ = segmented(root)
    volume = scan()
    scaled = volume.voxels / np.abs(volume.voxels).max(axis=(1, 2), keepdims=True)
    assert np.array_equal(segmentation.layers[0], expected(volume.with_voxels(scaled)))


def test_weights_fit_or_it_is_an_error(tmp_path: Path) -> None:
    root = write_coded(tmp_path)
    torch.save({"layer.weight": STATE["layer.weight"]}, root / "models" / "model.pt")
    trust_model(root)
    with pytest.raises(ModelError, match=r"layer\.bias is missing"):
        read_model(root).build_networks()
    (root / "models" / "model.pt").unlink()
    trust_model(root)
    with pytest.raises(ModelError, match="weights are missing"):
        read_model(root).build_networks()


def test_it_cannot_be_exported_as_a_description(tmp_path: Path) -> None:
    from MedAISegLib.formats.medaiseg_bundle.writing import export_model

    root = trusted(tmp_path)
    with pytest.raises(ModelError, match=r"code of its own.*Share it as it is: medaiseg models pack"):
        export_model(read_model(root), root, tmp_path / "exported")
    assert not (tmp_path / "exported").exists()


def test_a_package_that_is_missing_is_named_before_anything_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)
    root = trusted(tmp_path, post({"_target_": "KeepLargestConnectedComponentd", "applied_labels": [1, 2]}))
    with pytest.raises(ResourceError, match=r"scikit-image is missing, which MONAI's KeepLargest.*pip install"):
        load_model(open_model(str(root)))


def test_a_step_that_is_switched_off_needs_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)
    off = {"_target_": "RemoveSmallObjectsd", "_disabled_": True}
    segmentation, _ = segmented(trusted(tmp_path, post(off)))
    assert np.array_equal(segmentation.layers[0], expected(scan()))


def test_a_bar_that_shows_progress_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)

    def change(_: Config, config: Config) -> None:
        config["inferer"] = {"_target_": "SlidingWindowInferer", "roi_size": [8, 8, 8], "progress": True}

    segmentation, _ = segmented(trusted(tmp_path, change))
    assert np.array_equal(segmentation.layers[0], expected(scan()))
