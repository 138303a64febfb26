"""The menus below the list of models: how models come from elsewhere, and what is done at times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import qt

from ..models.card import ModelCard, ModelState
from .texts import _


class ImportActions(Protocol):
    """What the Import menu asks for."""

    def import_folder(self) -> None: ...

    def import_file(self) -> None: ...

    def import_address(self) -> None: ...


class MoreActions(Protocol):
    """What the More menu asks for; a card is of the selected model."""

    def verify(self, card: ModelCard) -> None: ...

    def verify_all(self) -> None: ...

    def pack(self, card: ModelCard) -> None: ...

    def pack_all(self) -> None: ...

    def export(self, card: ModelCard) -> None: ...

    def remove_unused(self) -> None: ...

    def withdraw_trust(self, card: ModelCard) -> None: ...

    def open_page(self, card: ModelCard) -> None: ...


class _Actions(ImportActions, MoreActions, Protocol):
    """Those of both menus."""


class ModelMenus:
    """Import and More."""

    def __init__(self, ui: Any, actions: _Actions) -> None:
        self._card: ModelCard | None = None
        self._import = _menu(ui.importModelButton, "importModelMenu")
        _add(self._import, "importFolderAction", _("From a folder…"), actions.import_folder)
        _add(self._import, "importFileAction", _("From an archive or a pack…"), actions.import_file)
        _add(self._import, "importAddressAction", _("From a web address…"), actions.import_address)
        self._more = more = _menu(ui.moreModelsButton, "moreModelsMenu")
        self._page = _add(more, "pageAction", _("Open its publisher's page"), self._of_card(actions.open_page))
        self._verify = _add(more, "verifyAction", _("Check its files"), self._of_card(actions.verify))
        self._pack = _add(more, "packAction", _("Pack it for another computer…"), self._of_card(actions.pack))
        self._export = _add(
            more, "exportModelAction", _("Export it as a MedAISeg bundle…"), self._of_card(actions.export)
        )
        self._withdraw = _add(
            more, "withdrawTrustAction", _("Withdraw trust in it"), self._of_card(actions.withdraw_trust)
        )
        more.addSeparator()
        _add(more, "verifyAllAction", _("Check all models"), actions.verify_all)
        self._pack_all = _add(more, "packAllAction", _("Pack all installed models…"), actions.pack_all)
        self._unused = _add(more, "removeUnusedAction", _("Remove those not used lately…"), actions.remove_unused)

    def show(self, card: ModelCard | None, cards: Sequence[ModelCard]) -> None:
        """What can be done with the selected model, and with the others."""
        self._card = card
        is_own = card is not None and card.was_installed
        self._page.enabled = card is not None and bool(card.page)
        self._verify.enabled = card is not None and card.is_here
        self._pack.enabled = is_own
        self._export.enabled = card is not None and card.state is ModelState.READY
        self._withdraw.enabled = card is not None and card.trusted
        some = any(one.was_installed for one in cards)
        self._pack_all.enabled = self._unused.enabled = some

    def _of_card(self, act: Callable[[ModelCard], None]) -> Callable[[], None]:
        def done() -> None:
            if self._card is not None:
                act(self._card)

        return done


def _menu(button: Any, name: str) -> Any:
    menu = qt.QMenu(button)
    menu.objectName = name
    button.setMenu(menu)
    return menu


def _add(menu: Any, name: str, text: str, act: Callable[[], None]) -> Any:
    action = menu.addAction(text)
    action.objectName = name
    action.connect("triggered()", act)
    return action
