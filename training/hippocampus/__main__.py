"""Train the embedded model: all phases of both networks in order, then its Dice on the validation cases.

    python -m training.hippocampus --data FOLDER --work FOLDER

The same command again goes on where it stopped. A rehearsal of every phase, in a minute or two:

    python -m training.hippocampus --data FOLDER --work FOLDER --share 0.0001 --cases 2
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from .bundle import load_network, load_networks, predictor, save_weights, weights_file
from .cases import data_folder, read_case, training_names, validation_names
from .evaluate import Score, score_cases
from .phases import PHASES, Phase
from .train import train

FOLD = 0
"""Whose validation cases none of the shipped weights has been trained on."""


def follow(phases: Sequence[Phase], data: Path, work: Path, *, cases: int | None = None) -> list[Path]:
    """The weights of each network after its last phase; what an earlier call has finished is taken as it is.

    Args:
        data: folder with ``images`` and ``labels``.
        work: a folder for each phase comes into it.
        cases: train on the first so many cases only.
    """
    names = training_names(data, FOLD)[:cases]
    training = [read_case(data, name) for name in names]
    last: dict[int, Path] = {}
    for number, phase in enumerate(phases, start=1):
        folder = work / f"{number}_network_{phase.network}"
        last[phase.network] = train(phase, training, folder, last.get(phase.network))
    return [last[network] for network in sorted(last)]


def shortened(phases: Sequence[Phase], share: float) -> list[Phase]:
    """The same phases with a share of their steps, at least two."""
    return [replace(phase, steps=max(2, round(phase.steps * share))) for phase in phases]


def main() -> None:
    """Train, score, and put the weights into the bundle where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with images/ and labels/")
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints, weights and scores")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--share", type=float, default=1.0, help="of the steps of each phase, for a rehearsal")
    parser.add_argument("--cases", type=int, help="train and score on the first so many cases only, for a rehearsal")
    parser.add_argument("--install", action="store_true", help="put the weights into the bundle, in 16 bits")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    data = data_folder(arguments.data)
    weights = follow(shortened(PHASES, arguments.share), data, arguments.work, cases=arguments.cases)
    segmented = predictor(load_networks(weights), flip=True)
    scores = score_cases(segmented, data, validation_names(FOLD)[: arguments.cases])
    _write_scores(scores, arguments.work / "scores.json")
    if arguments.install:
        for member, file in enumerate(weights):
            save_weights(load_network(member, file), weights_file(member), torch.float16)


def _write_scores(scores: dict[str, Score], path: Path) -> None:
    report = {segment: vars(score) for segment, score in scores.items()}
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print({segment: f"{score.mean:.4f}, least {score.minimum:.3f}" for segment, score in scores.items()})


if __name__ == "__main__":
    main()
