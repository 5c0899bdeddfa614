"""Articles as columns, so that a feed computes with hundreds of them at once.

Names are kept as codes: 64-bit hashes, the same within one process. Of a million names two share a
code with a probability of 3 in 100 million; then an affinity to one counts for the other.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.ranking.article import FeedArticle, Vectors

Array = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
Facts = npt.NDArray[np.void]

NO_NAME = -1
"""Code of no name: no text has this hash."""

NO_MODEL = 0.5
"""Importance of an article that no model has looked at."""

LEAST_ROOM = 1024


def code(name: str | None) -> int:
    """A name as a number."""
    return NO_NAME if name is None else hash(name)


def codes(names: Collection[str]) -> Codes:
    """Names as numbers, int64 (names,)."""
    return np.fromiter(map(hash, names), np.int64, len(names))


def looked_up(known: Whole, values: Array, wanted: Whole) -> Array:
    """Of each wanted number its row of values, zeros where it is not known.

    known   int64 (known,), ascending
    values  float64 (known, …)

    >>> looked_up(np.array([3, 5]), np.array([0.3, 0.5]), np.array([5, 4])).tolist()
    [0.5, 0.0]
    """
    found = np.zeros((len(wanted), *values.shape[1:]))
    if len(known):
        places = np.searchsorted(known, wanted)
        places[places == len(known)] = 0
        is_known = known[places] == wanted
        found[is_known] = values[places[is_known]]
    return found


class ByKey(NamedTuple):
    """Numbers of articles.

    keys    int64 (articles,), ascending
    values  float64 (articles, …)
    """

    keys: Whole
    values: Array

    def of(self, keys: Whole) -> Array:
        """The numbers of some articles, zeros where there are none: float64 (keys, …)."""
        return looked_up(self.keys, self.values, keys)

    def largest(self, count: int) -> Whole:
        """Keys of the largest numbers, from the top."""
        largest: Whole = self.keys[np.argsort(-self.values, kind="stable")[:count]]
        return largest


def affinities(liked: Mapping[str, float], names: Codes) -> Array:
    """How much each is liked, 0 where nothing is known: float64 (names,)."""
    known = codes(liked)
    order = known.argsort()
    values = np.fromiter(liked.values(), np.float64, len(liked))
    return looked_up(known[order], values[order], names)


class Named(NamedTuple):
    """What several articles name, in one line.

    codes    int64 (names,)
    weights  float64 (names,)
    owners   int64 (names,): the row of the article
    rows     how many articles
    """

    codes: Codes
    weights: Array
    owners: Whole
    rows: int

    def sums(self, liked: Mapping[str, float]) -> Array:
        """By article, the weighted sum of the affinities: float64 (rows,)."""
        found = self.weights * affinities(liked, self.codes)
        return np.bincount(self.owners, found, self.rows).astype(np.float64, copy=False)

    def strongest(self, liked: Mapping[str, float]) -> Array:
        """By article, the affinity that is largest in either direction: float64 (rows,)."""
        found = affinities(liked, self.codes)
        some = np.flatnonzero(found)
        most, least = np.zeros((2, self.rows))
        np.maximum.at(most, self.owners[some], found[some])
        np.minimum.at(least, self.owners[some], found[some])
        return np.where(most >= -least, most, least)

    def any_of(self, names: Collection[str]) -> Booleans:
        """Which articles name one of these: bool (rows,)."""
        return np.bincount(self.owners, np.isin(self.codes, codes(names)), self.rows) > 0

    def any(self) -> Booleans:
        """Which articles name anything: bool (rows,)."""
        return np.bincount(self.owners, minlength=self.rows) > 0


FACTS = np.dtype(
    [
        ("published_ms", np.int64),
        ("importance", np.float64),
        ("language", np.int64),
        ("source", np.int64),
        ("subject", np.int64),
        ("story", np.int64),
        ("encoder", np.int64),
    ]
)
"""What is one number of an article: codes but for the first two; `encoder` is its vector's."""


class Picked(NamedTuple):
    """Some articles, a row each.

    facts     FACTS (rows,)
    topics    weighted by their scores, with a sum of 1
    entities  with weights of 1
    """

    facts: Facts
    topics: Named
    entities: Named


