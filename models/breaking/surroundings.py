"""What stands around a story at a desk: who is in the middle of the news, and other languages.

Evidence for editors, looked up when an alert is told; no set that could say whether it makes the
score better has entities, languages and many publishers over time.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from heapq import nlargest
from typing import NamedTuple

from models.breaking.graph import Named, centrality
from models.breaking.rhythm import HOUR_MS
from models.breaking.watched import Watched

ENTITIES_KEPT = 8
"""Of a story, the most frequent ones."""

STORIES_LOOKED_AT = 300
"""Those with the most sources: bounds what an alert costs."""

FEWEST_SHARED = 2
"""Linked entities that two stories in different languages share, if they may be about one event."""

RELATED_TOLD = 5


class Related(NamedTuple):
    """A story in other languages, and the Wikidata ids that it shares."""

    story_id: str
    story: Watched
    shared: Sequence[str]


class Surroundings(NamedTuple):
    """What stands around a story.

    central, central_before  share of the walk that an entity has now, and had an hour before
    """

    central: Mapping[str, float]
    central_before: Mapping[str, float]
    related: Sequence[Related]


def surroundings(stories: Mapping[str, Watched], story_id: str, now_ms: int) -> Surroundings:
    """What stands around one of a desk's stories, among those whose entities are known."""
    known = [(name, story) for name, story in stories.items() if story.entities]
    largest = nlargest(STORIES_LOOKED_AT, known, key=_size)
    return Surroundings(
        _central(largest, now_ms),
        _central(largest, now_ms - HOUR_MS),
        _related(largest, stories[story_id]) if story_id in stories else (),
    )


def _size(known: tuple[str, Watched]) -> tuple[int, str]:
    """Its sources; of equals the name decides, whatever the order in which they came."""
    name, story = known
    return len(story.pickups.times_ms), name


def _central(stories: Sequence[tuple[str, Watched]], at_ms: int) -> dict[str, float]:
    """Of the last hour's stories, as they were at a moment."""
    graph = {}
    for name, story in stories:
        times = story.pickups.times_ms
        sources = bisect_right(times, at_ms) - bisect_right(times, at_ms - HOUR_MS)
        graph[name] = Named(story.entities, sources)
    return centrality(graph)


def _related(stories: Sequence[tuple[str, Watched]], asked: Watched) -> list[Related]:
    linked = _linked(asked)
    found = [
        Related(name, story, sorted(linked & _linked(story)))
        for name, story in stories
        if not set(story.languages) & set(asked.languages)
    ]
    near = [one for one in found if len(one.shared) >= FEWEST_SHARED]
    return sorted(near, key=lambda one: (-len(one.shared), one.story_id))[:RELATED_TOLD]


def _linked(story: Watched) -> set[str]:
    """Wikidata ids: a name alone means something else in another language."""
    return {key for key in story.entities if key[:1] == "Q" and key[1:].isdigit()}
