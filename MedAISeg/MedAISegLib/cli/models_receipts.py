"""How a model came, in words."""

from __future__ import annotations

from collections.abc import Iterator

from ..models.origins import Origin, Receipt, has_changed
from ..models.receipts import receipt_of
from ..models.store import InstalledModel


def receipt_texts(model: InstalledModel | None) -> Iterator[tuple[str, str]]:
    """What is known of that, by what it is; nothing of a model that was not installed here."""
    receipt = receipt_of(model) if model else Receipt()
    for origin in receipt.files:
        yield "downloaded", f"{origin.url}, SHA-256 {origin.sha256} ({_vouched_by(origin, receipt)})"
        if has_changed(origin):
            again = "To have that one, install it again with --overwrite."
            yield "not what comes from there now", f"Another file has come from there since. {again}"
    if receipt.acknowledged:
        yield "licence acknowledged", receipt.acknowledged
    if receipt.pack:
        yield "came in a pack", f"{receipt.pack}; the rest is what that says, and this computer has not seen it"


def _vouched_by(origin: Origin, receipt: Receipt) -> str:
    if origin.is_vouched_for:
        return "as its publisher says"
    return "its publisher gives none" + ("" if receipt.pack else "; what comes later must be the same")
