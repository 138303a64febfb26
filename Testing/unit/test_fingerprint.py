"""A model's hash: of the names and contents of its files, and of nothing else."""

from __future__ import annotations

from pathlib import Path

from MedAISegLib.models.fingerprint import folder_sha256

PARTS = ("configs", "models")


def _model(folder: Path, *, weights: str = "weights", name: str = "model.pt") -> Path:
    for part in PARTS:
        (folder / part).mkdir(parents=True)
    (folder / "configs" / "inference.json").write_text("{}")
    (folder / "models" / name).write_text(weights)
    return folder


def test_equal_models_have_equal_hashes_wherever_they_lie(tmp_path: Path) -> None:
    assert folder_sha256(_model(tmp_path / "a"), PARTS) == folder_sha256(_model(tmp_path / "b"), PARTS)


def test_content_and_name_of_a_file_count(tmp_path: Path) -> None:
    hashes = {
        folder_sha256(_model(tmp_path / "a"), PARTS),
        folder_sha256(_model(tmp_path / "b", weights="others"), PARTS),
        folder_sha256(_model(tmp_path / "c", name="other.pt"), PARTS),
    }
    assert len(hashes) == 3


def test_a_change_is_seen_although_the_hash_is_remembered(tmp_path: Path) -> None:
    folder = _model(tmp_path / "a")
    before = folder_sha256(folder, PARTS)
    (folder / "models" / "model.pt").write_text("longer weights")
    assert folder_sha256(folder, PARTS) != before


def test_what_a_run_leaves_behind_does_not_count(tmp_path: Path) -> None:
    folder = _model(tmp_path / "a")
    before = folder_sha256(folder, PARTS)
    (folder / "eval").mkdir()
    (folder / "eval" / "result.nii.gz").write_text("labels")
    assert folder_sha256(folder, PARTS) == before
