"""MONAI bundles beyond what is compiled: their own code runs, once the user has trusted them.

The bundle's transforms, inferer and post-processing are what MONAI's parser makes of its config. The images come from
our readers, in place of what its LoadImage would read; labels come back on the source grid, in place of what its
SaveImage would write. Before the trust nothing of it is imported or evaluated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.case import Case
from ...core.errors import ModelError, NotTrustedError
from ...core.notice import Notice
from ...core.progress import Progress
from ...models.spec import ModelSpec
from ...models.trust import content_sha256, require_trust
from .. import ModelSource
from ..monai_bundle import description
from ..monai_bundle.config import BundleFiles, read_files
from ..monai_bundle.inferer import given_inferer
from ..monai_bundle.references import Inference
from ..monai_bundle.refusal import refuse_clicks, refuse_other_kinds
from ..monai_bundle.values import UNTRUSTED
from ..own_run import OwnResult
from .describing import spec_of
from .own_code import own_code
from .packages import require_packages

if TYPE_CHECKING:
    import torch


def read(path: Path, refused: NotTrustedError) -> ModelSource:
    """A bundle that its own code runs; nothing of it is run here.

    Args:
        refused: why it could not be compiled.

    Raises:
        NotTrustedError: if the user has not trusted it as it is now; says what it would run.
        ModelError: if trust would not help.
    """
    try:
        files = replace(read_files(path), root=path.resolve())
        inference = Inference(files.inference, files.root)
        name = description.text(files.metadata, "name") or files.root.name
        refuse_other_kinds(files.metadata, inference, name)
        refuse_clicks(inference, name)
        given_inferer(inference)
        own = own_code(files.inference, files.root)
        spec = spec_of(files, inference)
    except RecursionError:
        raise refused from None
    if not inference.has("preprocessing") or not (inference.has("network_def") or inference.has("network")):
        raise refused
    if own.missing:
        raise ModelError(
            f"it needs code that is not in its folder: {', '.join(own.missing)}.",
            where=files.root.name,
            remedy="Install the whole bundle, its folder of scripts included.",
        )
    _require_no_links(files.root)
    what = own.described() or "what MONAI evaluates of its description"
    would = f"run code of its own ({what}), since {_reason(refused)}"
    require_trust(files.root, would)
    notice = Notice("own-code", f"The model runs by code of its own, which you have trusted: {what}.")
    spec = replace(spec, sha256=content_sha256(files.root), notices=(notice,))
    return ModelSource(spec, partial(_build, would, files), partial(_run, would, files, spec))


def _reason(refused: NotTrustedError) -> str:
    reason = refused.what.removeprefix(UNTRUSTED).removesuffix(".")
    return f"{refused.where}: {reason}" if refused.where else reason


def _require_no_links(root: Path) -> None:
    """What a link leads to is no part of what was trusted."""
    link = next((path for path in root.rglob("*") if path.is_symlink()), None)
    if link is not None:
        raise ModelError("its folder has a link in it, and so cannot be trusted as it is.", where=str(link))


def _build(would: str, files: BundleFiles) -> tuple[tuple[torch.nn.Module, ...], ...]:
    from .running import build

    require_trust(files.root, would)
    require_packages(Inference(files.inference, files.root), files.root.name)
    return ((build(files),),)


def _run(
    would: str,
    files: BundleFiles,
    spec: ModelSpec,
    case: Case,
    networks: Sequence[Sequence[torch.nn.Module]],
    *,
    device: str,
    progress: Progress,
) -> OwnResult:
    from .running import run

    # Its modules are imported when they are first needed, which may be long after it was read.
    require_trust(files.root, would)
    return run(files, spec, case, networks, device=device, progress=progress)
