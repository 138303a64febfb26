"""Models come and go: what the user asks for, what he is asked, and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..app.store_protocol import ExportModelReply, InstallModelRequest, InstallReply, ModelCheck, VerifyReply
from ..core.errors import Cancelled, MedAISegError, NameTakenError, NotTrustedError
from ..core.notice import Notice
from ..models.card import ModelCard
from ..models.store_progress import StoreProgress
from .context import Context
from .messages import Kind, MessageView
from .model_questions import question_of, trust_text
from .model_transfer_view import TransferView, short_text
from .parameters import Choices
from .texts import _, readable_bytes


@dataclass(eq=False)
class _Act:
    """Something that goes on with the store; ``model`` is the id that the list knows, empty for none.

    ``choice`` is what the user had chosen when it began.
    """

    name: str
    model: str
    choice: object
    job: Any = None
    progress: StoreProgress | None = None


class ModelActs:
    """Between the buttons of the Model section and the session; acts go one after the other.

    Args:
        messages: where questions and failures stand.
        require_packages: asks for what the worker needs; says whether it is there, and does the rest later if not.
        on_installed: gets the ids of models that are new, the id that the list knew them by, and what was chosen then.
        on_change: is called when models have come or gone.
    """

    def __init__(
        self,
        context: Context,
        messages: MessageView,
        *,
        require_packages: Callable[[Callable[[], None]], bool],
        on_installed: Callable[[Sequence[str], str, object], None],
        on_change: Callable[[], None],
    ) -> None:
        self._context, self._messages = context, messages
        self._require_packages = require_packages
        self._on_installed, self._on_change = on_installed, on_change
        self._acts: list[_Act] = []
        self._view = TransferView(context.ui, self.cancel)

    @property
    def states(self) -> Mapping[str, str]:
        """By model id, words for what goes on with it."""
        return {act.model: short_text(act.progress) for act in self._acts if act.model}

    @property
    def is_idle(self) -> bool:
        return not self._acts

    def show(self) -> None:
        """Show how far it is."""
        if not self._acts:
            self._view.hide()
            return
        first, *waiting = self._acts
        self._view.show(first.name, first.progress, len(waiting))

    def cancel(self) -> None:
        """Stop what goes on now."""
        if self._acts and self._acts[0].job is not None:
            self._acts[0].job.cancel()

    def install(self, request: InstallModelRequest, name: str, model: str = "") -> None:
        """Bring a model here, asking what has to be asked.

        Args:
            name: that the user knows the source by.
            model: the id that the list knows it by.
        """
        if not self._require_packages(lambda: self.install(request, name, model)):
            return
        act = self._begin(name, model)

        def done(reply: InstallReply) -> None:
            self._end(act)
            self._on_installed(reply.models, model, act.choice)
            self._said(_("On this computer now: {names}").format(names=self._names(reply.models)), reply.notices)

        def failed(error: MedAISegError) -> None:
            self._end(act)
            question = question_of(error, name, request)
            if question is None:
                self._failed(error, _("Stopped. What was downloaded is kept, and the next try goes on from there."))
                return
            self._ask(question.text, question.yes, lambda: self.install(question.request, name, model))

        act.job = self._context.session.install_model(
            request, on_done=done, on_error=failed, on_progress=self._hearing(act)
        )

    def remove(self, cards: Sequence[ModelCard]) -> None:
        """Delete models."""
        act = self._begin(_("Deleting"), "")

        def done(_result: object) -> None:
            self._end(act)
            self._on_change()
            names = ", ".join(card.name for card in cards)
            self._said(_("Deleted: {names}").format(names=names))

        ids = [card.id for card in cards]
        act.job = self._context.session.remove_models(ids, on_done=done, on_error=self._failing(act))

    def verify(self, card: ModelCard | None) -> None:
        """Check a model, or all of them where none is given."""
        act = self._begin(card.name if card is not None else _("Models"), card.id if card is not None else "")

        def done(reply: VerifyReply) -> None:
            self._end(act)
            wrong = [check for check in reply.checks if check.problem]
            lines = [self._line(check) for check in wrong or reply.checks]
            self._messages.tell_text(Kind.ERROR if wrong else Kind.GOOD, "\n".join(lines))

        act.job = self._context.session.verify_models(
            card.id if card is not None else "",
            on_done=done,
            on_error=self._failing(act),
            on_progress=self._hearing(act),
        )

    def pack(self, ids: Sequence[str], output: Path, *, overwrite: bool = False) -> None:
        """Write models into one file; the file dialog has asked whether it may be replaced."""
        act = self._begin(output.name, "")

        def done(_reply: object) -> None:
            self._end(act)
            text = _("Written to {file}. On the other computer choose Import, From an archive or a pack.")
            self._said(text.format(file=output))

        def failed(error: MedAISegError) -> None:
            self._end(act)
            if isinstance(error, NameTakenError):
                question = _("{file} exists. Replace it?").format(file=output.name)
                self._ask(question, _("Replace it"), lambda: self.pack(ids, output, overwrite=True))
                return
            self._failed(error)

        act.job = self._context.session.pack_models(
            ids, output, on_done=done, on_error=failed, on_progress=self._hearing(act), overwrite=overwrite
        )

    def export(self, card: ModelCard, folder: Path) -> None:
        """Write a model into a new folder as our own bundle."""
        if not self._require_packages(lambda: self.export(card, folder)):
            return
        act = self._begin(card.name, card.id)

        def done(reply: ExportModelReply) -> None:
            self._end(act)
            lines = [_("Written to {folder}. Elsewhere choose Import, From a folder.").format(folder=reply.folder)]
            if card.license:
                lines.append(_("Its licence goes with it: {licence}.").format(licence=card.license))
            self._said("\n".join(lines), reply.notices)

        act.job = self._context.session.export_model(
            card.id, folder, on_done=done, on_error=self._failing(act), on_progress=self._hearing(act)
        )

    def trust(
        self,
        card: ModelCard,
        refused: MedAISegError | None = None,
        then: Callable[[], None] = lambda: None,
        messages: MessageView | None = None,
        *,
        asked: str = "",
    ) -> None:
        """Ask whether a model may run code of its own; if so that is remembered, and ``then`` is called.

        Args:
            refused: why that is asked, which is told where trust does not help.
            messages: where the question stands, in the Model section without it.
            asked: SHA-256 of the content that the user was asked about and trusts; of another one he is asked.
        """
        place = messages or self._messages

        def failed(error: MedAISegError) -> None:
            if not isinstance(error, NotTrustedError) or error.contents in ((), (asked,)):
                self._on_change()
                place.tell_error(refused or error)
                return
            (content,) = error.contents
            question = trust_text(card.name, error.what, has_changed=bool(asked))
            place.after_question(
                lambda: place.ask(
                    question, _("Trust it"), lambda: self.trust(card, refused, then, messages, asked=content)
                )
            )

        def done(_reply: object) -> None:
            self._on_change()
            then()

        self._context.session.trust_model(card.id, on_done=done, on_error=failed, asked=asked)

    def withdraw_trust(self, card: ModelCard) -> None:
        """From now on it asks again."""

        def done(_reply: object) -> None:
            self._on_change()
            self._said(_("{name} runs no code of its own any more before you are asked again.").format(name=card.name))

        self._context.session.trust_model(card.id, on_done=done, on_error=self._messages.tell_error, trust=False)

    def _begin(self, name: str, model: str) -> _Act:
        act = _Act(name, model, models_chosen(self._context.parameters().read()))
        self._acts.append(act)
        self._messages.drop_question()
        self.show()
        self._context.changed()
        return act

    def _end(self, act: _Act) -> None:
        self._acts.remove(act)
        self.show()
        self._context.changed()

    def _hearing(self, act: _Act) -> Callable[[StoreProgress], None]:
        def heard(progress: StoreProgress) -> None:
            act.progress = progress

        return heard

    def _failing(self, act: _Act) -> Callable[[MedAISegError], None]:
        def failed(error: MedAISegError) -> None:
            self._end(act)
            self._failed(error)

        return failed

    def _failed(self, error: MedAISegError, stopped: str = "") -> None:
        self._on_change()
        if isinstance(error, Cancelled):
            self._messages.tell_text(Kind.INFORMATION, stopped or _("Stopped. Nothing was changed."))
        else:
            self._messages.tell_error(error)

    def _said(self, text: str, notices: Sequence[Notice] = ()) -> None:
        self._messages.tell_text(Kind.GOOD, text, "\n".join(notice.message for notice in notices))

    def _ask(self, question: str, yes: str, on_yes: Callable[[], None]) -> None:
        self._messages.after_question(lambda: self._messages.ask(question, yes, on_yes))

    def _names(self, ids: Sequence[str]) -> str:
        cards = {card.id: card for card in self._context.session.models()}
        return ", ".join(cards[name].name if name in cards else name for name in ids)

    def _line(self, check: ModelCheck) -> str:
        if check.problem:
            return f"{self._names([check.model])}: {check.problem}"
        text = _("{name}: fits, unchanged since it was installed") if check.is_known else _("{name}: fits")
        lines = [text.format(name=self._names([check.model]))]
        later = _("Another file has come from {address} since. To have that one, download the model again.")
        lines += [later.format(address=address) for address in check.changed_at]
        return "\n".join(lines)


def models_chosen(choices: Choices) -> object:
    """What of the choices is one of models."""
    return choices.model, choices.several, choices.ticked


def unused_question(cards: Sequence[ModelCard], days: int) -> str:
    """Which models would be deleted."""
    listed = ", ".join(f"{card.name} ({readable_bytes(card.size_bytes)})" for card in cards)
    text = _("Not used for {days} days: {models}. Delete them from this computer?")
    return text.format(days=days, models=listed)
