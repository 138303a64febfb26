"""Train a network of the embedded hippocampus model from T1 MR crops, on the CPU, within a given time.

    python train.py --network 0 --data FOLDER --work FOLDER --minutes 75

The learning rate follows the elapsed share of the time budget, so a slow machine gives fewer steps but always a fully
annealed network. An interrupted run goes on from its checkpoint when started again with the same ``--work``.
"""

from __future__ import annotations

import argparse
import math
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from augment import GENTLE, Augmentation, draw_view
from bundle import load_network, make_network, network_count, save_weights, weights_file
from cases import Case, data_folder, read_case, training_names, validation_names
from evaluate import score_cases
from monai.losses import DiceCELoss
from torch.optim.swa_utils import AveragedModel


@dataclass(frozen=True)
class Schedule:
    """Optimisation settings; the learning rate warms up, then falls along a cosine to zero at the end of the budget."""

    minutes: float
    batch: int
    peak_rate: float = 2e-3
    weight_decay: float = 1e-2
    warm_up_steps: int = 300
    average_decay: float = 0.999
    gradient_norm: float = 2.0

    def rate(self, step: int, elapsed_s: float) -> float:
        """Learning rate after ``step`` steps and ``elapsed_s`` seconds of training."""
        share = min(1.0, elapsed_s / (60 * self.minutes))
        return self.peak_rate * min(1.0, (step + 1) / self.warm_up_steps) * 0.5 * (1 + math.cos(math.pi * share))


class Trainer:
    """The network, its running average and its optimiser, with the clock they are annealed by."""

    def __init__(
        self, member: int, cases: list[Case], schedule: Schedule, augmentation: Augmentation, seed: int
    ) -> None:
        torch.manual_seed(seed)
        self.cases = cases
        self.schedule = schedule
        self.augmentation = augmentation
        self.rng = torch.Generator().manual_seed(seed)
        self.network = make_network(member).train().to(memory_format=torch.channels_last_3d)
        self.average = AveragedModel(self.network, multi_avg_fn=_running_average(schedule.average_decay))
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=schedule.peak_rate, weight_decay=schedule.weight_decay
        )
        self.loss = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True, batch=True)
        self.step = 0
        self.elapsed_s = 0.0
        self.queue: list[int] = []
        self.drawing = ThreadPoolExecutor(max_workers=1)
        self.drawn: Future[tuple[torch.Tensor, torch.Tensor]] | None = None

    def advance(self) -> float:
        """One optimisation step; returns the loss."""
        started = time.monotonic()
        image, labels = (self.drawn or self.drawing.submit(self._next_batch)).result()
        # The next views are drawn while the network learns from these.
        self.drawn = self.drawing.submit(self._next_batch)
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.rate(self.step, self.elapsed_s)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            scores = self.network(image.to(memory_format=torch.channels_last_3d))
        loss = self.loss(scores.float(), labels)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.schedule.gradient_norm)
        self.optimiser.step()
        self.average.update_parameters(self.network)
        self.step += 1
        self.elapsed_s += time.monotonic() - started
        return float(loss.detach())

    @property
    def finished(self) -> bool:
        """True once the time budget is used."""
        return self.elapsed_s >= 60 * self.schedule.minutes

    def save(self, path: Path) -> None:
        """Write everything that a resumed run needs, swapped in at once."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "rng": self.rng.get_state(),
            "step": self.step,
            "elapsed_s": self.elapsed_s,
        }
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint written by :meth:`save`."""
        state = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.rng.set_state(state["rng"])
        self.step, self.elapsed_s = state["step"], state["elapsed_s"]

    def _next_batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        if len(self.queue) < self.schedule.batch:
            self.queue += torch.randperm(len(self.cases), generator=self.rng).tolist()
        chosen = [self.cases[self.queue.pop(0)] for _ in range(self.schedule.batch)]
        views = [draw_view(case, self.augmentation, self.rng) for case in chosen]
        return torch.stack([image for image, _ in views]), torch.stack([labels for _, labels in views])


def _running_average(decay: float):  # noqa: ANN202 (torch's private callback type)
    def update(averaged, current, count) -> None:  # noqa: ANN001
        # A short memory at first, or the random start would weigh on the early averages.
        weight = 1 - min(decay, float((1 + count) / (10 + count)))
        torch._foreach_lerp_(averaged, current, weight)

    return update


def main() -> None:
    """Read the data, train until the budget is used, leave the weights in the work folder and in the bundle."""
    arguments = _parse()
    torch.set_num_threads(arguments.threads)
    folder = data_folder(arguments.data)
    arguments.work.mkdir(parents=True, exist_ok=True)
    checkpoint = arguments.work / "checkpoint.pt"
    cases = [read_case(folder, name) for name in training_names(folder, arguments.fold)]
    schedule = Schedule(arguments.minutes, arguments.batch, arguments.peak_rate)
    trainer = Trainer(
        arguments.network, cases, schedule, GENTLE if arguments.gentle else Augmentation(), arguments.seed
    )
    if checkpoint.exists():
        trainer.load(checkpoint)
    elif arguments.start_from:
        weights = load_network(arguments.network, arguments.start_from).state_dict()
        trainer.network.load_state_dict(weights)
        trainer.average.module.load_state_dict(weights)
    next_save_s, recent = trainer.elapsed_s + 60 * arguments.save_minutes, 0.0
    while not trainer.finished:
        recent += (trainer.advance() - recent) * (0.01 if recent else 1.0)
        if trainer.step % 100 == 0:
            print(f"step {trainer.step} {trainer.elapsed_s:.0f} s loss {recent:.4f}", flush=True)
        if trainer.elapsed_s > next_save_s:
            next_save_s += 60 * arguments.save_minutes
            trainer.save(checkpoint)
            save_weights(trainer.average.module, arguments.work / "average.safetensors")
    trainer.save(checkpoint)
    weights = trainer.average.module.eval()
    save_weights(weights, arguments.work / "model.safetensors")
    print(score_cases([weights] * network_count(), folder, validation_names(arguments.fold)))
    if arguments.install:
        save_weights(weights, weights_file(arguments.network), torch.float16)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", type=int, required=True, help="place of the network in the bundle, from 0")
    parser.add_argument("--data", type=Path, help="folder with images/ and labels/")
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--minutes", type=float, default=75.0, help="training time")
    parser.add_argument("--save-minutes", type=float, default=5.0, help="time between checkpoints")
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--peak-rate", type=float, default=Schedule.peak_rate, help="highest learning rate")
    parser.add_argument("--start-from", type=Path, help="weights to begin with, for a second phase")
    parser.add_argument("--gentle", action="store_true", help="views closer to the data, for a second phase")
    parser.add_argument("--install", action="store_true", help="put the final weights into the bundle")
    return parser.parse_args()


if __name__ == "__main__":
    main()
