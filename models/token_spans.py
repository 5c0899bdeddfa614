"""What lies in a span of characters: its tokens, and the mean of what a model says of them."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from models.session import Array


def tokens_between(offsets: Array, start: int, end: int) -> Array:
    """Indexes of the tokens that share a character with a span.

    >>> tokens_between(np.array([[0, 0], [0, 3], [4, 8], [0, 0]]), 2, 5).tolist()
    [1, 2]
    """
    return tokens_of(offsets, [(start, end)])[0]


def tokens_of(offsets: Array, spans: Sequence[tuple[int, int]]) -> list[Array]:
    """Indexes of the tokens that share a character with each of several spans."""
    starts, ends = offsets[:, 0], offsets[:, 1]
    bounds = np.array(spans).reshape(-1, 2, 1)
    inside = (starts < bounds[:, 1]) & (ends > bounds[:, 0]) & (ends > starts)
    tokens = inside.nonzero()[1]
    ends_at = np.count_nonzero(inside, axis=1).cumsum().tolist()
    return [tokens[first:end] for first, end in pairwise([0, *ends_at])]


def mean_rows(rows: Array, groups: Sequence[Array]) -> Array:
    """Mean of each group's rows, float32 (groups, columns); -inf for a group without any."""
    nothing = np.full(rows.shape[1], -np.inf)
    means = [np.add.reduce(rows[g]) / g.size if g.size else nothing for g in groups]
    return np.array(means, np.float32)


def sentence_scores(scores: Array, offsets: Array, spans: Sequence[tuple[int, int]]) -> Array:
    """Mean score of each sentence's tokens, float32 (sentences,).

    scores  float32 (tokens, 1); offsets int64 (tokens, 2)
    """
    if not spans:
        return np.zeros(0, np.float32)
    return mean_rows(scores, tokens_of(offsets, spans))[:, 0]
