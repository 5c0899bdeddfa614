"""How long and how fast a network is trained."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    batch_tokens         tokens of a batch, padding included
    learning_rate        peak, of the encoder; it warms up and then falls to zero in a line
    head_learning_rate   peak, of heads, word shapes and low-rank changes
    balance              a task's share of the batches is (its batches) ** balance
    patience             epochs without a better validation score before it stops
    keep_embedding       weight of the distance to the published sentence embedding, 0 for none
    averaged             share that the mean of the weights keeps of itself at each step: the mean
                         is what is validated and kept; 0 for the weights themselves
    """

    epochs: int
    batch_tokens: int
    learning_rate: float
    head_learning_rate: float
    weight_decay: float
    warmup: float
    balance: float
    patience: int
    keep_embedding: float
    seed: int
    averaged: float = 0.0
