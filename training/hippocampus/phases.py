"""What the shipped weights were trained with, phase after phase."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .augment import Augmentation

STRONG = Augmentation()
"""Views that make a network robust."""

GENTLE = Augmentation(
    pose_probability=0.7,
    small_angle=12.0,
    large_angle_probability=0.15,
    scale=(0.9, 1.12),
    bend_probability=0.25,
    bend=1.5,
    trim_probability=0.05,
    surround_probability=0.12,
    gamma_probability=0.25,
    bias_probability=0.2,
    coarse_probability=0.12,
    sharpness_probability=0.12,
    noise_probability=0.2,
    offset_probability=0.1,
    contrast_probability=0.25,
)
"""Views closer to the data: phases with them sharpen what the first has made robust."""

GENTLE_WITHOUT_BORDERS = replace(GENTLE, trim_probability=0.2, surround_probability=0.2)
"""The same, with the end of a crop telling nothing: what the second phases were first tried with."""


@dataclass(frozen=True)
class Phase:
    """One run of the optimiser over views of the training cases, from the weights of the network's phase before.

    Attributes:
        network: its place in the bundle.
        steps: of the optimiser; the learning rate is zero after the last.
        batch: views a step.
        peak_rate: highest learning rate.
        views: how far they go.
        seed: of the views and their order, and of the weights of a first phase.
    """

    network: int
    steps: int
    batch: int
    peak_rate: float
    views: Augmentation
    seed: int


PHASES = (
    Phase(0, 3800, 2, 2e-3, STRONG, seed=0),
    Phase(0, 4400, 2, 1e-3, GENTLE_WITHOUT_BORDERS, seed=1),
    Phase(0, 11800, 2, 1e-3, GENTLE_WITHOUT_BORDERS, seed=2),
    Phase(0, 2000, 2, 1e-3, GENTLE, seed=3),
    Phase(0, 7300, 2, 1e-3, GENTLE, seed=4),
    Phase(1, 11000, 4, 2e-3, STRONG, seed=11),
    Phase(1, 2200, 4, 1e-3, GENTLE_WITHOUT_BORDERS, seed=12),
    Phase(1, 3500, 4, 1e-3, GENTLE, seed=13),
    Phase(1, 12300, 4, 1e-3, GENTLE, seed=14),
)
"""In the order in which each network needs them; a rerun takes about nine hours on one core."""
