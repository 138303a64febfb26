"""One phase of training a network of the bundle on T1 MR crops, on the CPU, from where it stopped."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from monai.losses import DiceCELoss
from torch.optim.swa_utils import AveragedModel

from .augment import draw_view
from .bundle import load_network, make_network, save_weights
from .cases import Case
from .phases import Phase

WEIGHT_DECAY = 1e-2
WARM_UP_STEPS = 300
AVERAGE_DECAY = 0.999
GRADIENT_NORM = 2.0
STEPS_BETWEEN_SAVES = 500
CHECKPOINT = "checkpoint.pt"
WEIGHTS = "model.safetensors"


def train(phase: Phase, cases: Sequence[Case], work: Path, before: Path | None = None) -> Path:
    """The file with the weights of a phase, in 32 bits; one that is finished is not trained again.

    Args:
        phase: what to do.
        cases: to draw views of.
        work: folder of the phase, with the checkpoint from which an interrupted run goes on.
        before: weights to begin with, else random ones.
    """
    weights, checkpoint = work / WEIGHTS, work / CHECKPOINT
    if weights.exists():
        return weights
    work.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(phase, before)
    if checkpoint.exists():
        trainer.load(checkpoint)
    recent = 0.0
    for image, labels in _batches(phase, cases, trainer.step):
        recent += (trainer.advance(image, labels) - recent) * (0.01 if recent else 1.0)
        if trainer.step % 100 == 0:
            print(f"{work.name}: step {trainer.step} of {phase.steps}, loss {recent:.4f}", flush=True)
        if trainer.step % STEPS_BETWEEN_SAVES == 0:
            trainer.save(checkpoint)
    save_weights(trainer.average.module.eval(), weights)
    checkpoint.unlink(missing_ok=True)
    return weights


class Trainer:
    """A network, its running average and its optimiser."""

    def __init__(self, phase: Phase, before: Path | None) -> None:
        torch.manual_seed(phase.seed)
        self.phase = phase
        network = load_network(phase.network, before) if before else make_network(phase.network)
        self.network = network.train().to(memory_format=torch.channels_last_3d)
        self.average = AveragedModel(self.network, multi_avg_fn=_running_average)
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=phase.peak_rate, weight_decay=WEIGHT_DECAY)
        self.loss = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True, batch=True)
        self.step = 0

    def advance(self, image: torch.Tensor, labels: torch.Tensor) -> float:
        """One step on (view, 1, i, j, k) images and labels; returns the loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate(self.phase, self.step)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            scores = self.network(image.to(memory_format=torch.channels_last_3d))
        loss = self.loss(scores.float(), labels)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), GRADIENT_NORM, error_if_nonfinite=True)
        self.optimiser.step()
        self.average.update_parameters(self.network)
        self.step += 1
        return float(loss.detach())

    def save(self, path: Path) -> None:
        """Write everything that a resumed run needs, swapped in at once; the views follow from the step alone."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
        }
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint written by :meth:`save`."""
        state = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]


def rate(phase: Phase, step: int) -> float:
    """Learning rate of a step (from 0): it warms up, then falls along a cosine to zero at the end of the phase."""
    warmth = min(1.0, (step + 1) / min(WARM_UP_STEPS, phase.steps))
    return phase.peak_rate * warmth * 0.5 * (1 + math.cos(math.pi * step / phase.steps))


def _batches(phase: Phase, cases: Sequence[Case], first: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Those of the steps from ``first`` on; the next is drawn while the network learns from the present one."""
    with ThreadPoolExecutor(max_workers=1) as drawing:
        drawn = drawing.submit(draw_batch, phase, cases, first)
        for step in range(first, phase.steps):
            batch = drawn.result()
            drawn = drawing.submit(draw_batch, phase, cases, step + 1)
            yield batch


def draw_batch(phase: Phase, cases: Sequence[Case], step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images and labels (view, 1, i, j, k) of a step, the same whenever it is asked for."""
    places = range(step * phase.batch, (step + 1) * phase.batch)
    chosen = [cases[_order(phase, len(cases), place // len(cases))[place % len(cases)]] for place in places]
    rng = _generator(phase.seed, 1, step)
    views = [draw_view(case, phase.views, rng) for case in chosen]
    return torch.stack([image for image, _ in views]), torch.stack([labels for _, labels in views])


def _order(phase: Phase, count: int, epoch: int) -> list[int]:
    order: list[int] = torch.randperm(count, generator=_generator(phase.seed, 0, epoch)).tolist()
    return order


def _generator(seed: int, use: int, number: int) -> torch.Generator:
    return torch.Generator().manual_seed((seed << 33) + (use << 32) + number)


def _running_average(averaged, current, count) -> None:  # noqa: ANN001 (torch's private callback type)
    # A short memory at first, or the random start would weigh on the early averages.
    torch._foreach_lerp_(averaged, current, 1 - min(AVERAGE_DECAY, float((1 + count) / (10 + count))))
