"""Which texts share a batch."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class BatchPolicy:
    """When a batch is full.

    max_tokens   tokens, padding included: texts x longest text
    max_count    texts
    deadline_s   seconds the oldest text waits for company
    """

    max_tokens: int
    max_count: int
    deadline_s: float


def is_full(lengths: Sequence[int], policy: BatchPolicy) -> bool:
    """Whether waiting for more texts cannot make the batch better."""
    return len(lengths) >= policy.max_count or sum(lengths) >= policy.max_tokens


def choose(lengths: Sequence[int], policy: BatchPolicy) -> list[int]:
    """Indexes of the texts that go into the next batch.

    The oldest text (index 0) always goes; its neighbours in length join it, nearest first, so
    that little is padded and nobody waits for ever. A text longer than `max_tokens` goes alone.

    >>> choose([100, 20, 110, 95, 400], BatchPolicy(max_tokens=330, max_count=8, deadline_s=0))
    [0, 2, 3]
    """
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    left = right = order.index(0)
    while right - left + 1 < policy.max_count:
        wider = [
            (abs(lengths[order[new]] - lengths[order[edge]]), min(left, new), max(right, new))
            for edge, new in ((left, left - 1), (right, right + 1))
            if 0 <= new < len(order)
        ]
        fitting = [
            (gap, first, last)
            for gap, first, last in wider
            if (last - first + 1) * lengths[order[last]] <= policy.max_tokens
        ]
        if not fitting:
            break
        _, left, right = min(fitting)
    return sorted(order[left : right + 1])
