"""The last layers of a head taught once more, on what the trained encoder gives them.

A forward pass is a third of a training step, and the layers themselves cost nothing: rows that were
written after the encoder had been trained are learned in minutes, and the other heads stay as they
are. The layers go on from the weights that they have.
"""

import numpy as np
import torch
from torch import Tensor, nn

from training.fit import console, inferred
from training.network import Network
from training.tasks import ClassTask

EPOCHS = 6
BATCH = 256
LEARNING_RATE = 3e-4
WEIGHT_DECAY = 0.01


class Pooled(nn.Module):
    """The vector that heads of a whole text are given."""

    def forward(self, hidden: Tensor, pooled: Tensor) -> Tensor:  # noqa: ARG002
        """Ignores `hidden`; returns float32 (batch, width)."""
        return pooled


def refit(network: Network, task: ClassTask, seed: int) -> None:
    """Teach a head of one label of several its task's rows again; nothing else changes."""
    head = network.heads[task.output]
    vectors, labels = _vectors(network, task)
    weights = [p.requires_grad_(True) for p in head.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps = EPOCHS * -(-len(labels) // BATCH)
    rate = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
    draw = np.random.default_rng(seed)
    head.train()
    for _ in range(EPOCHS):
        order = torch.from_numpy(draw.permutation(len(labels)))
        for rows in order.split(BATCH):
            loss = nn.functional.cross_entropy(head(vectors[rows], vectors[rows]), labels[rows])
            loss.backward()
            optimizer.step()
            rate.step()
            optimizer.zero_grad()
    head.eval().requires_grad_(False)
    console.print(f"{task.head}: last layers taught {len(labels)} texts again")


def _vectors(network: Network, task: ClassTask) -> tuple[Tensor, Tensor]:
    """Pooled vectors of the task's training texts, and their labels."""
    alone = nn.ModuleDict({"pooled": Pooled()})
    heads, network.heads = network.heads, alone
    try:
        found = [(batch, outputs["pooled"]) for batch, outputs in inferred(network, task.train)]
    finally:
        network.heads = heads
    labels = torch.tensor([example.target for batch, _ in found for example in batch])
    return torch.cat([vectors.float() for _, vectors in found]).clone(), labels
