"""The worker's Python packages: asked for, installed after asking, removed, tried."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import qt

from ..app.protocol import DiagnoseReply
from ..core.errors import Cancelled, MedAISegError
from ..slicer_io import dependencies, private_packages, torch_extension
from ..slicer_io.dependencies import PackageState
from ..slicer_io.requirements import TORCH
from ..slicer_io.worker_python import WorkerPython
from .context import Context
from .dependencies_view import DependenciesView
from .messages import Kind, MessageView
from .texts import _


class DependencyControl:
    """Between the Python packages in the Advanced section and what installs them.

    Args:
        messages: where questions and failures of the section stand.
        run_messages: where Apply's question stands.
        on_complete: is called when everything is found to be there.
    """

    def __init__(
        self,
        context: Context,
        messages: MessageView,
        run_messages: MessageView,
        on_complete: Callable[[], None],
    ) -> None:
        self._context, self._on_complete = context, on_complete
        self._messages, self._run_messages = messages, run_messages
        self._view = DependenciesView(context.ui, self)
        self._job: Any = None
        self._python: WorkerPython | None = None
        self._awaited: Callable[[WorkerPython], None] | None = None
        self._next: deque[Callable[[], None]] = deque()
        self._is_complete = False
        self._looks = 0

    def look(self) -> None:
        """Find out what is installed, and show it; an answer that a later look has overtaken is left out."""
        self._looks += 1
        number, session = self._looks, self._context.session

        def done(python: WorkerPython) -> None:
            if number == self._looks:
                self._python = python
                self._show(python)

        def fail(error: MedAISegError) -> None:
            if number == self._looks:
                self._view.show((), str(error))

        session.pump.add(session.worker.find_python(), on_done=done, on_error=fail)

    def is_complete(self) -> bool:
        """Whether everything was there when it was looked at last, and nothing is being changed now."""
        return self._is_complete and self._job is None

    def require(self, then: Callable[[], None], messages: MessageView | None = None) -> bool:
        """Whether the worker can start; else ``then`` follows once it can, the user being asked where it takes that.

        Args:
            messages: where the question stands, beside Apply without it.
        """
        messages = messages or self._run_messages
        if self._python is None:
            self._once_known(lambda _python: self._go_on(then, messages), messages)
            return False
        missing = self._missing(self._python)
        if not missing:
            return True
        messages.ask(_question(missing), _("Install"), lambda: self._install(then=then))
        return False

    def _go_on(self, then: Callable[[], None], messages: MessageView) -> None:
        if self.require(then, messages):
            then()

    def _once_known(self, act: Callable[[WorkerPython], None], messages: MessageView) -> None:
        """Which Python it is may take a moment: only what was asked for last meanwhile is done then."""
        self._awaited = act

        def go_on(python: WorkerPython) -> None:
            if self._awaited is act:
                self._awaited = None
                messages.after_question(lambda: act(python))

        self._with_python(go_on, messages.tell_error)

    def install(self) -> None:
        def ask(python: WorkerPython) -> None:
            missing = self._missing(python) or dependencies.installed(python)
            self._messages.ask(_question(missing), self._context.ui.installButton.text, self._install)

        self._once_known(ask, self._messages)

    def install_from_folder(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(self._context.ui.MedAISeg, _("The folder of downloaded files"))
        if folder:
            self._install(wheels=Path(folder))

    def uninstall(self) -> None:
        self._awaited = None
        question = _("Delete the packages of this module? Networks cannot run until they are installed again.")
        self._messages.ask(question, _("Delete"), self._uninstall)

    def diagnose(self) -> None:
        self._begin()

        def done(reply: DiagnoseReply) -> None:
            for line in reply.lines:
                self._view.add_line(line)
            text = (
                _("The device computes as it should.")
                if reply.works
                else _("The device does not compute as it should.")
            )
            self._messages.tell_text(Kind.GOOD if reply.works else Kind.ERROR, text)
            self._end()

        session = self._context.session
        self._job = session.diagnose(session.settings.device, on_done=done, on_error=self._fail)

    def stop(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def _install(self, wheels: Path | None = None, then: Callable[[], None] | None = None) -> None:
        """At once, or after what goes on: both places that ask may have been answered."""
        if self._job is not None:
            self._next.append(partial(self._install, wheels, then))
            return
        self._begin()

        def begin(python: WorkerPython) -> None:
            offline = self._context.session.settings.offline
            missing = self._missing(python)
            if then and not missing:
                self._end()
                then()
                return
            if then and all(state.name == TORCH for state in missing):
                self._finish_install(python, then)
                return
            work = dependencies.install(python, on_line=self._view.add_line, wheels=wheels, offline=offline)
            self._job = self._context.session.pump.add(
                work, on_done=lambda _result: self._finish_install(python, then), on_error=self._fail
            )

        self._job = self._with_python(begin, self._fail)

    def _finish_install(self, python: WorkerPython, then: Callable[[], None] | None) -> None:
        """Torch last: its own extension asks the user again, and Slicer stands still meanwhile."""
        try:
            said = "" if dependencies.torch_state(python).is_right else torch_extension.install_torch()
        except MedAISegError as error:
            self._fail(error)
            return
        self._end()
        self._context.session.restart_worker()
        self._messages.tell_text(Kind.GOOD, said or _("The packages are installed."))
        if then is not None and not said:
            then()

    def _uninstall(self) -> None:
        self._begin()
        self._context.session.restart_worker()

        def done(_result: object) -> None:
            self._end()
            self._messages.tell_text(Kind.GOOD, _("The packages are deleted."))

        self._job = self._context.session.pump.add(
            private_packages.remove_packages(), on_done=done, on_error=self._fail
        )

    def _with_python(self, use: Callable[[WorkerPython], None], fail: Callable[[MedAISegError], None]) -> Any:
        def done(python: WorkerPython) -> None:
            self._python = python
            use(python)

        session = self._context.session
        return session.pump.add(session.worker.find_python(), on_done=done, on_error=fail)

    def _missing(self, python: WorkerPython) -> tuple[PackageState, ...]:
        return dependencies.missing(python)

    def _show(self, python: WorkerPython) -> None:
        packages = dependencies.installed(python)
        self._is_complete = all(package.is_right for package in packages)
        self._view.show(packages)
        if self._is_complete:
            self._on_complete()
        self._context.changed()

    def _begin(self) -> None:
        self._awaited = None
        self._context.ui.advancedSection.collapsed = False
        self._messages.drop_question()
        self._view.clear_output()
        self._view.show_busy(is_busy=True)

    def _end(self) -> None:
        self._job = None
        self._view.show_busy(is_busy=False)
        self.look()
        self._context.changed()
        if self._next:
            self._next.popleft()()

    def _fail(self, error: MedAISegError) -> None:
        self._next.clear()
        self._end()
        if isinstance(error, Cancelled):
            self._messages.tell_text(Kind.INFORMATION, _("Stopped; what was there before is still in use."))
        else:
            self._messages.tell_error(error)


def _question(packages: tuple[PackageState, ...]) -> str:
    lines = []
    private = [package.name for package in packages if package.name != TORCH]
    if private:
        text = _(
            "The networks need Python packages: {names}. They are downloaded into a folder of their own "
            "(up to 800 MB); nothing of Slicer is changed."
        )
        lines.append(text.format(names=", ".join(private)))
    if len(private) != len(packages):
        lines.append(
            _(
                "PyTorch is installed by Slicer's PyTorch extension, which asks for itself; Slicer stands still "
                "meanwhile and is to be restarted afterwards."
            )
        )
    return "\n".join([*lines, _("Install now?")])
