"""Which way a network is run, found out on what a run computes anyway and remembered for the next.

The plain network computes until it finds something. What it found that in, the other ways compute too; the fastest
whose labels agree takes the rest. So no label comes from a way that was not held against the plain one where there is
something to be right or wrong about. A way in 16 bits is held against it in every case anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from ...core.notice import Notice
from ...models.spec import ModelSpec
from .array_chooser import ArrayChooser
from .happened import LONGEST_WAIT_S, Happened, NetworkRun
from .ways import AUTOMATIC, PLAIN, Wanted, ways_on
from .window_chooser import WindowChooser


class FastestNetworks:
    """The networks of a model's stages, each made to find its fastest way.

    Attributes:
        networks: of each stage, to be run in place of those given.
    """

    def __init__(
        self,
        spec: ModelSpec,
        networks: Sequence[Sequence[torch.nn.Module]],
        device: torch.device,
        wanted: Wanted,
        poll: Callable[[], None],
        *,
        longest_s: float = LONGEST_WAIT_S,
    ) -> None:
        """Compare for some seconds at most. Raises UsageError if the device has no way of the kind that is wanted."""
        self._happened = Happened(longest_s=longest_s)
        ways = ways_on(device, wanted)
        self._forced = ways[0] if len(ways) == 1 and not wanted.allows(PLAIN) else None
        self.networks: list[list[torch.nn.Module]] = []
        for number, (stage, members) in enumerate(zip(spec.stages, networks, strict=True)):
            runs = [
                NetworkRun(spec.sha256, number, member, stage, self._forced, wanted == AUTOMATIC, poll, self._happened)
                for member in range(len(members))
            ]
            if not ways:
                self.networks.append(list(members))
            elif stage.windows.size is None:
                self.networks.append([ArrayChooser(*pair) for pair in zip(members, runs, strict=True)])
            else:
                self.networks.append(
                    [WindowChooser(network, ways, run) for network, run in zip(members, runs, strict=True)]
                )

    @property
    def taken(self) -> str:
        """The ways that labels come from, for the record of the run."""
        return ", ".join(self._happened.chosen) or str(PLAIN)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What is to be said about them at the end of the run."""
        said = tuple(self._happened.notices)
        if self._forced is None or said or str(self._forced) in self._happened.chosen:
            return said
        message = f"The network found nothing on which {self._forced} could be compared; it ran as {PLAIN}."
        return (Notice("backend-not-taken", message),)
