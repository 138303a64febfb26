"""nnU-Net's decoder, which lets go of what it has used.

The package's own holds all of the encoder's features until the scores are there, and what a stage began with until that
stage is done: with 32 features and windows of 96 voxels 340 of 710 MB on the finest grid.
"""

from __future__ import annotations

import torch


class LeanDecoder(torch.nn.Module):
    """The same layers under the same names as the package's ``UNetDecoder``, without deep supervision."""

    def __init__(self, decoder: torch.nn.Module) -> None:
        """Takes over the layers of ``decoder``."""
        super().__init__()
        for name, layers in decoder.named_children():
            self.add_module(name, layers)

    def forward(self, skips: list[torch.Tensor]) -> torch.Tensor:
        """(batch, class, a, b, c) scores.

        Args:
            skips: the encoder's features, those of the finest grid first. They are taken out of the list, so that
                nothing else holds them.
        """
        values = skips.pop()
        stages, steps, heads = (self.get_submodule(name) for name in ("stages", "transpconvs", "seg_layers"))
        for step, stage in zip(_listed(steps), _listed(stages), strict=True):
            values = torch.cat((step(values), skips.pop()), dim=1)
            # One after the other, since a Sequential's caller would hold what the first begins with.
            for block in _listed(stage.get_submodule("convs")):
                values = block(values)
        scores: torch.Tensor = _listed(heads)[-1](values)
        return scores


def _listed(layers: torch.nn.Module) -> list[torch.nn.Module]:
    return list(layers.children())
