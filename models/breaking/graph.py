"""Who stands in the middle of the news: entities of a desk's stories as a graph.

Stories and the entities they name are the two sides of a graph; a walk between them, begun anew now
and then, visits an entity the more often, the more sources and the more other entities lead to it
(PageRank: Page et al., 1999). Pure: the graph of an hour ago is made from the same stories.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

STAY = 0.85
"""Probability that the walk goes on."""

STEPS = 20


class Named(NamedTuple):
    """A story of the graph: the entities that it names, and how many independent sources it has."""

    entities: Sequence[str]
    sources: int


def centrality(stories: Mapping[str, Named]) -> dict[str, float]:
    """The share of the walk's visits that each entity has; together 1.

    >>> found = centrality({"a": Named(["Q1", "Q2"], 9), "b": Named(["Q1", "Q3"], 1)})
    >>> sorted(found, key=found.__getitem__), round(sum(found.values()), 6)
    (['Q3', 'Q2', 'Q1'], 1.0)
    """
    told = [story for story in stories.values() if story.sources > 0 and story.entities]
    if not told:
        return {}
    numbers: dict[str, int] = {}
    ends = np.array([numbers.setdefault(e, len(numbers)) for s in told for e in s.entities])
    lengths = np.array([len(story.entities) for story in told])
    starts = np.cumsum(lengths) - lengths
    sources = np.array([story.sources for story in told], np.float64)
    # an edge for each entity of each story: where the walk begins, and which way it takes
    begin = np.bincount(ends, np.repeat(sources / sources.sum() / lengths, lengths))
    taken = np.repeat(sources, lengths)
    taken /= np.bincount(ends, taken)[ends]
    visits = begin
    for _ in range(STEPS):
        reached = np.add.reduceat(visits[ends] * taken, starts)
        came = np.bincount(ends, np.repeat(reached / lengths, lengths))
        visits = (1 - STAY) * begin + STAY * came
    shares = np.minimum(visits, 1.0).tolist()  # sums are rounded
    return dict(zip(numbers, shares, strict=True))
