"""Published MONAI bundles that the test data do not hold, from a checkout of the Model Zoo's own repository."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from . import zoo
from .bundle_run import write_config
from .checkouts import named_checkout
from .test_monai_bundles import compare

pytestmark = [pytest.mark.engine, pytest.mark.reference]


@pytest.fixture
def checkout() -> Path:
    """The folder of bundles in a checkout of github.com/Project-MONAI/model-zoo."""
    return named_checkout("MEDAISEG_MODEL_ZOO", "Project-MONAI/model-zoo", "models")


def published(checkout: Path, name: str, data: Path) -> Path:
    """A bundle's description as the test data would have it; ``evaluating``, an old name, is ``run`` as MONAI asks."""
    configs = data / "monai_zoo" / name / "configs"
    configs.mkdir(parents=True)
    source = checkout / name / "configs"
    for file in (source / "metadata.json", *source.glob("inference.yaml"), *source.glob("inference.json")):
        (configs / file.name).write_bytes(file.read_bytes())
    inference = configs / "inference.json"
    if inference.is_file() and "evaluating" in (config := json.loads(inference.read_text(encoding="utf-8"))):
        write_config(config | {"run": config["evaluating"]}, inference)
    return data


@pytest.mark.parametrize("bundle", [pytest.param(bundle, id=bundle.name) for bundle in zoo.OF_A_CHECKOUT])
def test_labels_are_those_of_monai(bundle: zoo.ZooBundle, checkout: Path, shared_data: Path, tmp_path: Path) -> None:
    if bundle is zoo.PROSTATE:
        pytest.importorskip("skimage", reason="MONAI finds components with scikit-image")
    description = published(checkout, bundle.name, tmp_path / "published")
    compare(bundle, description, tmp_path, bundle.images(shared_data))
