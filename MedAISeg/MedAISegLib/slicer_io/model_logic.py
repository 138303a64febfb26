"""What the Python console can do with models: find, install, check, pack, export and remove them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..app.store_protocol import InstallModelRequest, ModelCheck
from ..models.card import ModelCard
from ..models.store_progress import StoreProgress, nobody
from .session import Session, session

Progressed = Callable[[StoreProgress], None]


class ModelLogic:
    """Each call waits for its end; Slicer's events are processed meanwhile."""

    @property
    def session(self) -> Session:
        """The session of this process, which the panel shares."""
        return session()

    def models(self) -> tuple[ModelCard, ...]:
        """The models that are there, and those that publishers offer, with channels, labels, licence and size.

        ::

            for model in logic.models():
                print(model.id, model.state.value, [channel.name for channel in model.channels])

        Raises:
            ResourceError: if the worker cannot be started to tell which are installed.
        """
        return self.session.pump.wait(self.session.refresh_models())

    def search(self, words: str) -> tuple[ModelCard, ...]:
        """Those of them that mention each of the words: an organ, CT or MR, a publisher.

        ::

            for model in logic.search("liver ct"):
                print(model.id, model.name, model.license, model.state.value)

        Raises:
            ResourceError: if the catalogue is damaged.
        """
        return tuple(card for card in self.session.pump.wait(self.session.read_catalogue()) if card.mentions(words))

    def install(
        self,
        source: Path | str,
        *,
        name: str = "",
        overwrite: bool = False,
        trust: bool = False,
        accept_licence: bool = False,
        accept_changed: bool = False,
        on_progress: Progressed = nobody,
    ) -> tuple[ModelCard, ...]:
        """Bring a model to this computer, once it has been read and its weights fit.

        ::

            (model,) = logic.install("spleen_ct_segmentation", on_progress=lambda p: print(p.done_bytes, p.total_bytes))
            segmentation, result = logic.segment(volume, model.id)

        Args:
            source: id of a model that a publisher offers, a folder, an archive, a pack, or an archive's https address.
            name: the model's id, instead of that of the source.
            overwrite: replace an installed model of that name.
            trust: let the model run code of its own, as it is now.
            accept_licence: acknowledge that the licence allows no commercial use.
            accept_changed: a file without a publisher's checksum may differ from its first download.
            on_progress: is called now and then.

        Returns:
            What is installed now; several of a pack.

        Raises:
            NameTakenError, LicenceError, NotTrustedError, ChangedFileError: where one of the above would do.
            MedAISegError: UsageError, ModelError, ResourceError or Cancelled.
        """
        path = Path(source).expanduser()
        # The worker stands in another folder.
        wanted = str(path.absolute() if path.exists() else source)
        request = InstallModelRequest(wanted, name, overwrite, trust, accept_licence, accept_changed)
        reply = self.session.pump.wait(self.session.install_model(request, on_progress=on_progress))
        cards = {card.id: card for card in self.session.models()}
        return tuple(cards[model] for model in reply.models if model in cards)

    def remove(self, *models: str) -> None:
        """Delete installed models.

        Raises:
            ModelError: if there is none of that id, it comes with the program, or lies in a shared folder.
            ResourceError: if it cannot be deleted.
        """
        self.session.pump.wait(self.session.remove_models(models))

    def verify(self, model: str = "", on_progress: Progressed = nobody) -> tuple[ModelCheck, ...]:
        """Whether a model, or each, is as it was installed, can be read, and its weights fit.

        ::

            for check in logic.verify():
                print(check.model, check.problem or "fits")

        Raises:
            ModelError: if there is no such model; what is wrong with one that is there, its ``problem`` says.
        """
        return self.session.pump.wait(self.session.verify_models(model, on_progress=on_progress)).checks

    def pack(
        self,
        output: Path | str,
        models: str | Sequence[str] = (),
        *,
        overwrite: bool = False,
        on_progress: Progressed = nobody,
    ) -> Path:
        """Write models, or all that were installed, into one file for computers without internet; ``install`` takes it.

        Raises:
            MedAISegError: NameTakenError if the file exists, ModelError or ResourceError.
        """
        names, path = ((models,) if isinstance(models, str) else tuple(models)), Path(output).absolute()
        job = self.session.pack_models(names, path, on_progress=on_progress, overwrite=overwrite)
        self.session.pump.wait(job)
        return path

    def export_model(self, model: str, output: Path | str, on_progress: Progressed = nobody) -> Path:
        """Write a model of any format into a new folder, so that it can be shared: weights and a description.

        Each network is held against what was written of it. Mind the model's licence; it goes with it.

        ::

            print(logic.export_model("hippocampus", "/data/shared/hippocampus"))

        Args:
            model: its id; that of a configuration of it does as well.
            output: the folder; it must not exist, or be empty.
            on_progress: is called now and then.

        Raises:
            MedAISegError: UsageError if something is there, ModelError if it runs by code of its own, ResourceError.
        """
        path = Path(output).expanduser().absolute()
        return self.session.pump.wait(self.session.export_model(model, path, on_progress=on_progress)).folder

    def trust(self, model: str, *, trusted: bool = True) -> None:
        """Let a model run code of its own, as it is now; or take that back.

        Such code can do whatever you can: trust only those whose makers you know.

        Raises:
            ModelError: if there is no such model.
        """
        self.session.pump.wait(self.session.trust_model(model, trust=trusted))
