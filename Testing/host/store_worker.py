"""The real worker, but that a server on this machine stands in for all publishers, and that no model needs torch.

A model is a folder with ``model.json``: its name, and ``own_code`` where it wants to run code of its own;
``export_seconds`` that its export takes.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from urllib.parse import urlsplit

from MedAISegLib.app import model_call, model_requests, model_sources, worker
from MedAISegLib.app.store_protocol import ExportModelReply, ExportModelRequest
from MedAISegLib.app.tasks import Task
from MedAISegLib.core.errors import ModelError, UsageError
from MedAISegLib.core.notice import Notice
from MedAISegLib.formats import ModelSource, checking
from MedAISegLib.formats.undescribed import why_undescribed
from MedAISegLib.models import catalogue, download, store
from MedAISegLib.models.spec import Argmax, Channel, InferenceStage, ModelSpec, SegmentSpec, Windows
from MedAISegLib.models.store_progress import StoreProgress, StoreStage
from MedAISegLib.models.transfer import Policy
from MedAISegLib.models.trust import require_trust


def read_model(path: Path) -> ModelSource:
    try:
        content = json.loads((path / "model.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise why_undescribed(path) or ModelError("it is no model.", where=str(path)) from error
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
        own_code=bool(content.get("own_code")),
    )
    return ModelSource(spec, tuple)


def export_model(task: Task) -> ExportModelReply:
    """A copy, with all that the panel sees of an export."""
    request: ExportModelRequest = task.request
    path = store.find_model(request.model)
    spec, folder = read_model(path).spec, request.output
    if json.loads((path / "model.json").read_text(encoding="utf-8")).get("own_code"):
        raise ModelError("it runs by code of its own.", where=spec.id, remedy="Share it as it is.")
    if folder.exists():
        raise UsageError("it exists and is not empty.", where=str(folder), remedy="Choose another place or name.")
    seconds = json.loads((path / "model.json").read_text(encoding="utf-8")).get("export_seconds", 0)
    for number in range(round(seconds * 50) + 1):
        task.progress.cancel.raise_if_cancelled()
        task.tell(StoreProgress(StoreStage.EXPORT, part=2, parts=5))
        time.sleep(0.02 if number else 0)
    shutil.copytree(path, folder)
    return ExportModelReply(folder, (Notice("weights", "Its network is written as weights of UNet."),))


def main() -> None:
    model_requests.export_model = export_model
    for module in (checking, model_call, model_requests, model_sources):
        module.read_model = read_model
    folder = Path(os.environ["TEST_CATALOGUE"])
    catalogue.catalogue_file = lambda: folder / "catalogue.json"
    store.embedded_models_folder = lambda: folder / "embedded"
    policy = Policy(lambda url: urlsplit(url).hostname == "127.0.0.1", pause_s=0.01)
    download.Network.__init__.__defaults__ = (False, "", policy)
    worker.main()


if __name__ == "__main__":
    main()
