"""What the program says beforehand of the memory that a case will need."""

from __future__ import annotations

from MedAISegLib.app.need import Need, need_of
from MedAISegLib.formats import read_model
from MedAISegLib.readers import read_images

from .setting import Setting


def predicted_need(setting: Setting, *, on_gpu: bool) -> Need:
    """As the panel says it of the run, from headers alone."""
    source = read_model(setting.model.root)
    geometry = read_images(setting.images[0], accept=True)[0].geometry
    weights_bytes = sum(file.stat().st_size for file in setting.model.root.rglob("*") if file.is_file())
    return need_of(
        source.spec,
        geometry,
        weights_bytes=weights_bytes,
        on_gpu=on_gpu,
        widths=source.widths,
        members=source.members,
    )
