"""Models from wherever they come: a folder, an archive, an address, the catalogue, a pack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ..core.disk import existing
from ..core.errors import LicenceError, MedAISegError, ModelError, NotTrustedError, UsageError
from ..core.notice import Notice
from ..core.progress import Poll, never
from ..core.unfinished import done_wholly
from ..formats import read_model
from ..models.archive import is_archive, require_known_kind, unpack_archive, without_suffix
from ..models.card import ModelCard
from ..models.installing import install_filled, install_folder, require_free, told_of
from ..models.names import readable
from ..models.origins import Receipt, note, told_publicly
from ..models.packs import PackedModel, is_pack, packed_bytes, read_manifest, require_as_packed, write_pack
from ..models.published import find_published, search_published
from ..models.receipts import receipt_of, record_installation, require_unchanged
from ..models.room import require_room, require_within_quota
from ..models.scratch import scratch_folder
from ..models.store import InstalledModel, real_models_home, size_bytes
from ..models.store_progress import Meter, StoreCallback, StoreProgress, StoreStage, nobody
from ..models.trust import acknowledged, content_sha256
from .model_call import Call, InstallOptions, as_trusted, own_licence, require_licence, verifier
from .model_downloads import from_address, from_catalogue, notices_of
from .model_file import from_file

__all__ = ["InstallOptions", "install_model", "pack_models", "unpack_models"]


def install_model(
    source: str | Path,
    options: InstallOptions | None = None,
    *,
    tell: StoreCallback = nobody,
    poll: Poll = never,
) -> tuple[InstalledModel, tuple[Notice, ...]]:
    """Install a model, once it has been read and its weights fit.

    Args:
        source: a folder, an archive, a TorchScript file or a checkpoint of Auto3DSeg with its description inside, an
            https address of an archive, or an id of the catalogue.
        tell: hears how far it is.

    Raises:
        NameTakenError: if a model of this name is installed.
        LicenceError: if a licence has to be acknowledged first.
        UsageError: if there is no such source, or its name cannot be a model's.
        ChangedFileError: if what is downloaded is not what it was at its first download.
        NotTrustedError: if it would run code of its own, and the user does not trust it.
        ModelError: if the model is damaged, refused or not what it should be.
        ResourceError: if the network, the disk or a permission is missing.
        Cancelled: if ``poll`` raises it; what was downloaded is kept for the next try.
    """
    text = str(source)
    path = None if "://" in text else existing(source)
    published = find_published(text) if path is None and "://" not in text else None
    asked = published.card if published is not None and published.card.commercial_use is False else None

    def write_down(card: ModelCard, sha256: str) -> None:
        # Only of what has become a model the SHA-256 of a download counts from now on.
        for got in call.came:
            note(got.origin)
        files = tuple(got.origin for got in call.came)
        receipt = Receipt(text if path is None else path.name, files, acknowledged(asked or card))
        record_installation(card.id, sha256, receipt)

    call = Call(options or InstallOptions(), tell, poll, write_down, asks_licence=asked is None)
    with done_wholly(), told_publicly():
        if "://" in text:
            model = from_address(text, call, _from_archive)
        elif path is not None and path.is_dir():
            model = _from_folder(path, call)
        elif path is not None:
            require_known_kind(path.name, str(path))
            model = _from_archive(path, without_suffix(path.name), call) if is_archive(path) else from_file(path, call)
        elif published is not None:
            model = from_catalogue(published, call)
        else:
            raise _no_such_source(text)
    return model, tuple(notice for got in call.came for notice in notices_of(got))


def unpack_models(
    source: Path, options: InstallOptions, *, tell: StoreCallback = nobody, poll: Poll = never
) -> tuple[InstalledModel, ...]:
    """Install all models of a pack; each as a whole or not at all.

    Raises:
        UsageError, ModelError, ResourceError, Cancelled: as for :func:`install_model`.
    """
    source = source.expanduser()
    if not is_archive(source):
        what = "it is no archive." if existing(source) else "there is no such file."
        raise UsageError(what, where=str(source), remedy="Packs are written by medaiseg models pack.")
    if is_pack(source):
        require_room(packed_bytes(source))
    with scratch_folder(real_models_home()) as scratch:
        inside = scratch / "pack"
        inside.mkdir()
        tell(StoreProgress(StoreStage.COPY))
        unpack_archive(source, inside, poll=poll)
        with told_of(source, instead_of=inside):
            manifest = read_manifest(inside)
            if manifest is None:
                raise ModelError(
                    "it is no pack.", where=str(source), remedy="Install a single model: medaiseg models install."
                )
            for packed in manifest.models:
                require_free(packed.id, overwrite=options.overwrite)
                require_as_packed(inside / packed.id, packed)
            require_within_quota({packed.id: size_bytes(inside / packed.id) for packed in manifest.models})
            _require_agreement(manifest.models, inside, source, options)
        calls = [Call(options, tell, poll, _noting(packed, source), asks_licence=False) for packed in manifest.models]
        return tuple(
            _from_pack(inside / packed.id, source, call) for packed, call in zip(manifest.models, calls, strict=True)
        )


def pack_models(
    models: Sequence[InstalledModel],
    target: Path,
    *,
    overwrite: bool = False,
    tell: StoreCallback = nobody,
    poll: Poll = never,
) -> None:
    """Write models into one file for machines without internet.

    Raises:
        MedAISegError: as :func:`.packs.write_pack`; ModelError if one of them cannot be used; UsageError if one comes
            with the program, since no pack that holds it could be unpacked.
    """
    present = [model.id for model in models if model.embedded]
    if present:
        raise UsageError("it comes with the program, elsewhere too.", where=present[0], remedy="Leave it out.")
    packed = []
    for model in dict.fromkeys(models):
        poll()
        packed.append((model, _packed(model)))
    meter = Meter(tell, StoreProgress(StoreStage.PACK))
    write_pack(packed, target, overwrite=overwrite, on_bytes=meter, poll=poll)


def _packed(model: InstalledModel) -> PackedModel:
    """What a pack's list says of a model.

    Raises:
        ModelError: if it cannot be used, or has changed since it was installed: what is known of its download would
            be said of something else.
    """
    # First, so that whatever takes its place later is found out when it is written.
    sha256 = content_sha256(model.path)
    require_unchanged(model, sha256)
    spec = read_model(model.path).spec
    receipt = receipt_of(model)
    commercial_use = False if receipt.acknowledged else spec.commercial_use
    return PackedModel(model.id, sha256, spec.license, commercial_use, size_bytes(model.path), receipt.to_share)


def _noting(packed: PackedModel, source: Path) -> Callable[[ModelCard, str], None]:
    """Writes down how a model of a pack came."""
    return lambda card, sha256: record_installation(card.id, sha256, replace(packed.receipt, pack=source.name))


def _from_pack(folder: Path, source: Path, call: Call) -> InstalledModel:
    call.poll()
    try:
        return install_filled(
            folder.name,
            lambda empty: folder.replace(empty / folder.name),
            overwrite=call.options.overwrite,
            verify=verifier(call),
            poll=call.poll,
        )
    except NotTrustedError as error:
        raise _question([(folder.name, error)], source) from error


def _require_agreement(models: Sequence[PackedModel], inside: Path, source: Path, options: InstallOptions) -> None:
    """Who agrees to a pack agrees to all of its models, and is told of each that asks for it.

    Trust comes first: without it nobody knows what a model's licence is.

    Raises:
        NotTrustedError, LicenceError: with what is asked of all of them.
        ModelError: if one cannot be read.
    """
    cards, asked = [], list[tuple[str, MedAISegError]]()
    for packed in models:
        try:
            cards.append(_licence_in(packed, inside / packed.id, options))
        except NotTrustedError as error:
            asked.append((packed.id, error))
    if asked:
        raise _question(asked, source)
    for card in cards:
        try:
            require_licence(card, options)
        except LicenceError as error:
            asked.append((card.id, error))
    if asked:
        raise _question(asked, source)


def _licence_in(packed: PackedModel, folder: Path, options: InstallOptions) -> ModelCard:
    """One that rules out commercial use, be it in the pack's list or in the model's own files, in the words of those
    where they have any.

    That it was acknowledged where it was packed is kept; whoever unpacks it is asked all the same.
    """
    with as_trusted(folder, options):
        card = own_licence(folder)
    if packed.commercial_use is False:
        card = replace(card, license=card.license or readable(packed.license), commercial_use=False)
    return card


def _question(asked: Sequence[tuple[str, MedAISegError]], source: Path) -> MedAISegError:
    """One error of several of a kind: what each says, and of which model of a pack."""
    first = asked[0][1]
    said = "; ".join(f"{model_id}: {error.what.removesuffix('.')}" for model_id, error in asked)
    first.where, first.what = str(source), f"in it, {said}."
    if isinstance(first, NotTrustedError):
        first.contents = tuple(sha256 for _, error in asked for sha256 in getattr(error, "contents", ()))
    return first


def _from_folder(path: Path, call: Call) -> InstalledModel:
    call.tell(StoreProgress(StoreStage.COPY))
    options = call.options
    return install_folder(
        path, overwrite=options.overwrite, verify=verifier(call), model_id=options.model_id, poll=call.poll
    )


def _from_archive(archive: Path, name: str, call: Call) -> InstalledModel:
    """The model's id is the name of the archive's top folder, where it has one."""
    call.tell(StoreProgress(StoreStage.COPY))
    with scratch_folder(real_models_home()) as scratch:
        inside = scratch / "inside"
        inside.mkdir()
        root = unpack_archive(archive, inside, poll=call.poll)
        with told_of(archive, instead_of=inside):
            manifest = read_manifest(inside)
        if manifest is not None:
            raise UsageError("it is a pack.", where=str(archive), remedy="Use: medaiseg models unpack.")
        model_id = call.options.model_id or (name if root == inside else root.name)

        def verify(copy: Path) -> Callable[[], None] | None:
            with told_of(archive, instead_of=copy):
                return verifier(call)(copy)

        return install_filled(
            model_id,
            lambda empty: root.replace(empty / "model"),
            overwrite=call.options.overwrite,
            verify=verify,
            poll=call.poll,
        )


def _no_such_source(text: str) -> MedAISegError:
    alike = [model.id for model in search_published(text)][:5]
    remedy = f"The catalogue has: {', '.join(alike)}." if alike else "Look for one: medaiseg models search WORDS."
    return UsageError("there is no such folder, archive, address or model of the catalogue.", where=text, remedy=remedy)
