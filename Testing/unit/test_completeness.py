"""Files that VTK left unfinished are told from whole ones."""

from __future__ import annotations

import gzip
import io
import zipfile

import numpy as np
import pytest
from MedAISegLib.core.errors import ResourceError
from MedAISegLib.slicer_io.completeness import bundle_is_complete, nrrd_is_complete, obj_is_complete, stl_is_complete

HEADER = b"NRRD0004\n# a comment: none\ntype: unsigned short\ndimension: 3\nsizes: 4 5 6\nname:=a: b\nencoding: %s\n\n"
DATA = np.arange(120, dtype=np.uint16).tobytes()


def is_whole(content):
    return nrrd_is_complete(io.BytesIO(content))


def test_a_whole_nrrd_file_is_one():
    assert is_whole(HEADER % b"raw" + DATA)
    assert is_whole(HEADER % b"gzip" + gzip.compress(DATA))


@pytest.mark.parametrize("missing", [1, 100, 10_000])
def test_a_truncated_nrrd_file_is_none(missing):
    for whole in (HEADER % b"raw" + DATA, HEADER % b"gzip" + gzip.compress(DATA)):
        assert not is_whole(whole[:-missing])


def test_a_nrrd_file_whose_data_are_damaged_is_none():
    damaged = bytearray(HEADER % b"gzip" + gzip.compress(DATA))
    damaged[-30] ^= 255
    assert not is_whole(bytes(damaged))


def test_a_bundle_is_only_as_whole_as_the_files_in_it(tmp_path):
    path = tmp_path / "scene.mrb"
    for content, expected in ((HEADER % b"raw" + DATA, True), (HEADER % b"raw" + DATA[:-1], False)):
        with zipfile.ZipFile(path, "w") as bundle:
            bundle.writestr("scene/scene.mrml", "<MRML/>")
            bundle.writestr("scene/Data/x.seg.nrrd", content)
        assert bundle_is_complete(path) is expected
    path.write_bytes(path.read_bytes()[:-10])
    assert not bundle_is_complete(path)


def test_surfaces_hold_all_their_triangles(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(bytes(84 + 50 * 7))
    assert stl_is_complete(path, 7)
    assert not stl_is_complete(path, 8)
    path.write_bytes(b"v 0 0 0\nf 1 2 3\nf 1 3 4\n")
    assert obj_is_complete(path, 2)
    assert not obj_is_complete(path, 3)
    path.write_bytes(b"v 0 0 0\nf 1 2 3\nf 1 3")
    assert not obj_is_complete(path, 2)


@pytest.mark.slicer
def test_a_scene_bundle_on_a_full_disk_leaves_nothing_behind(tmp_path):
    resource = pytest.importorskip("resource", reason="no limit on a file's size can be set here")
    pytest.importorskip("slicer_core", reason="slicer-core is not installed")
    from MedAISegLib.slicer_io.scene import new_scene_host
    from MedAISegLib.slicer_io.segmentation_node import segmentation_to_node
    from MedAISegLib.slicer_io.writers import save_mrb
    from segmentations import oblique_geometry, organs, result_of

    host = new_scene_host()
    segmentation = organs(oblique_geometry())
    segmentation_to_node(segmentation, result_of(segmentation), host.scene)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        with pytest.raises(ResourceError):
            save_mrb(host.scene, tmp_path / "out" / "scene.mrb")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "out").exists()
