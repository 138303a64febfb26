"""What is known of a model, as rich text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from ..app.colours import are_colours
from ..models.card import ModelCard, ModelState
from ..models.origins import Origin, Receipt
from ..models.spec import Channel
from .texts import _, colour_square, escape, readable_bytes, readable_modality

_ADDRESS = re.compile(r"https://[^\s<>&\"']+[\w/]")


def state_of(card: ModelCard) -> str:
    """A word or two for the list."""
    words = _state_words()
    if card.state is ModelState.TO_DOWNLOAD and card.size_bytes:
        return f"{words[card.state]}, {readable_bytes(card.size_bytes)}"
    if card.state is ModelState.READY and card.classes:
        return _("ready, classifies")
    return words[card.state]


@cache
def _state_words() -> Mapping[ModelState, str]:
    """Looked up once: Slicer walks the stack of calls for each translation, and the list has a hundred lines."""
    return {
        ModelState.READY: _("ready"),
        ModelState.TO_DOWNLOAD: _("to download"),
        ModelState.RESTRICTED: _("not to be downloaded"),
        ModelState.NOT_TRUSTED: _("asks for trust"),
        ModelState.UNUSABLE: _("cannot be used"),
    }


def download_text(card: ModelCard) -> str:
    """What stands on the button."""
    size = readable_bytes(card.size_bytes) if card.size_bytes else _("size unknown")
    return _("Download ({size})").format(size=size)


def summary_of(card: ModelCard, expected_time: str) -> str:
    """Three or four lines: what it finds, in what, under which licence, how long it takes."""
    title = f"<b>{escape(card.name)}</b>" + (f" {escape(card.version)}" if card.version else "")
    lines = [title]
    if card.description:
        lines.append(escape(card.description))
    if card.problem:
        lines.append(f"<b>{_with_links(card.problem)}</b>")
    if card.channels:
        lines.append(_("Input: {channels}").format(channels=_channels(card.channels)))
    if card.segments:
        lines.append(_("Finds: {structures}").format(structures=_some([s.name for s in card.segments])))
    if card.classes:
        lines.append(_("Says how probable each is: {classes}").format(classes=_some(card.classes)))
    if card.license:
        lines.append(_("Licence: {licence}").format(licence=_licence(card)))
    if expected_time:
        lines.append(expected_time)
    if card.wants_region:
        lines.append(_("Made for small boxes: limit the run to a region around the structure."))
    return "<br>".join(lines)


def details_of(card: ModelCard) -> str:
    """The label list with colours, licence, citation and what was noted when the model was read."""
    labels = "<br>".join(
        f"{colour_square(segment.color_rgb) if segment.color_rgb else '&#9633;'}&nbsp;{escape(segment.name)}"
        for segment in card.segments
    )
    parts = [(_("Structures"), labels)]
    for title, text in (
        (_("Classes"), "\n".join(card.classes)),
        (_("Anatomy"), card.anatomy),
        (_("Licence"), _licence(card) if card.license else ""),
        (_("To cite"), card.citation),
        (_("Intended use"), card.intended_use),
        (_("Notes"), "\n".join(notice.message for notice in card.notices)),
        (_("Publisher"), " ".join(part for part in (card.publisher, card.page) if part)),
        (_("Installed from"), card.receipt.source),
        (_("Downloaded"), "\n".join(_origin(origin, card.receipt) for origin in card.receipt.files)),
        (_("Licence acknowledged"), card.receipt.acknowledged),
        (_("Came in a pack"), _pack(card.receipt)),
        (_("Trust"), _("You have let it run code of its own.") if card.trusted else ""),
        (_("Identity"), " ".join(part for part in (card.id, card.format, card.sha256[:12]) if part)),
    ):
        if text:
            parts.append((title, _with_links(text).replace("\n", "<br>")))
    return "".join(f"<p><b>{title}</b><br>{text}</p>" for title, text in parts)


def _origin(origin: Origin, receipt: Receipt) -> str:
    if origin.is_vouched_for:
        text = _("{address}, SHA-256 {sha256} (as its publisher says)")
    elif receipt.pack:
        text = _("{address}, SHA-256 {sha256} (its publisher gives none)")
    else:
        text = _("{address}, SHA-256 {sha256} (its publisher gives none; what comes later must be the same)")
    return text.format(address=origin.url, sha256=origin.sha256)


def _pack(receipt: Receipt) -> str:
    text = _("{pack}. The rest of how it came is what that says; this computer has not seen it.")
    return text.format(pack=receipt.pack) if receipt.pack else ""


def _channels(channels: Sequence[Channel]) -> str:
    if are_colours(channels):
        return escape(_("{kind}, in colours").format(kind=readable_modality(channels[0].modality)))
    return ", ".join(_channel(channel) for channel in channels)


def _channel(channel: Channel) -> str:
    kind = readable_modality(channel.modality)
    return escape(kind if channel.name.casefold() == "image" else f"{channel.name} ({kind})")


def _some(found: Sequence[str]) -> str:
    names = [escape(name) for name in found]
    if len(names) <= 4:
        return ", ".join(names)
    return _("{some} and {count} more").format(some=", ".join(names[:3]), count=len(names) - 3)


def _with_links(text: str) -> str:
    """Rich text in which addresses can be followed."""
    return _ADDRESS.sub(lambda found: f'<a href="{found[0]}">{found[0]}</a>', escape(text))


def _licence(card: ModelCard) -> str:
    if card.commercial_use is None:
        return escape(card.license)
    use = _("commercial use allowed") if card.commercial_use else _("no commercial use")
    return f"{escape(card.license)} ({use})"
