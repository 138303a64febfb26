"""Windows of air are left out alike however a model decides, averages, or joins its stages."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from air_cases import (
    LEVEL,
    SHAPE,
    WINDOWS,
    Above,
    calibrated_air,
    case,
    kept,
    known_air,
    model,
    plain,
    run,
    voxels,
)
from MedAISegLib.engine import air_record
from MedAISegLib.engine.even_windows import WindowCount
from MedAISegLib.engine.label_channels import LabelChannels
from MedAISegLib.engine.run import segment
from MedAISegLib.engine.slabs import collect
from MedAISegLib.engine.windows import Placement, score_slabs
from MedAISegLib.models.spec import (
    Activation,
    Argmax,
    Averaging,
    Channel,
    Ensemble,
    InferenceStage,
    ModelSpec,
    Regions,
    Restore,
    Threshold,
    WindowRule,
)

pytestmark = pytest.mark.engine
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path))
    return tmp_path


STAGES = {
    "flips": InferenceStage((), replace(WINDOWS, test_time_flips=((0,), (1, 2))), Argmax()),
    "thresholds": InferenceStage((), WINDOWS, Threshold((1,)), Restore(Activation.SIGMOID)),
    "regions": InferenceStage((), WINDOWS, Regions((1,)), Restore(Activation.SIGMOID)),
    "labels": InferenceStage((), WINDOWS, Argmax((0, 7))),
    "batches": InferenceStage((), replace(WINDOWS, batch=4), Argmax()),
    "nnU-Net": InferenceStage((), replace(WINDOWS, rule=WindowRule.NNUNET), Argmax()),
    "probabilities averaged": InferenceStage(
        (), WINDOWS, Argmax(), Restore(Activation.NONE), averaging=Averaging(Activation.SOFTMAX)
    ),
    "probabilities of regions averaged": InferenceStage(
        (), WINDOWS, Regions((1,)), Restore(Activation.NONE), averaging=Averaging(Activation.SIGMOID, (1.0, 3.0))
    ),
}


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("name", STAGES)
def test_so_it_is_with(home, name, members):
    stage = STAGES[name]
    sigmoid = not isinstance(stage.decision, Argmax)
    if sigmoid and members == 1 and stage.averaging.weights:
        pytest.skip("one network has nothing to be averaged with")
    networks, spec = [Above(sigmoid=sigmoid) for _ in range(members)], model(stage)
    assert run(voxels(1), spec, networks).windows.air == 0
    assert kept(home) | {"images": 1} == {"images": 1, "label_found": False, "revision": 1}
    known_air(spec)
    result = run(voxels(9), spec, networks)
    assert result.windows.air in (70, 72)
    expected = plain(voxels(9), spec, networks)
    assert np.array_equal(expected[0] > 0, voxels(9) > LEVEL)
    assert np.array_equal(result.layers, expected)


@pytest.mark.parametrize("rule", list(WindowRule))
def test_of_networks_that_are_averaged_late_each_is_looked_at_by_itself(home, rule):
    spec = model(InferenceStage((), replace(WINDOWS, rule=rule), Argmax()))
    # The first finds something in all of it; their mean does not.
    run(voxels(1), spec, [Above(-1100.0), Above(-500.0)])
    assert kept(home)["label_found"] is (rule is WindowRule.NNUNET)


def test_of_probabilities_that_are_averaged_it_is_those_that_are_looked_at(home):
    spec = model(STAGES["probabilities of regions averaged"])
    run(voxels(1), spec, [Above(-1100.0, sigmoid=True), Above(-500.0, sigmoid=True)])
    assert kept(home)["label_found"]


def test_the_stages_of_an_ensemble_learn_each_for_itself(home):
    stages = (STAGES["flips"], replace(STAGES["flips"], windows=replace(WINDOWS, overlap=(0.25,) * 3)))
    ensemble = Ensemble((0, 1), Argmax())
    spec = ModelSpec("m", "m", "t", (Channel("i", "CT", "HU"),), stages, (), sha256="a", ensemble=ensemble)

    def both(values, spec=spec, second=LEVEL):
        return segment(case(values), spec, [[Above()], [Above(second)]], device="cpu")

    assert both(voxels(1)).windows.air == 0
    for number in range(2):
        for image in range(19 + number):
            air_record.AirRecord("a", number, stages[number].windows).add(f"image {image}")
    learnt = json.loads((home / "air.json").read_text())
    assert [len(entry["images"]) for entry in learnt.values()] == [20, 20]
    values = voxels(9)
    expected = both(values, replace(spec, sha256="")).layers
    found = both(values)
    assert found.windows.air > 70
    assert np.array_equal(found.layers, expected)
    # Now the second stage finds something in air; the first goes on to leave windows out.
    again = both(values, second=-1100.0)
    assert 0 < again.windows.air < found.windows.air
    assert [entry["label_found"] for entry in json.loads((home / "air.json").read_text()).values()] == [False, True]


def slabs_of(values, labels=None, air=None):
    network, count = Above(), WindowCount()
    stream = score_slabs(
        [network], values, WINDOWS, Placement(1, CPU, CPU), lambda _: None, labels=labels, count=count, air=air
    )
    collect(stream)
    return count


def test_a_window_with_a_label_of_the_stage_before_is_not_left_out():
    values = torch.from_numpy(voxels(9))[None]
    none = LabelChannels(torch.zeros(SHAPE, dtype=torch.uint8), 2)
    some = LabelChannels(none.labels.clone(), 2)
    some.labels[:, :, 40:] = 2
    without = slabs_of(values, none, calibrated_air(values)).air
    assert slabs_of(values, some, calibrated_air(values)).air < 30 < without


@pytest.mark.parametrize("channels", [(Channel("image", "MR"),), (Channel("image"),)])
def test_it_is_known_of_ct_alone_what_air_is(channels):
    known_air()
    assert run(voxels(9)).windows.air > 0
    assert run(voxels(9), replace(model(), channels=channels)).windows.air == 0


def test_two_stages_add_up():
    first, second = WindowCount(10, 1, air=3, air_images=7), WindowCount(5, 0, air=1, air_images=5)
    assert first + second == WindowCount(15, 1, air=4, air_images=5)
    assert first + WindowCount(4) == WindowCount(14, 1, air=3, air_images=7)


def test_slice_by_slice_none_is_left_out(home):
    run(voxels(1)[3:5], model(replace(InferenceStage((), replace(WINDOWS, size=(1, 4, 4)), Argmax()), slicewise=True)))
    assert not (home / "air.json").exists()
