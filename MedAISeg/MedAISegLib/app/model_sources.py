"""Models from wherever they come: a folder, an archive, an address, the catalogue, a pack."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..core.errors import MedAISegError, ModelError, UsageError
from ..core.notice import Notice
from ..core.progress import Poll, never
from ..core.records import to_json
from ..formats import read_model
from ..models.archive import is_archive, unpack_archive, without_suffix
from ..models.download import Downloaded, Network, Remote, download, network_of
from ..models.installing import install_filled, install_folder, require_free, scratch_folder, told_of
from ..models.names import path_problem
from ..models.packs import PackedModel, read_manifest, require_as_packed
from ..models.published import PublishedFile, PublishedModel, find_published, search_published
from ..models.receipts import record_installation
from ..models.store import InstalledModel, models_home
from ..models.trust import acknowledge_licence, content_sha256, require_acknowledged, trust_model

_OWN_DESCRIPTION = "medaiseg.json"
_DESCRIBED_FORMATS = ("nnunet", "auto3dseg")
"""Formats whose own files do not say licence and citation, and that read ours."""


@dataclass(frozen=True)
class InstallOptions:
    """What the user says beside the source.

    Attributes:
        model_id: instead of the name of the folder, archive or catalogue entry.
        trust: the model may run code of its own.
        accept_licence: a licence that rules out commercial use is acknowledged.
        accept_changed: a file without a publisher's checksum may differ from its first download.
    """

    model_id: str = ""
    overwrite: bool = False
    trust: bool = False
    accept_licence: bool = False
    accept_changed: bool = False
    network: Network = field(default_factory=network_of)


OnBytes = Callable[[int, int], None]


@dataclass(frozen=True)
class _Call:
    options: InstallOptions
    on_bytes: OnBytes
    poll: Poll


def install_model(
    source: str | Path,
    options: InstallOptions | None = None,
    *,
    on_bytes: OnBytes = lambda _done, _total: None,
    poll: Poll = never,
) -> tuple[InstalledModel, tuple[Notice, ...]]:
    """Install a model, once it has been read and its weights fit.

    Args:
        source: a folder, an archive, an https address of an archive, or an id of the catalogue.
        on_bytes: is told how much of a download is there, and of how much (0 if unknown).

    Raises:
        UsageError: if there is no such source, the id is taken, or a licence has to be acknowledged first.
        ModelError: if the model is damaged, refused or not what it should be.
        NotTrustedError: if it would run code of its own, and the user does not trust it.
        ResourceError: if the network, the disk or a permission is missing.
        Cancelled: if ``poll`` raises it.
    """
    call, text = _Call(options or InstallOptions(), on_bytes, poll), str(source)
    if "://" in text:
        model, notices = _from_address(text, call)
    elif (path := Path(source).expanduser()).is_dir():
        model_id = call.options.model_id
        model = install_folder(
            path, overwrite=call.options.overwrite, verify=_verifier(call), model_id=model_id, poll=poll
        )
        notices = ()
    elif path.exists():
        if not is_archive(path):
            raise UsageError(
                "it is neither a folder nor an archive.",
                where=text,
                remedy="Put a model's file into a folder of its own.",
            )
        model, notices = _from_archive(path, without_suffix(path.name), call), ()
    elif (published := find_published(text)) is not None:
        model, notices = _from_catalogue(published, call)
    else:
        raise _no_such_source(text)
    record_installation(model, text if "://" in text or not Path(text).exists() else Path(text).name)
    return model, notices


def unpack_models(source: Path, options: InstallOptions, *, poll: Poll = never) -> tuple[InstalledModel, ...]:
    """Install all models of a pack; each as a whole or not at all.

    Raises:
        UsageError, ModelError, ResourceError, Cancelled: as for :func:`install_model`.
    """
    call = _Call(options, lambda _done, _total: None, poll)
    source = source.expanduser()
    if not is_archive(source):
        raise UsageError("it is no archive.", where=str(source))
    with scratch_folder(models_home().resolve()) as scratch:
        inside = scratch / "pack"
        inside.mkdir()
        unpack_archive(source, inside, poll=poll)
        with told_of(source, instead_of=inside):
            manifest = read_manifest(inside)
        if manifest is None:
            raise ModelError(
                "it is no pack.", where=str(source), remedy="Install a single model: medaiseg models install."
            )
        for packed in manifest.models:
            require_free(packed.id, overwrite=options.overwrite)
            _require_licence(packed, options)
            require_as_packed(inside / packed.id, packed)
        return tuple(_from_pack(inside / packed.id, packed, source, call) for packed in manifest.models)


def packed_model(model: InstalledModel) -> PackedModel:
    """What a pack's list says of a model.

    Raises:
        ModelError: if it cannot be used.
    """
    spec = read_model(model.path).spec
    size = sum(file.stat().st_size for file in model.path.rglob("*") if file.is_file())
    return PackedModel(model.id, content_sha256(model.path), spec.license, spec.commercial_use, size)


def _from_pack(folder: Path, packed: PackedModel, source: Path, call: _Call) -> InstalledModel:
    def fill(empty: Path) -> Path:
        return folder.replace(empty / packed.id)

    model = install_filled(packed.id, fill, overwrite=call.options.overwrite, verify=_verifier(call))
    record_installation(model, source.name)
    return model


def _require_licence(packed: PackedModel, options: InstallOptions) -> None:
    card = PublishedModel(
        packed.id, packed.id, "", "", "", license=packed.license, commercial_use=packed.commercial_use
    ).card
    if options.accept_licence and packed.commercial_use is False:
        acknowledge_licence(card)
    require_acknowledged(card)


def _from_address(url: str, call: _Call) -> tuple[InstalledModel, tuple[Notice, ...]]:
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    if not without_suffix(name) or without_suffix(name) == name or path_problem(name):
        raise UsageError("the address is not that of an archive (zip, tar, tar.gz).", where=url)
    with scratch_folder(models_home().resolve()) as scratch:
        remote = Remote(url)
        got = _download(remote, scratch / name, call)
        return _from_archive(got.path, without_suffix(name), call), _first_seen(remote, got.sha256, first=got.is_first)


def _from_archive(archive: Path, name: str, call: _Call) -> InstalledModel:
    """The model's id is the name of the archive's top folder, where it has one."""
    with scratch_folder(models_home().resolve()) as scratch:
        inside = scratch / "inside"
        inside.mkdir()
        root = unpack_archive(archive, inside, poll=call.poll)
        if read_manifest(inside) is not None:
            raise UsageError("it is a pack.", where=str(archive), remedy="Use: medaiseg models unpack.")
        model_id = call.options.model_id or (name if root == inside else root.name)

        def verify(copy: Path) -> None:
            with told_of(archive, instead_of=copy):
                _verifier(call)(copy)

        return install_filled(
            model_id, lambda empty: root.replace(empty / "model"), overwrite=call.options.overwrite, verify=verify
        )


def _from_catalogue(published: PublishedModel, call: _Call) -> tuple[InstalledModel, tuple[Notice, ...]]:
    card, options = published.card, call.options
    if published.restricted:
        raise ModelError(published.restricted, where=published.id)
    if options.accept_licence and card.commercial_use is False:
        acknowledge_licence(card)
    require_acknowledged(card)
    notices: list[Notice] = []

    def fill(empty: Path) -> Path:
        root = empty / "model"
        root.mkdir()
        for file in published.files:
            notices.extend(_place(file, root, empty / "archive", call))
        only = list(root.iterdir())
        if len(published.files) == 1 and len(only) == 1 and only[0].is_dir() and not published.files[0].folder:
            root = only[0]
        _describe(published, root)
        return root

    model_id = options.model_id or published.id
    model = install_filled(model_id, fill, overwrite=options.overwrite, verify=_verifier(call))
    return model, tuple(notices)


def _place(file: PublishedFile, root: Path, place: Path, call: _Call) -> tuple[Notice, ...]:
    """Download a file into the model's folder, an archive's content into the folder that the entry names."""
    place.mkdir(exist_ok=True)
    remote = Remote(file.url, file.checksum)
    name = urlsplit(file.url).path.rpartition("/")[2]
    got = _download(remote, place / name, call)
    notices = _first_seen(remote, got.sha256, first=got.is_first)
    if file.save_as:
        got.path.replace(root / file.save_as)
        return notices
    inside = place / "inside"
    inside.mkdir()
    unpacked = unpack_archive(got.path, inside, poll=call.poll)
    got.path.unlink()
    if file.folder:
        unpacked.replace(root / file.folder)
    else:
        for path in unpacked.iterdir():
            path.replace(root / path.name)
    shutil.rmtree(place)
    return notices


def _describe(published: PublishedModel, root: Path) -> None:
    """Say in the model's folder what only its publisher's pages say."""
    path = root / _OWN_DESCRIPTION
    if published.format not in _DESCRIBED_FORMATS or path.exists():
        return
    texts = {
        name: getattr(published, name)
        for name in ("name", "version", "description", "anatomy", "license", "commercial_use", "citation")
    }
    content = {name: text for name, text in texts.items() if text not in ("", None)}
    if published.description_file:
        content |= {"labels": published.labels, "channels": to_json(published.channels), **published.description_file}
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")


def _download(remote: Remote, target: Path, call: _Call) -> Downloaded:
    return download(
        remote,
        target,
        network=call.options.network,
        on_bytes=call.on_bytes,
        poll=call.poll,
        accept_changed=call.options.accept_changed,
    )


def _first_seen(remote: Remote, sha256: str, *, first: bool) -> tuple[Notice, ...]:
    if not first:
        return ()
    known = f"The publisher gives no checksum of {remote.url}."
    return (Notice("first-download", f"{known} Its SHA-256 was written down and counts from now on: {sha256}"),)


def _verifier(call: _Call) -> Callable[[Path], None]:
    def verify(folder: Path) -> None:
        call.poll()
        if call.options.trust:
            trust_model(folder)
        read_model(folder).build_networks()
        call.poll()

    return verify


def _no_such_source(text: str) -> MedAISegError:
    alike = [model.id for model in search_published(text)][:5]
    remedy = f"The catalogue has: {', '.join(alike)}." if alike else "Look for one: medaiseg models search WORDS."
    return UsageError("there is no such folder, archive, address or model of the catalogue.", where=text, remedy=remedy)
