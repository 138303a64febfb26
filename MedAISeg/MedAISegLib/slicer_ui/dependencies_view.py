"""The Python packages: what is installed, and what an installation or a diagnosis says while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import qt

from ..slicer_io.dependencies import PackageState
from .items import fit_height, stretch_first_column, tree_item
from .texts import _


class DependencyActions(Protocol):
    """What the buttons ask for."""

    def install(self) -> None: ...

    def install_from_folder(self) -> None: ...

    def uninstall(self) -> None: ...

    def diagnose(self) -> None: ...

    def stop(self) -> None: ...


class DependenciesView:
    """The fold with the packages, in the Advanced section."""

    def __init__(self, ui: Any, actions: DependencyActions) -> None:
        self._ui = ui
        stretch_first_column(ui.packageTree)
        ui.installButton.connect("clicked()", actions.install)
        ui.installFromFolderButton.connect("clicked()", actions.install_from_folder)
        ui.uninstallButton.connect("clicked()", actions.uninstall)
        ui.diagnoseButton.connect("clicked()", actions.diagnose)
        ui.stopDependencyButton.connect("clicked()", actions.stop)
        ui.dependencyOutput.hide()

    def show(self, packages: Sequence[PackageState], problem: str = "") -> None:
        """What is wanted and what is there; or why that is not known."""
        ui = self._ui
        tree = ui.packageTree
        tree.clear()
        for package in packages:
            state = _("ok") if package.is_right else _("missing") if not package.found else _("wanted: {version}")
            texts = [package.name, package.found or "–", state.format(version=package.wanted)]
            tree.addTopLevelItem(tree_item(texts))
        fit_height(tree, at_least=2, at_most=7)
        tree.setVisible(bool(packages))
        missing = [package for package in packages if not package.is_right]
        ui.dependenciesLabel.setText(problem or _summary(missing))
        ui.installButton.setText(_("Install") if missing else _("Repair"))

    def show_busy(self, *, is_busy: bool) -> None:
        """While something goes on it can only be stopped."""
        ui = self._ui
        for button in (ui.installButton, ui.installFromFolderButton, ui.uninstallButton, ui.diagnoseButton):
            button.enabled = not is_busy
        ui.stopDependencyButton.enabled = is_busy

    def clear_output(self) -> None:
        self._ui.dependencyOutput.clear()

    def add_line(self, line: str) -> None:
        """A line of what goes on."""
        self._ui.dependencyOutput.show()
        self._ui.dependencyOutput.appendPlainText(line)
        self._ui.dependencyOutput.moveCursor(qt.QTextCursor.End)


def _summary(missing: Sequence[PackageState]) -> str:
    if not missing:
        return _("Everything that the networks need is installed.")
    names = ", ".join(package.name for package in missing)
    return _("Not installed yet: {names}").format(names=names)
