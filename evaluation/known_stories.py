"""Pick-ups of known stories, for a job that has to find its stories by itself.

Each pick-up becomes an article made up of words and a vector of its story alone, and of some of its
own, so that the job finds the story again and takes no article for a copy of another.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from string import ascii_lowercase

import numpy as np
import numpy.typing as npt

from evaluation.breaking import Judged, Said
from evaluation.pickup_replay import Row
from models.stories.cluster import WIDTH
from schemas.enriched_article import UNDETERMINED, EnrichedArticle, Language
from schemas.story import StoryScore

WORDS = 3
"""Of a story's own, in each title."""

LETTERS = 8
OWN = 0.4
"""Length of an article's own direction beside its story's: far enough from others for a copy."""

STORIES_KEPT = 4096


def articles_of(rows: Sequence[Row]) -> list[EnrichedArticle]:
    """An article for each row, in order; its id is the row's place."""
    return [
        EnrichedArticle(
            article_id=str(place),
            url="",
            source=row.source,
            title=" ".join((*_words(row.story, WORDS), *_words(f"{row.story}\n{place}", 1))),
            published_ms=row.published_ms,
            ingested_ms=row.published_ms,
            enriched_ms=row.published_ms,
            content_hash=str(place),
            language=Language(code=UNDETERMINED, confidence=0.0),
            embedding=_embedding(row.story, place),
            model_versions={},
        )
        for place, row in enumerate(rows)
    ]


def judged(
    rows: Sequence[Row],
    story_of: Mapping[str, str],
    scores: Iterable[tuple[str, StoryScore]],
) -> Judged:
    """What the job said, by the rows' own stories.

    story_of  the job's story of each article; a story's id is its first article's
    """
    first: dict[str, str] = {}
    for place, row in enumerate(rows):
        first.setdefault(row.story, str(place))
    astray = sum(story_of.get(str(place)) != first[row.story] for place, row in enumerate(rows))
    said = [Said(rows[int(story)].story, score.at_ms, score.score) for story, score in scores]
    return Judged(said, astray)


def _words(name: str, count: int) -> list[str]:
    """Words of letters alone: numbers would veto."""
    digest = hashlib.sha256(name.encode()).digest()
    letters = "".join(ascii_lowercase[octet % len(ascii_lowercase)] for octet in digest)
    return [letters[n * LETTERS : (n + 1) * LETTERS] for n in range(count)]


def _embedding(story: str, place: int) -> bytes:
    mixed = _direction(story) + OWN * _drawn(f"{story}\n{place}")
    octets: bytes = (mixed / np.linalg.norm(mixed)).astype("<f2").tobytes()
    return octets


@lru_cache(STORIES_KEPT)
def _direction(story: str) -> npt.NDArray[np.float64]:
    return _drawn(story)


def _drawn(name: str) -> npt.NDArray[np.float64]:
    """A unit vector that depends on a name alone."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    vector = np.random.default_rng(seed).normal(size=WIDTH)
    unit: npt.NDArray[np.float64] = vector / np.linalg.norm(vector)
    return unit
