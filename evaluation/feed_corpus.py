"""What articles tell before they are read, and what other readers' clicks tell of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from evaluation.feed_rows import Impression, Places, Rows
from models.ranking.attention import READ_MOST
from models.ranking.features import Features, features
from models.ranking.reader import Context, Reader

Array = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]

RATE_PRIOR = 60.0
"""Impressions that stand for the mean click rate."""

RIDGE = 100.0
WORDS_RIDGE = 30.0
"""All three chosen by cross-validation over the readers that are learned from."""

ABSTRACT_CHARACTERS = 200
FEWEST_TITLES = 3
"""A word of fewer titles tells nothing."""

COMMON_SOURCE = 20
"""Articles of a source from which on it is looked at."""

RECENT = 10
"""Articles of a history that are looked at one by one, the last ones."""

PERSONAL = ("long", "recent", "sources", "entities")
"""Features of models.ranking that a history gives without times."""

COMMON = (
    "click_rate",
    "appeal_vector",
    "appeal_words",
    "appeal_letters",
    "age",
    "crowd",
    "names",
    "title",
    "known",
)
"""Features that are the same for all readers.

click_rate     log-odds of the article's clicks among other readers, shrunk
appeal_*       click rate foretold from its vector, source and length, from its words, or from the
               letters of its title
age            log of days behind the newest candidate; 0 where times are unknown
crowd          mean cosine to the other candidates
names          entities of the title
title          log of the title's characters
known          clicks in the reader's history, shrunk: lets trees ask how much is known
"""

CROWD = COMMON[:4]

ATTENTION = "attention"
"""Column of what attention over the history says of a candidate, where there is a graph for it."""


class Crowd(NamedTuple):
    """What other readers' clicks say of each article, float64 (articles,) each."""

    click_rate: Array
    appeal_vector: Array
    appeal_words: Array
    appeal_letters: Array


class Corpus:
    """The articles as rankings read them."""

    def __init__(self, rows: Rows, vectors: Vectors) -> None:
        self.articles = [
            replace(article, vector=vector, vector_version="1")
            for article, vector in zip(rows.articles, vectors, strict=True)
        ]
        self.vectors = vectors
        self._looks = _looks(rows, vectors)
        self._words = _words(rows)
        self._letters = _letters(rows)
        self.readers_of = np.zeros(len(rows.articles))
        self.readers = 0
        for row in {row.user: row for row in rows.impressions}.values():
            self.readers_of[np.unique(row.history)] += 1
            self.readers += 1

    def crowd(self, impressions: Sequence[Impression]) -> Crowd:
        """What these impressions say."""
        shown = np.concatenate([row.shown for row in impressions])
        clicked = np.concatenate([row.clicked for row in impressions]).astype(np.float64)
        expected = np.concatenate(
            [np.full(len(row.shown), row.clicked.mean()) for row in impressions]
        )
        count = len(self.articles)
        times, clicks = np.bincount(shown, minlength=count), np.bincount(shown, clicked, count)
        mean = clicked.mean()
        rate = (clicks + RATE_PRIOR * mean) / (times + RATE_PRIOR)
        surplus = clicked - expected
        return Crowd(
            np.log(rate / (1 - rate)),
            _ridge(self._looks, shown, surplus, RIDGE),
            _ridge(self._words, shown, surplus, WORDS_RIDGE),
            _ridge(self._letters, shown, surplus, WORDS_RIDGE),
        )

    def slate(self, row: Impression, crowd: Crowd) -> Array:
        """Features of the candidates, float64 (shown, COMMON and PERSONAL)."""
        articles = [self.articles[place] for place in row.shown]
        newest_ms = max(article.published_ms for article in articles)
        personal = features(
            self._reader(row),
            Context(newest_ms, ("",)),
            articles,
            [self.articles[place] for place in row.history[: -RECENT - 1 : -1]],
            {},
        )
        own = {name: personal[:, column] for column, name in enumerate(Features._fields)}
        vectors = self.vectors[row.shown]
        others = max(1, len(articles) - 1)
        return np.stack(
            [
                *(said[row.shown] for said in crowd),
                own["age"],
                ((vectors @ vectors.sum(axis=0)) - 1) / others,
                np.array([float(len(article.entities)) for article in articles]),
                np.log([max(1, len(article.title)) for article in articles]),
                own["certainty"],
                *(own[name] for name in PERSONAL),
            ],
            axis=1,
        )

    def _reader(self, row: Impression) -> Reader:
        if not len(row.history):
            return Reader()
        read = [self.articles[place] for place in row.history]
        share = 1 / len(read)
        sources: dict[str, float] = {}
        entities: dict[str, float] = {}
        for article in read:
            sources[article.source] = sources.get(article.source, 0.0) + share
            for key in article.entities:
                entities[key] = entities.get(key, 0.0) + share
        return Reader(
            long=self.vectors[row.history].mean(axis=0),
            vector_version="1",
            clicks=float(len(read)),
            sources=sources,
            entities=entities,
            recent=tuple(article.article_id for article in read[: -RECENT - 1 : -1]),
        )


def read_of(row: Impression) -> Places:
    """What attention looks at: places of the articles read last, the newest first."""
    newest: Places = row.history[: -READ_MOST - 1 : -1]
    return newest


def _looks(rows: Rows, vectors: Vectors) -> Array:
    """What an article looks like before it is read, float64 (articles, columns)."""
    sources = [article.source for article in rows.articles]
    common = [name for name, count in Counter(sources).items() if count >= COMMON_SOURCE]
    numbers = np.array(
        [
            (a.published_ms, len(a.title), len(a.entities), not abstract)
            for a, abstract in zip(rows.articles, rows.abstracts, strict=True)
        ],
        np.float64,
    )
    return np.concatenate(
        [
            3 * (vectors - vectors.mean(axis=0)),
            (numbers - numbers.mean(axis=0)) / np.maximum(numbers.std(axis=0), 1e-9),
            np.array([[float(source == name) for name in common] for source in sources]),
        ],
        axis=1,
    )


def _words(rows: Rows) -> Any:
    """TF-IDF of words and pairs of words, a sparse matrix (articles, words)."""
    texts = [
        f"{article.title} {abstract[:ABSTRACT_CHARACTERS]}"
        for article, abstract in zip(rows.articles, rows.abstracts, strict=True)
    ]
    return _terms(texts, ngram_range=(1, 2))


def _letters(rows: Rows) -> Any:
    """TF-IDF of the titles' runs of three to five letters, a sparse matrix (articles, runs)."""
    titles = [article.title for article in rows.articles]
    return _terms(titles, analyzer="char_wb", ngram_range=(3, 5))


def _terms(texts: Sequence[str], **options: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    fewest = min(FEWEST_TITLES, len(texts))
    return TfidfVectorizer(min_df=fewest, sublinear_tf=True, **options).fit_transform(texts)


def _ridge(matrix: Any, shown: Places, surplus: Array, l2: float) -> Array:
    """Surplus clicks foretold for each article, by ridge regression on all times it was shown."""
    from sklearn.linear_model import Ridge

    times = np.bincount(shown, minlength=matrix.shape[0])
    known = np.flatnonzero(times)
    mean = np.bincount(shown, surplus, matrix.shape[0])[known] / times[known]
    model = Ridge(alpha=l2, fit_intercept=False).fit(matrix[known], mean, times[known])
    foretold: Array = model.predict(matrix)
    return foretold
