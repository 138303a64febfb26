"""The real worker, but that a server on this machine stands in for all publishers, and that no model needs torch.

A model is a folder with ``model.json``: its name, and ``own_code`` where it wants to run code of its own.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

from MedAISegLib.app import model_call, model_requests, model_sources, worker
from MedAISegLib.core.errors import ModelError
from MedAISegLib.formats import ModelSource
from MedAISegLib.models import catalogue, download, store
from MedAISegLib.models.spec import Argmax, Channel, InferenceStage, ModelSpec, SegmentSpec, Windows
from MedAISegLib.models.transfer import Policy
from MedAISegLib.models.trust import require_trust


def read_model(path: Path) -> ModelSource:
    try:
        content = json.loads((path / "model.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError("it is no model.", where=str(path)) from error
    if content.get("own_code"):
        require_trust(path, "run its own network")
    time.sleep(content.get("seconds", 0))
    spec = ModelSpec(
        id=path.name,
        name=content["name"],
        channels=(Channel("image", "CT"),),
        stages=(InferenceStage((), Windows(), Argmax((0, 1))),),
        segments=(SegmentSpec(1, "Organ"),),
        format="test",
        license=content.get("license", "MIT"),
        commercial_use=content.get("commercial_use"),
    )
    return ModelSource(spec, tuple)


def main() -> None:
    for module in (model_call, model_requests, model_sources):
        module.read_model = read_model
    folder = Path(os.environ["TEST_CATALOGUE"])
    catalogue.catalogue_file = lambda: folder / "catalogue.json"
    store.embedded_models_folder = lambda: folder / "embedded"
    policy = Policy(lambda url: urlsplit(url).hostname == "127.0.0.1", pause_s=0.01)
    download.Network.__init__.__defaults__ = (False, "", policy)
    worker.main()


if __name__ == "__main__":
    main()
