"""What is kept of windows of air: by model, each image once, and nothing that is doubtful."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from air_cases import (
    WINDOWS,
    Above,
    kept,
    known_air,
    model,
    plain,
    run,
    voxels,
)
from MedAISegLib.core.errors import Cancelled
from MedAISegLib.core.progress import Progress
from MedAISegLib.engine import air_record
from MedAISegLib.models.spec import (
    Argmax,
    InferenceStage,
)

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path))
    return tmp_path


def test_nineteen_images_are_too_few():
    known_air(images=19)
    assert run(voxels(8)).windows.air == 0
    assert run(voxels(9)).windows.air > 0


def test_an_image_counts_once_however_often_and_in_whatever_way_it_is_run(home):
    for flips in ((), ((0,),)):
        stage = InferenceStage((), replace(WINDOWS, test_time_flips=flips), Argmax())
        for _ in range(2):
            assert run(voxels(1), model(stage)).windows.air == 0
    run(voxels(2))
    assert [len(entry["images"]) for entry in json.loads((home / "air.json").read_text()).values()] == [2, 1]


def test_nothing_is_kept_of_what_was_cancelled_in_its_midst(home):
    class CancelledInTheEnd(Above):
        def forward(self, batch):
            if self.windows == 160:
                progress.cancel.cancel()
            return super().forward(batch)

    progress = Progress()
    with pytest.raises(Cancelled):
        run(voxels(1), networks=[CancelledInTheEnd()], progress=progress)
    assert not (home / "air.json").exists()


def test_nothing_is_kept_of_a_model_without_a_hash_or_of_other_windows(home):
    run(voxels(1), model(sha256=""))
    assert not (home / "air.json").exists()
    known_air()
    assert run(voxels(9), model(sha256="other")).windows.air == 0
    for changes in ({"size": (8, 8, 12)}, {"test_time_flips": ((0,),)}):
        assert run(voxels(9), model(InferenceStage((), replace(WINDOWS, **changes), Argmax()))).windows.air == 0


@pytest.mark.parametrize(("count", "looked"), [(3, False), (4, True)])
def test_three_windows_are_not_worth_a_look(home, count, looked):
    # The body and what is near it lie in the first two.
    values = voxels(1)[:8, :8, 20 : 24 + 4 * count]
    assert run(values).windows.all == count
    assert (home / "air.json").exists() is looked


def test_a_folder_that_cannot_be_written_costs_what_would_be_learnt(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "file"))
    known_air()
    assert run(voxels(9)).windows.air == 0
    assert np.array_equal(run(voxels(9)).layers, plain(voxels(9)))


@pytest.mark.parametrize(
    "text",
    [
        "[1, 2",
        '{"KEY": 3}',
        '{"KEY": {"images": 30, "revision": 1}}',
        '{"KEY": {"images": [' + '"one", ' * 30 + '"one"], "revision": 1}}',
        '{"KEY": {"images": ["1", "2"], "revision": 0}}',
    ],
)
def test_what_is_damaged_or_of_another_version_counts_for_nothing(home, text):
    (home / "air.json").write_text(text.replace("KEY", "abc/0/8x8x8/0 flips"))
    assert run(voxels(1)).windows.air == 0
    assert len(kept(home)["images"]) <= 2
    assert kept(home) | {"images": 1} == {"images": 1, "label_found": False, "revision": 1}


def test_records_do_not_grow_without_end(home, monkeypatch):
    monkeypatch.setattr(air_record, "_MOST", 3)
    for number in range(6):
        air_record.AirRecord(f"model {number}", 0, WINDOWS).add("image")
    content = json.loads((home / "air.json").read_text())
    assert len(content) == 3
    assert any(key.startswith("model 5/") for key in content)


def test_two_programs_add_to_one_record(home):
    one, two = (air_record.AirRecord("model", 0, WINDOWS) for _ in range(2))
    one.add("first")
    two.add("second")
    two.refute()
    one.add("third")
    assert kept(home) == {"images": ["first", "second", "third"], "label_found": True, "revision": 1}
