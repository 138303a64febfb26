"""What a model's networks found in the air around patients, kept between runs: whether they need not be asked there.

Kept are, so that an image that is run often counts once, digests of what patients' outlines look like on a grid of
5 mm: no patient's data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..models.kept_records import learn, read_record
from ..models.spec import Windows

_FILE = "air.json"
_MOST = 500
_REVISION = 1
"""One more whenever other windows are taken for air: what was seen before tells nothing then."""

_ENOUGH = 20
"""Images: where none of so many has a label in the air, fewer than 14 of 100 have, in 19 of 20 cases (0.86^20)."""


@dataclass(frozen=True)
class _Seen:
    """Images by their digest, and whether a window has ever had a label."""

    images: tuple[str, ...] = ()
    label_found: bool = False

    @classmethod
    def read(cls, entry: object) -> _Seen:
        """Nothing was seen where that was by another rule, or what is kept is damaged."""
        if not isinstance(entry, dict) or entry.get("revision") != _REVISION:
            return cls()
        images = entry.get("images")
        if not isinstance(images, list):
            return cls()
        return cls(tuple(dict.fromkeys(map(str, images))), bool(entry.get("label_found")))

    @property
    def enough(self) -> bool:
        return len(self.images) >= _ENOUGH and not self.label_found

    def with_image(self, image: str) -> _Seen:
        """An image counts once, and none any more once there were enough."""
        return self if image in self.images or self.enough else _Seen((*self.images, image), self.label_found)

    @property
    def entry(self) -> dict[str, object]:
        return {"images": list(self.images), "label_found": self.label_found, "revision": _REVISION}


class AirRecord:
    """What is known of a stage's windows of air.

    Attributes:
        refuted: one of them has had a label: none is ever left out.
    """

    def __init__(self, model: str, stage: int, windows: Windows) -> None:
        """Of the model whose files have this hash; of the stage of this number, with windows of this kind."""
        size = "x".join(map(str, windows.size or ()))
        self._key = f"{model}/{stage}/{size}/{len(windows.test_time_flips)} flips"
        self._seen = _Seen.read(read_record(_FILE).get(self._key))
        self.refuted = self._seen.label_found

    @property
    def calibrated(self) -> bool:
        """Whether there were enough images, none with a label."""
        return self._seen.enough and not self.refuted

    @property
    def images(self) -> int:
        """How many there were."""
        return len(self._seen.images)

    def add(self, image: str) -> None:
        """Keep that no label was found in the air of an image, by its digest."""
        if not self.refuted and self._seen.with_image(image) != self._seen:
            self._change(lambda seen: seen.with_image(image))

    def refute(self) -> None:
        """Keep that a window has a label."""
        self.refuted = True
        self._change(lambda seen: _Seen(seen.images, label_found=True))

    def _change(self, changed: Callable[[_Seen], _Seen]) -> None:
        """Others may have written meanwhile."""

        def change(entry: object) -> dict[str, object]:
            self._seen = changed(_Seen.read(entry))
            return self._seen.entry

        learn(_FILE, self._key, change, most=_MOST)
