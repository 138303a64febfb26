"""Folders of our own layout give the labels of the plain network, and nothing impossible is accepted of them."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from MedAISegLib.core.errors import ModelError, NotTrustedError
from MedAISegLib.core.terminology import UNSPECIFIED
from MedAISegLib.core.terminology_table import color_for, terminology_for
from MedAISegLib.engine.preparation import prepare
from MedAISegLib.engine.run import segment
from MedAISegLib.formats import read_model
from MedAISegLib.formats.medaiseg_bundle import recognises
from MedAISegLib.formats.medaiseg_bundle.writing import export_model
from MedAISegLib.models.operations import MinMax, Orient
from MedAISegLib.models.spec import Channel
from monai.networks.nets import BasicUNet
from safetensors.torch import save_file

from Testing.described_models import (
    case,
    description,
    small_network,
    write_description,
    write_onnx,
    write_torchscript,
)

pytestmark = pytest.mark.engine


def changed(**changes):
    content = description()
    stage = content["stages"][0]
    for name, value in changes.items():
        (stage if name in ("windows", "preprocessing", "decision") else content)[name] = value
    return content


def folder_with(tmp_path, content, network=None, **of_network):
    write_torchscript(network or small_network(), tmp_path / "model" / "model.ts", **of_network)
    return write_description(tmp_path / "model", content)


def labels_of(folder, images=None):
    model = read_model(folder)
    return segment(images or case(), model.spec, model.build_networks(), device="cpu").layers[0]


def test_the_description_is_the_spec(tmp_path):
    spec = read_model(folder_with(tmp_path, changed(name="Liver", license="MIT", commercial_use=True))).spec
    assert (spec.id, spec.name, spec.format, spec.license) == ("model", "Liver", "medaiseg_bundle", "MIT")
    assert spec.channels == (Channel("CT", "CT", "HU"),)
    assert spec.stages[0].preprocessing == (Orient("RAS"), MinMax())
    assert len(spec.sha256) == 64


def test_torchscript_gives_the_labels_of_the_eager_network(tmp_path):
    folder = folder_with(tmp_path, description())
    spec = read_model(folder).spec
    expected = segment(case(), spec, [[small_network()]], device="cpu").layers[0]
    np.testing.assert_array_equal(labels_of(folder), expected)
    assert len(np.unique(expected)) > 1


def test_onnx_gives_the_labels_of_the_eager_network(tmp_path):
    pytest.importorskip("onnxruntime")
    weights = np.array([0.2, 1.0, 2.0], np.float32).reshape(3, 1, 1, 1, 1)
    bias = np.array([1.0, 0.5, 0.0], np.float32)
    write_onnx(tmp_path / "model" / "model.onnx", weights, bias)
    folder = write_description(tmp_path / "model", description("model.onnx"))
    eager = torch.nn.Conv3d(1, 3, 1)
    eager.load_state_dict({"weight": torch.from_numpy(weights), "bias": torch.from_numpy(bias)})
    expected = segment(case(), read_model(folder).spec, [[eager]], device="cpu").layers[0]
    np.testing.assert_array_equal(labels_of(folder), expected)
    assert len(np.unique(expected)) > 1


def test_a_copy_has_networks_in_folders_and_the_weights_beside_them(tmp_path):
    pytest.importorskip("onnx")
    weights = np.array([-1.0, 0.5, 1.0], np.float32).reshape(3, 1, 1, 1, 1)
    path = write_onnx(tmp_path / "model" / "rough" / "net.onnx", weights, np.zeros(3, np.float32), location="w.bin")
    path.with_name("w.bin").write_bytes(weights.tobytes())
    folder, copy = write_description(tmp_path / "model", description("rough/net.onnx")), tmp_path / "copy"
    export_model(read_model(folder), folder, copy)
    files = {file.relative_to(copy).as_posix() for file in copy.rglob("*") if file.is_file()}
    assert files == {"medaiseg.json", "rough/net.onnx", "rough/w.bin"}
    np.testing.assert_array_equal(labels_of(copy), labels_of(folder))


def test_weights_alone_with_the_name_of_a_network_of_monai(tmp_path):
    arguments = {"spatial_dims": 3, "in_channels": 1, "out_channels": 3, "features": [4, 4, 4, 8, 8, 4]}
    torch.manual_seed(1)
    eager = BasicUNet(**arguments).eval()
    (tmp_path / "model").mkdir()
    save_file(eager.state_dict(), tmp_path / "model" / "weights.safetensors")
    network = {"file": "weights.safetensors", "architecture": "BasicUNet", "arguments": arguments}
    folder = write_description(tmp_path / "model", changed(networks=[[network]], **window(size=[32, 32, 32])))
    expected = segment(case(), read_model(folder).spec, [[eager]], device="cpu").layers[0]
    np.testing.assert_array_equal(labels_of(folder), expected)


@pytest.mark.parametrize("beside", [{"architecture": "os.system"}, {"arguments": {"channels": 3}}])
def test_a_whole_network_has_no_architecture_beside_it(tmp_path, beside):
    folder = folder_with(tmp_path, changed(networks=[[{"file": "model.ts"} | beside]]))
    with pytest.raises(ModelError, match=r"model\.ts is a whole network"):
        read_model(folder).build_networks()


def test_a_2d_network_sees_each_slice_by_itself(tmp_path):
    content = changed(windows={"size": [1, 0, 0], "overlap": [0, 0, 0]}, preprocessing=[{"kind": "MinMax"}])
    content["networks"] = [[{"file": "model.ts", "dimensions": 2}]]
    folder = folder_with(tmp_path, content, small_network(2), dimensions=2)
    values = prepare(case(), read_model(folder).spec.stages[0]).values[0]
    with torch.no_grad():
        expected = torch.stack([small_network(2)(plane[None, None])[0].argmax(0) for plane in values])
    np.testing.assert_array_equal(labels_of(folder), expected.numpy())


def test_several_networks_of_a_stage_are_averaged(tmp_path):
    torch.manual_seed(11)
    other = torch.nn.Conv3d(1, 3, 1).eval()
    content = description(networks=[[{"file": "model.ts"}, {"file": "other.ts"}]])
    folder = folder_with(tmp_path, content)
    write_torchscript(other, folder / "other.ts")
    expected = segment(case(), read_model(folder).spec, [[small_network(), other]], device="cpu").layers[0]
    np.testing.assert_array_equal(labels_of(folder), expected)


def test_of_several_outputs_the_first_counts(tmp_path):
    class Deep(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = small_network()

        def forward(self, values):
            scores = self.network(values)
            return scores, scores[:, :, ::2, ::2, ::2]

    plain = labels_of(folder_with(tmp_path / "plain", description()))
    np.testing.assert_array_equal(labels_of(folder_with(tmp_path / "deep", description(), Deep().eval())), plain)


def test_a_small_description_beside_other_files_is_no_model_of_ours(tmp_path):
    assert not recognises(write_description(tmp_path, '{"name": "Glioma", "paint": [2, 1]}'))
    assert recognises(write_description(tmp_path, description()))


def test_reading_imports_no_torch(tmp_path):
    folder = folder_with(tmp_path, description())
    code = (
        "import sys; from pathlib import Path; from MedAISegLib.formats import read_model; "
        f"read_model(Path({str(folder)!r})); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_a_name_stands_for_is_looked_up_where_it_is_not_said(tmp_path):
    said = {
        "category": {"value": "C", "scheme": "99X", "meaning": "C"},
        "type": {"value": "T", "scheme": "99X", "meaning": "T"},
    }
    segments = [
        {"label_value": 1, "name": "liver"},
        {"label_value": 2, "name": "spleen", "terminology": said, "color_rgb": [1, 2, 3]},
        {"label_value": 3, "name": "no such thing"},
    ]  # fmt: skip
    liver, spleen, unknown = read_model(folder_with(tmp_path, changed(segments=segments))).spec.segments
    assert (liver.terminology, liver.color_rgb) == (terminology_for("liver"), color_for("liver"))
    assert (spleen.terminology.type.meaning, spleen.color_rgb) == ("T", (1, 2, 3))
    assert unknown.terminology == UNSPECIFIED


def window(**changes):
    return {"windows": {"size": [16, 16, 16]} | changes}


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"segments": [{"label_value": 1_000_000, "name": "x"}]}, "label values are 1 to 65535"),
        ({"segments": [{"label_value": 0, "name": "x"}]}, "label values are 1 to 65535"),
        ({"segments": [{"label_value": 1, "name": "x" * 301}]}, "longer than 300"),
        ({"segments": [{"label_value": 1, "name": "a\x1b[31m"}]}, "control characters"),
        ({"segments": [{"label_value": 1, "name": "a\ud800"}]}, "control characters"),
        ({"segments": [{"label_value": 1, "name": {"a": 1}}]}, "not of type str"),
        ({"segments": [{"label_value": 1, "name": ""}]}, "no name"),
        ({"segments": []}, "0 segments"),
        ({"segments": [{"label_value": 1, "name": "x", "color_rgb": [0, 0, 300]}]}, "colour"),
        ({"channels": [{"name": f"c{n}"} for n in range(65)]}, "65 channels"),
        ({"channels": [{"name": "a"}, {"name": "a"}]}, "two channels are alike"),
        ({"networks": []}, "networks for 0"),
        ({"networks": [[]]}, "0 networks"),
        ({"networks": [[{"file": "model.ts", "dimensions": 4}]]}, "4 dimensions"),
        ({"networks": [[{"file": "model.exe"}]]}, "is none of"),
        ({"networks": [[{"file": "model\x00.ts"}]]}, "control characters in its name"),
        ({"networks": [[{"file": "model\ud800.ts"}]]}, "control characters in its name"),
        ({"networks": [[{"file": "absent.ts"}]]}, "missing"),
        ({"decision": {"kind": "Argmax", "labels": [0, 1, 70000]}}, "labels are 0 to 65535"),
        ({"decision": {"kind": "Argmax", "labels": [0, 1, 5]}}, "no segment names"),
        ({"decision": {"kind": "Eval", "labels": []}}, "nothing is called 'Eval'"),
        (window(size=[10**6] * 3), "too large"),
        (window(size=[-1, 16, 16]), "too large"),
        (window(overlap=[1.0, 0, 0]), "overlap"),
        (window(batch=10**6), "batch"),
        (window(test_time_flips=[[3]]), "test_time_flips"),
        ({"preprocessing": [{"kind": "Resample", "spacing_mm": [1e-9, 1, 1]}]}, "spacing"),
        ({"preprocessing": [{"kind": "Resize", "spacing_mm": [-1, 1, 1]}]}, "spacing"),
        ({"preprocessing": [{"kind": "ResizeTo", "size": [10**6] * 3}]}, "lengths"),
        ({"preprocessing": [{"kind": "PadToSize", "size": [10**6] * 3}]}, "lengths"),
        ({"preprocessing": [{"kind": "Conform", "size": 10**5, "spacing_mm": 1, "axis_codes": "LIA"}]}, "cube"),
        ({"preprocessing": [{"kind": "Orient", "axis_codes": "RRS"}]}, "axes"),
        ({"preprocessing": [{"kind": "Transpose", "order": [0, 0, 1]}]}, "order"),
        ({"preprocessing": [{"kind": "ShiftScale", "factor": 1e300}]}, "out of range"),
        ({"preprocessing": [{"kind": "OnChannel", "channel": 5, "operation": {"kind": "MinMax"}}]}, "channel 5"),
        ({"preprocessing": [{"kind": "MinMax"}] * 101}, "101 operations"),
        ({"preprocessing": [{"kind": "ScalePercentiles", "lower": 1000, "upper": 99}]}, "percentiles"),
        ({"preprocessing": [{"kind": "Zoom", "spacing_mm": [0, 1, 1]}]}, "spacing"),
        ({"preprocessing": [{"kind": "PadToSize", "size": [4096, 4096, 4096]}]}, "4096 voxels is too large"),
        ({"layout": 2}, "layout"),
        ({"colour": 1}, "colour is not known"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(tmp_path, changes, what):
    folder = folder_with(tmp_path, changed(**changes))
    with pytest.raises(ModelError, match=what):
        read_model(folder)


@pytest.mark.parametrize("text", ['{"networks": ', '{"networks": NaN}', '{"networks": ' + "[" * 100_000])
def test_a_damaged_description_is_an_error_of_the_model(tmp_path, text):
    with pytest.raises(ModelError):
        read_model(folder_with(tmp_path, text))


def test_numbers_that_are_none_are_refused(tmp_path):
    text = json.dumps(changed(**window(sigma_scale=0.125))).replace("0.125", "Infinity")
    with pytest.raises(ModelError, match="Infinity"):
        read_model(folder_with(tmp_path, text))


@pytest.mark.parametrize("file", ["../other/model.ts", "/etc/model.ts", "C:\\model.ts", "..\\model.ts"])
def test_a_network_outside_of_the_folder_is_refused(tmp_path, file):
    write_torchscript(small_network(), tmp_path / "other" / "model.ts")
    with pytest.raises(NotTrustedError, match="outside"):
        read_model(folder_with(tmp_path, description(file)))


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path):
    outside = write_torchscript(small_network(), tmp_path / "outside.ts")
    folder = write_description(tmp_path / "model", description())
    (folder / "model.ts").symlink_to(outside)
    with pytest.raises(NotTrustedError, match="outside"):
        read_model(folder)


@pytest.mark.parametrize(
    ("of_network", "what"),
    [({"channels": 2}, "does not take 1 channel"), ({"classes": 4}, "4 classes apart, and its labels are for 3")],
)
def test_a_network_of_other_channels_or_classes_is_found_before_the_run(tmp_path, of_network, what):
    network = small_network(**of_network)
    folder = folder_with(tmp_path, description(), network, channels=of_network.get("channels", 1))
    with pytest.raises(ModelError, match=what):
        read_model(folder).build_networks()


def test_a_network_that_gives_no_score_for_each_voxel_is_refused(tmp_path):
    folder = folder_with(tmp_path, description(), torch.nn.Sequential(torch.nn.AvgPool3d(2)))
    with pytest.raises(ModelError, match="not a score for each class and voxel"):
        read_model(folder).build_networks()