class Columns:
    """Articles by row, in the order in which they were added.

    One thread writes, any number read meanwhile: a row is never used for another article, and
    when there is no room, `grown` makes other columns of the articles that are still here.
    """

    def __init__(self, room: int = LEAST_ROOM) -> None:
        self._room = room
        self._used = 0
        self._articles: list[FeedArticle] = []
        self._keys = np.zeros(room, np.int64)
        self._here = np.zeros(room, bool)
        self._facts = np.zeros(room, FACTS)
        self._topics, self._entities = _Lines(room), _Lines(room)
        self._vectors: dict[str, Vectors] = {}

    @classmethod
    def of(cls, articles: Sequence[FeedArticle]) -> "Columns":
        """The articles, each known by its place, which is its row."""
        made = cls(len(articles))
        for place, article in enumerate(articles):
            made.add(place, article)
        return made

    @property
    def is_full(self) -> bool:
        """Whether `add` has no row left."""
        return self._used == self._room

    def add(self, key: int, article: FeedArticle) -> FeedArticle:
        """Write an article into the next row, keys ascend; the article without its vector."""
        row = self._used
        self._facts[row] = (
            article.published_ms,
            NO_MODEL if article.importance is None else article.importance,
            code(article.language),
            code(article.source),
            code(article.subject),
            code(article.story_id),
            NO_NAME if article.vector is None else code(article.vector_version),
        )
        if article.vector is not None:
            self._of_version(article.vector_version, len(article.vector))[row] = article.vector
        scores = np.fromiter(article.topics.values(), np.float64, len(article.topics))
        self._topics.add(row, codes(article.topics), scores / (scores.sum() or 1.0))
        self._entities.add(row, codes(article.entities), np.ones(len(article.entities)))
        bare = replace(article, vector=None)
        self._articles.append(bare)
        self._keys[row] = key
        self._here[row] = True
        self._used += 1
        return bare

    def replace(self, key: int, article: FeedArticle) -> None:
        """The same article, in another story."""
        for row in self.rows(np.array([key])):
            self._facts["story"][row] = code(article.story_id)
            self._articles[row] = article

    def remove(self, key: int) -> None:
        """Show the article to no one who asks from now on."""
        self._here[self.rows(np.array([key]))] = False

    def grown(self) -> "Columns":
        """The articles that are still here, with as much room again."""
        rows = np.flatnonzero(self._here[: self._used])
        made = Columns(max(LEAST_ROOM, 2 * len(rows)))
        made._used = used = len(rows)
        made._articles = [self._articles[row] for row in rows]
        made._keys[:used] = self._keys[rows]
        made._here[:used] = True
        made._facts[:used] = self._facts[rows]
        made._topics.begin(self._topics.of(rows))
        made._entities.begin(self._entities.of(rows))
        for version in {article.vector_version for article in made._articles}:
            vectors = self.vectors(rows, version)
            if vectors.any():
                made._of_version(version, vectors.shape[1])[:used] = vectors
        return made

    def rows(self, keys: Whole) -> Whole:
        """Of the keys that are here the rows, in the order of the keys."""
        used = self._used
        if not used:
            return np.zeros(0, np.int64)
        places = np.searchsorted(self._keys[:used], keys)
        places[places == used] = 0
        rows: Whole = places[(self._keys[places] == keys) & self._here[places]]
        return rows

    def keys(self, rows: Whole) -> Whole:
        """The keys of some rows."""
        return self._keys[rows]

    def article(self, row: int) -> FeedArticle:
        """The article in a row."""
        return self._articles[row]

    def picked(self, rows: Whole) -> Picked:
        """The articles in some rows."""
        return Picked(self.facts(rows), self.topics(rows), self.entities(rows))

    def facts(self, rows: Whole) -> Facts:
        """FACTS of the articles in some rows."""
        return self._facts[rows]

    def topics(self, rows: Whole) -> Named:
        """Their topics."""
        return self._topics.of(rows)

    def entities(self, rows: Whole) -> Named:
        """Their entities."""
        return self._entities.of(rows)

    def vectors(self, rows: Whole, version: str) -> Vectors:
        """float32 (rows, width), zeros where an article has no vector of this encoder.

        The width is 0 where no article has one.
        """
        known = self._vectors.get(version)
        return np.zeros((len(rows), 0), np.float32) if known is None else known[rows]

    def encoded(self, language: str, version: str) -> Whole:
        """The rows of a language that have a vector of an encoder."""
        facts = self._facts[: self._used]
        is_of = (facts["language"] == code(language)) & (facts["encoder"] == code(version))
        return np.flatnonzero(is_of & self._here[: self._used])

    def _of_version(self, version: str, width: int) -> Vectors:
        known = self._vectors.get(version)
        if known is None:
            known = self._vectors[version] = np.zeros((self._room, width), np.float32)
        return known


class _Lines:
    """Codes with weights, as many a row as one likes, one row after the other."""

    def __init__(self, room: int) -> None:
        self._start, self._length = np.zeros((2, room), np.int64)
        self._used = 0
        self._codes, self._weights = np.zeros(0, np.int64), np.zeros(0)

    def add(self, row: int, found: Codes, weights: Array) -> None:
        """Write a row; rows are written in order."""
        end = self._used + len(found)
        if end > len(self._codes):
            more = max(LEAST_ROOM, end)
            self._weights = np.concatenate([self._weights[: self._used], np.zeros(more)])
            self._codes = np.concatenate([self._codes[: self._used], np.zeros(more, np.int64)])
        self._codes[self._used : end] = found
        self._weights[self._used : end] = weights
        self._start[row], self._length[row] = self._used, len(found)
        self._used = end

    def begin(self, found: Named) -> None:
        """Write the first rows, all at once."""
        lengths = np.bincount(found.owners, minlength=found.rows)
        self._length[: found.rows] = lengths
        self._start[: found.rows] = np.cumsum(lengths) - lengths
        self._codes, self._weights = found.codes, found.weights
        self._used = len(found.codes)

    def of(self, rows: Whole) -> Named:
        """Some rows."""
        lengths = self._length[rows]
        owners = np.repeat(np.arange(len(rows)), lengths)
        first = self._start[rows] - np.cumsum(lengths) + lengths
        places = np.arange(len(owners)) + first[owners]
        return Named(self._codes[places], self._weights[places], owners, len(rows))
