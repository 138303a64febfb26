"""Volumes as a client hands them to a worker."""

from __future__ import annotations

from pathlib import Path

from MedAISegLib.app.exchange import record_array
from MedAISegLib.app.protocol import VolumeRecord
from MedAISegLib.core.progress import Poll, never
from MedAISegLib.core.volume import Volume


def record_volume(folder: Path, name: str, volume: Volume, poll: Poll = never) -> VolumeRecord:
    """Write a volume's voxels into a new file of the folder."""
    return VolumeRecord(
        voxels=record_array(folder, name, volume.voxels, poll),
        geometry=volume.geometry,
        modality=volume.modality,
        description=volume.description,
        series=volume.series,
        attributes=volume.attributes,
        notices=volume.notices,
    )
