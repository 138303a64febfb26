"""Models from their publishers: by an address, or by an entry of the catalogue."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..core.errors import ModelError, NotTrustedError, UsageError
from ..core.notice import Notice
from ..models.archive import require_known_kind, unpack_archive, without_suffix
from ..models.download import Downloaded, Remote
from ..models.installing import install_filled, require_free, told_of
from ..models.kept_downloads import downloaded, forget_downloads, sweep_downloads
from ..models.names import path_problem
from ..models.published import PublishedFile, PublishedModel
from ..models.room import require_room, require_within_quota
from ..models.store import InstalledModel, size_bytes
from ..models.store_progress import Meter, StoreProgress, StoreStage
from .model_assembly import assemble
from .model_call import Call, require_licence, verifier

_KEPT_DAYS = 30
"""For a later try."""

FromArchive = Callable[[Path, str, Call], InstalledModel]


def from_address(url: str, call: Call, from_archive: FromArchive) -> InstalledModel:
    """Install the archive at an address.

    Args:
        from_archive: installs an archive under a name, where the archive itself has none.

    Raises:
        MedAISegError: as :func:`.model_sources.install_model`.
    """
    name = archive_name(url)
    require_known_kind(name, url)
    if not without_suffix(name) or without_suffix(name) == name or path_problem(name):
        raise UsageError("the address is not that of an archive (zip, tar, tar.gz).", where=url)
    if call.options.model_id:
        require_free(call.options.model_id, overwrite=call.options.overwrite)
    remote = Remote(url)
    fetched = _fetched(remote, name, call, StoreProgress(StoreStage.DOWNLOAD), _admit(call, name))
    with _kept_for_later((remote,)), fetched as got:
        call.came.append(got)
        call.tell(StoreProgress(StoreStage.COPY))
        return from_archive(got.path, without_suffix(name), call)


def archive_name(url: str) -> str:
    """The last part of an address, or the one before, as in ``…/files/model.zip/content``."""
    *_, before, last = ["", *map(unquote, url.partition("?")[0].partition("#")[0].split("/"))]
    return before if "." not in last and without_suffix(before) != before else last


def from_catalogue(published: PublishedModel, call: Call) -> InstalledModel:
    """Install a model of the catalogue.

    Raises:
        LicenceError: if it has to be acknowledged, which is found out before anything is fetched.
        MedAISegError: as :func:`.model_sources.install_model`.
    """
    card, options = published.card, call.options
    if published.restricted:
        raise ModelError(published.restricted, where=published.id)
    model_id = options.model_id or published.id
    require_free(model_id, overwrite=options.overwrite)
    require_licence(card, options)
    require_room({model_id: card.size_bytes})

    def fill(empty: Path) -> Path:
        root = empty / "model"
        root.mkdir()
        for number, file in enumerate(published.files, start=1):
            at = StoreProgress(StoreStage.DOWNLOAD, part=number, parts=len(published.files))
            admit = _admit(call, model_id, there=size_bytes(root))
            call.came.append(_place(file, root, empty / "archive", call, at, admit))
        return assemble(published, root)

    with _kept_for_later(tuple(map(_remote, published.files))):
        return install_filled(model_id, fill, overwrite=options.overwrite, verify=verifier(call), poll=call.poll)


def notices_of(got: Downloaded) -> tuple[Notice, ...]:
    """What a user should know of a file that came."""
    url, sha256 = got.origin.url, got.origin.sha256
    if got.is_first:
        known = f"The publisher gives no checksum of {url}."
        said = f"Its SHA-256 was written down and counts from now on: {sha256}"
        return (Notice("first-download", f"{known} {said}"),)
    if got.before:
        said = f"Another file than before came from {url}: its SHA-256 was {got.before}, now it is {sha256}."
        return (Notice("changed-download", said),)
    return ()


def _place(
    file: PublishedFile, root: Path, place: Path, call: Call, at: StoreProgress, admit: Callable[[int], None]
) -> Downloaded:
    """Bring a file into the model's folder, an archive's content into the folder that the entry names."""
    name = urlsplit(file.url).path.rpartition("/")[2]
    with _fetched(_remote(file), name, call, at, admit) as got:
        if file.save_as:
            shutil.copyfile(got.path, root / file.save_as)
            return got
        place.mkdir()
        unpacked = unpack_archive(got.path, place, poll=call.poll)
    if file.folder:
        unpacked.replace(root / file.folder)
    else:
        for inside in unpacked.iterdir():
            inside.replace(root / inside.name)
    shutil.rmtree(place, ignore_errors=True)
    return got


@contextmanager
def _fetched(
    remote: Remote, name: str, call: Call, at: StoreProgress, admit: Callable[[int], None]
) -> Iterator[Downloaded]:
    """What speaks against the file is said of its address."""
    with ExitStack() as until_used:
        try:
            got = until_used.enter_context(
                downloaded(
                    remote,
                    name,
                    network=call.options.network,
                    on_bytes=Meter(call.tell, at),
                    admit=admit,
                    poll=call.poll,
                    accept_changed=call.options.accept_changed,
                )
            )
        except ModelError as error:
            raise _NotFetchedError(error) from error
        with told_of(remote.url, instead_of=got.path):
            yield got


class _NotFetchedError(Exception):
    """That says nothing against what is there of it and of the other files."""

    def __init__(self, reason: ModelError) -> None:
        super().__init__(reason)
        self.reason = reason


@contextmanager
def _kept_for_later(remotes: tuple[Remote, ...]) -> Iterator[None]:
    """What was fetched is kept where another try may want it: not once it is installed or found to be of no use."""
    sweep_downloads(_KEPT_DAYS)
    try:
        yield
    except NotTrustedError:
        raise
    except _NotFetchedError as error:
        raise error.reason from error.reason.__cause__
    except ModelError:
        forget_downloads(remotes)
        raise
    forget_downloads(remotes)


def _admit(call: Call, model_id: str, *, there: int = 0) -> Callable[[int], None]:
    """Whether there is room for the file and for what is unpacked of it, beside what is there of the model."""

    def admit(size: int) -> None:
        call.poll()
        require_within_quota({model_id: there + size})
        require_room({model_id: size}, on_disk=2 * size)

    return admit


def _remote(file: PublishedFile) -> Remote:
    return Remote(file.url, file.checksum)
