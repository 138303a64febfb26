"""Where models lie, how much room they may take, and where they are fetched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import qt

from ..app.store_protocol import ModelsReply
from .items import key_of, silent, tree_item
from .texts import _, readable_bytes


class ModelSettingsActions(Protocol):
    """What the fold's widgets ask for."""

    def choose_home(self, path: str) -> None: ...

    def choose_quota(self, gigabytes: float) -> None: ...

    def choose_mirror(self, address: str) -> None: ...

    def choose_shared(self, folders: Sequence[str]) -> None: ...


class ModelSettingsView:
    """The fold “Models on this computer” of the Advanced section."""

    def __init__(self, ui: Any, actions: ModelSettingsActions) -> None:
        self._ui, self._actions = ui, actions
        self._folders: tuple[str, ...] = ()
        ui.modelsHomePath.connect("currentPathChanged(QString)", actions.choose_home)
        ui.quotaSpinBox.connect("valueChanged(double)", actions.choose_quota)
        ui.mirrorEdit.connect("editingFinished()", lambda: actions.choose_mirror(ui.mirrorEdit.text.strip()))
        ui.addSharedFolderButton.connect("clicked()", self._add)
        ui.removeSharedFolderButton.connect("clicked()", self._take_away)
        ui.sharedFoldersTree.connect("itemSelectionChanged()", self._selected)

    def show(self, *, home: str, quota_gb: float, mirror: str, folders: Sequence[str], summary: str) -> None:
        """What is set now."""
        ui = self._ui
        with silent(ui.modelsHomePath, ui.quotaSpinBox, ui.mirrorEdit, ui.sharedFoldersTree):
            if ui.modelsHomePath.currentPath != home:
                ui.modelsHomePath.currentPath = home
            ui.quotaSpinBox.value = quota_gb
            if not ui.mirrorEdit.hasFocus():
                ui.mirrorEdit.text = mirror
            if tuple(folders) != self._folders:
                self._folders = tuple(folders)
                ui.sharedFoldersTree.clear()
                for folder in folders:
                    ui.sharedFoldersTree.addTopLevelItem(tree_item([folder], key=folder))
        ui.modelStoreLabel.setText(summary)
        self._selected()

    def _add(self) -> None:
        path = qt.QFileDialog.getExistingDirectory(self._ui.MedAISeg, _("A folder that holds folders of models"))
        if path and path not in self._folders:
            self._actions.choose_shared((*self._folders, path))

    def _take_away(self) -> None:
        taken = {key_of(item) for item in self._ui.sharedFoldersTree.selectedItems()}
        self._actions.choose_shared([folder for folder in self._folders if folder not in taken])

    def _selected(self) -> None:
        self._ui.removeSharedFolderButton.enabled = bool(self._ui.sharedFoldersTree.selectedItems())


def store_summary(store: ModelsReply | None, home: Path) -> str:
    """How many models lie where, and what room there is."""
    if store is None:
        return _("Models are installed in {folder}.").format(folder=home)
    count = sum(1 for card in store.models if not (card.embedded or card.shared or card.variant_of))
    text = _("{count} models, {taken}, in {folder}; {free} free on its disk.").format(
        count=count, taken=readable_bytes(store.taken_bytes), folder=store.home, free=readable_bytes(store.free_bytes)
    )
    if store.kept_bytes:
        kept = _("Downloads that are not finished: {size}.").format(size=readable_bytes(store.kept_bytes))
        text = f"{text} {kept}"
    return text
