"""Who stands in the middle of the news: entities of a desk's stories as a graph.

Stories and the entities they name are the two sides of a graph; a walk between them, begun anew now
and then, visits an entity the more often, the more sources and the more other entities lead to it
(PageRank: Page et al., 1999). Pure: the graph of an hour ago is made from the same stories.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

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
    total = sum(story.sources for story in told)
    weight: dict[str, float] = {}
    for story in told:
        for entity in story.entities:
            weight[entity] = weight.get(entity, 0.0) + story.sources
    # the walk begins in a story by its sources, and at any of its entities
    begin: dict[str, float] = dict.fromkeys(weight, 0.0)
    for story in told:
        for entity in story.entities:
            begin[entity] += story.sources / total / len(story.entities)
    visits = dict(begin)
    for _ in range(STEPS):
        after = {entity: (1 - STAY) * share for entity, share in begin.items()}
        for story in told:
            reached = sum(visits[e] * story.sources / weight[e] for e in story.entities)
            for entity in story.entities:
                after[entity] += STAY * reached / len(story.entities)
        visits = after
    return {entity: min(1.0, share) for entity, share in visits.items()}  # sums are rounded
