"""Examples in batches, as the network takes them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from training.examples import Example
from training.network import BLOCK


@dataclass
class Batches:
    """Examples in batches of one width, in another order each time.

    Few shapes: for every new one the matrix library compiles its kernels anew, which took longer
    than the first epoch itself.
    """

    examples: list[Example]
    max_tokens: int
    draw: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def __iter__(self) -> Iterator[list[Example]]:
        of_width: dict[int, list[Example]] = {}
        batches = []
        for i in self.draw.permutation(len(self.examples)):
            example = self.examples[i]
            batch = of_width.setdefault(width(example), [])
            batch.append(example)
            if (len(batch) + 1) * width(example) > self.max_tokens:
                batches.append(of_width.pop(width(example)))
        batches += of_width.values()
        self.draw.shuffle(batches)
        yield from batches


def width(example: Example) -> int:
    """Tokens of an example with its padding.

    >>> width(Example(range(17), np.zeros(17), None))
    32
    """
    return -(-len(example) // BLOCK) * BLOCK


def collate(examples: Sequence[Example]) -> tuple[Tensor, Tensor, Tensor]:
    """Token ids, mask and word shapes of a batch, int64 (batch, longest)."""
    shape = (len(examples), max(map(width, examples)))
    ids, mask, shapes = (np.zeros(shape, np.int64) for _ in range(3))
    for row, example in enumerate(examples):
        ids[row, : len(example)] = example.ids
        mask[row, : len(example)] = 1
        shapes[row, : len(example)] = example.shapes
    return torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(shapes)
