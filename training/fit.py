"""Train a network on one or several tasks: seeded, resumable, stopped when validation stops.

The network runs on the GPU where there is one. Losses are taken on the CPU, from its outputs: they
cost little, and a task need not know where its network is.
"""

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.batches import Batches, collate
from training.examples import Example
from training.network import Network
from training.schedule import Schedule
from training.tasks import Predictions, Task, TogetherTask

EMBEDDING = "sentence_embedding"
SCORING_TOKENS = 8192  # of a batch that needs no gradients
TOLD_EVERY = 100  # batches for each line of a log that is no terminal

console = Console()


class Fit:
    """A training run in a directory: `last.pt` to go on from, `best.pt`, `log.jsonl`.

    beside  tasks that are not learned and still have their share of an epoch's steps: what is
            learned has as many as if they were
    """

    def __init__(
        self,
        network: Network,
        tasks: Sequence[Task],
        schedule: Schedule,
        directory: Path,
        teacher: Network | None = None,
        *,
        together: bool = False,
        weights: Mapping[str, float] | None = None,
        beside: Sequence[Task] = (),
    ) -> None:
        self._network = network.to(device())
        self._tasks = tasks
        self._learned: Sequence[Task | TogetherTask] = (
            [TogetherTask(tasks, weights or {})] if together else tasks
        )
        self._schedule = schedule
        self._directory = directory
        self._draw = np.random.default_rng(schedule.seed)
        self._batches = [
            Batches(task.train, schedule.batch_tokens, np.random.default_rng(schedule.seed + i))
            for i, task in enumerate(self._learned)
        ]
        self._steps = self._steps_per_task(beside)
        self._total = schedule.epochs * sum(self._steps)
        self._optimizer = torch.optim.AdamW(self._groups(), fused=True)
        self._mean = (
            AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(schedule.averaged))
            if schedule.averaged
            else None
        )
        self._rate = torch.optim.lr_scheduler.LambdaLR(self._optimizer, self._factor)
        self._wanted = self._embeddings(teacher.to(device())) if teacher else {}
        self._epoch, self._best, self._since_best = 0, -math.inf, 0
        directory.mkdir(parents=True, exist_ok=True)

    def run(self, *, resume: bool = False) -> dict[str, float]:
        """Train; the network then holds the best epoch's weights. Returns its validation scores."""
        if resume and (self._directory / "last.pt").exists():
            self._load(self._directory / "last.pt")
        while self._epoch < self._schedule.epochs and self._since_best < self._schedule.patience:
            started = time.monotonic()
            losses = self._train_epoch()
            scores = {task.head: self._score(task) for task in self._tasks}
            self._epoch += 1
            self._keep(scores)
            line = {"epoch": self._epoch, "loss": losses, "validation": scores}
            line["seconds"] = round(time.monotonic() - started)
            with (self._directory / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
            told = "  ".join(f"{head} {score:.4f}" for head, score in scores.items())
            console.print(f"epoch {self._epoch}: {told}  ({line['seconds']} s)")
        best = saved(self._directory / "best.pt")
        self._network.load_state_dict(best["network"])
        self._network.eval()
        return best["scores"]

    def _train_epoch(self) -> dict[str, float]:
        self._network.train()
        order = np.repeat(np.arange(len(self._learned)), self._steps)
        self._draw.shuffle(order)
        streams = [_endless(batches) for batches in self._batches]
        totals = np.zeros(len(self._learned))
        with _progress() as progress:
            epoch = f"epoch {self._epoch + 1}"
            for step, i in enumerate(progress.track(order, description=epoch)):
                totals[i] += self._step(self._learned[i], next(streams[i]))
                if not console.is_terminal and step % TOLD_EVERY == TOLD_EVERY - 1:
                    loss = totals.sum() / (step + 1)
                    console.print(f"{epoch}: {step + 1} of {len(order)}, loss {loss:.3f}")
        return {
            task.head: round(total / steps, 4)
            for task, total, steps in zip(self._learned, totals, self._steps, strict=True)
        }

    def _step(self, task: Task | TogetherTask, examples: list[Example]) -> float:
        outputs = run(self._network, examples)
        loss = task.loss(outputs, examples)
        if self._wanted:
            wanted = torch.stack([self._wanted[id(example)] for example in examples])
            near = functional.cosine_similarity(outputs[EMBEDDING], wanted)
            loss = loss + self._schedule.keep_embedding * (1.0 - near).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
        self._optimizer.step()
        if self._mean is not None:
            self._mean.update_parameters(self._network)
        self._rate.step()
        self._optimizer.zero_grad()
        return float(loss.detach())

    def _score(self, task: Task) -> float:
        return task.score(predict(self._kept(), task, task.validation))

    def _kept(self) -> Network:
        """The network that is validated: the mean where one is kept."""
        return self._network if self._mean is None else self._mean.module

    def _keep(self, scores: dict[str, float]) -> None:
        mean = float(np.mean(list(scores.values())))
        state = {"network": self._kept().state_dict(), "scores": scores}
        if mean > self._best:
            self._best, self._since_best = mean, 0
            torch.save(state, self._directory / "best.pt")
        else:
            self._since_best += 1
        torch.save(
            state
            | {
                "learning": self._network.state_dict(),
                "mean": None if self._mean is None else self._mean.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "rate": self._rate.state_dict(),
                "draws": [self._draw.bit_generator.state]
                + [batches.draw.bit_generator.state for batches in self._batches],
                "torch": torch.get_rng_state(),
                "cuda": torch.cuda.get_rng_state_all(),
                "progress": (self._epoch, self._best, self._since_best),
            },
            self._directory / "last.pt",
        )

    def _load(self, path: Path) -> None:
        state = saved(path)
        self._network.load_state_dict(state["learning"])
        if self._mean is not None:
            self._mean.load_state_dict(state["mean"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._rate.load_state_dict(state["rate"])
        draws = [self._draw] + [batches.draw for batches in self._batches]
        for draw, drawn in zip(draws, state["draws"], strict=True):
            draw.bit_generator.state = drawn
        torch.set_rng_state(state["torch"])
        if torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["cuda"])
        self._epoch, self._best, self._since_best = state["progress"]
        console.print(f"resumed after epoch {self._epoch}")

    def _steps_per_task(self, beside: Sequence[Task]) -> list[int]:
        others = [Batches(task.train, self._schedule.batch_tokens) for task in beside]
        counts = [sum(1 for _ in batches) for batches in (*self._batches, *others)]
        return balanced_steps(counts, self._schedule.balance)[: len(self._batches)]

    def _groups(self) -> list[dict[str, object]]:
        fast, decayed, plain = [], [], []
        for name, parameter in self._network.named_parameters():
            if not parameter.requires_grad:
                continue
            if name.startswith(("heads.", "shapes.")) or "parametrizations" in name:
                fast.append(parameter)
            elif parameter.ndim > 1:
                decayed.append(parameter)
            else:
                plain.append(parameter)
        s = self._schedule
        return [
            {"params": fast, "lr": s.head_learning_rate, "weight_decay": s.weight_decay},
            {"params": decayed, "lr": s.learning_rate, "weight_decay": s.weight_decay},
            {"params": plain, "lr": s.learning_rate, "weight_decay": 0.0},
        ]

    def _factor(self, step: int) -> float:
        warm = max(1, round(self._total * self._schedule.warmup))
        return min((step + 1) / warm, max(0.0, (self._total - step) / max(1, self._total - warm)))

    def _embeddings(self, teacher: Network) -> dict[int, Tensor]:
        """The teacher's embedding of every training example."""
        found: dict[int, Tensor] = {}
        for task in self._learned:
            for examples, outputs in inferred(teacher, task.train):
                vectors = outputs[EMBEDDING].float()
                found |= {id(e): v for e, v in zip(examples, vectors, strict=True)}
        return found


def balanced_steps(batches: Sequence[int], balance: float) -> list[int]:
    """Steps of each task in an epoch, by how many batches it has: as many in all as one pass.

    >>> balanced_steps([160, 10], balance=0.5)
    [136, 34]
    """
    shares = np.array(batches, float) ** balance
    return [max(1, round(step)) for step in sum(batches) * shares / shares.sum()]


def device() -> torch.device:
    """Where networks are trained: the first GPU, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def saved(path: Path) -> dict[str, Any]:
    """What a run wrote, on the CPU, wherever it ran."""
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def run(network: Network, examples: Sequence[Example]) -> dict[str, Tensor]:
    """Every output of the network for a batch, computed in bfloat16 where the network is; float32
    on the CPU.
    """
    there = network.positions.device
    with torch.autocast(there.type, dtype=torch.bfloat16):
        outputs = network(*(given.to(there) for given in collate(examples)))
    return {name: output.float().cpu() for name, output in zip(network.heads, outputs, strict=True)}


def inferred(
    network: Network, examples: Sequence[Example]
) -> Iterator[tuple[list[Example], dict[str, Tensor]]]:
    """Outputs without gradients, in batches of similar length."""
    network.eval()
    with torch.inference_mode():
        for batch in Batches(list(examples), SCORING_TOKENS):
            yield batch, run(network, batch)


def predict(network: Network, task: Task, examples: Sequence[Example]) -> Predictions:
    """What the network says of each example, in their order."""
    found: dict[int, np.ndarray] = {}
    for batch, outputs in inferred(network, examples):
        with torch.inference_mode():
            answers = task.predict(outputs, batch)
        found |= {id(e): answer for e, answer in zip(batch, answers, strict=True)}
    return [found[id(example)] for example in examples]


def _endless(batches: Batches) -> Iterator[list[Example]]:
    while True:
        yield from batches


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
