"""Fresh articles by meaning and by words."""

import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from models.ranking.article import FeedArticle, Vector
from models.ranking.fresh import FreshArticles

_WORD = re.compile(r"\w{2,}")
_OPEN = 20
"""How many more neighbours than asked for are looked at, so that filters leave some."""

_MOST_POSTINGS = 20_000
"""Articles looked at for a word; the newest ones, of a word that is everywhere."""


@dataclass(frozen=True)
class Found:
    """An article that answers a query.

    score     0..1, by which results are ordered: the larger of the two
    semantic  cosine with the query; None where the two cannot be compared
    words     share of the query's words, weighted by how rare they are, that the article has
    """

    article: FeedArticle
    score: float
    semantic: float | None
    words: float


class WordIndex:
    """Which articles have a word in title, entities or topics."""

    def __init__(self) -> None:
        self._articles: dict[str, dict[str, None]] = {}
        self._words: dict[str, frozenset[str]] = {}

    def put(self, article: FeedArticle) -> None:
        """Add an article, or its newer version."""
        self.remove(article.article_id)
        texts = (article.title, *article.entities.values(), *article.topic_names.values())
        found = frozenset(map(sys.intern, words(" ".join(texts))))
        self._words[article.article_id] = found
        for word in found:
            self._articles.setdefault(word, {})[article.article_id] = None

    def remove(self, article_id: str) -> None:
        """Forget an article; unknown ones are ignored."""
        for word in self._words.pop(article_id, ()):
            of_word = self._articles[word]
            del of_word[article_id]
            if not of_word:
                del self._articles[word]

    def search(self, query: str) -> dict[str, float]:
        """Articles with the weighted share of the query's words that they have, 0..1."""
        weights = {word: self._weight(word) for word in set(words(query))}
        total = sum(weights.values())
        shares: Counter[str] = Counter()
        for word, weight in weights.items():
            for article_id in list(self._articles.get(word, ()))[-_MOST_POSTINGS:]:
                shares[article_id] += weight / total  # type: ignore[assignment]
        return dict(shares)

    def _weight(self, word: str) -> float:
        """Inverse document frequency, above 0 also for a word that nobody has."""
        return math.log(1 + (len(self._words) + 1) / (len(self._articles.get(word, ())) + 0.5))


def words(text: str) -> list[str]:
    """
    >>> words("The Harbour's BRIDGE, 2026")
    ['the', 'harbour', 'bridge', '2026']
    """
    return _WORD.findall(text.casefold())


def search(
    articles: FreshArticles,
    by_words: WordIndex,
    *,
    query: str,
    vector: tuple[Vector, str, Iterable[str]] | None,
    wanted: Callable[[FeedArticle], bool],
    since_ms: int,
    limit: int,
) -> list[Found]:
    """The articles that answer a query best.

    vector  the query's, its version and the languages that it can be compared with; None without
            a model: then words decide
    """
    shares = by_words.search(query)
    cosines: dict[str, float] = {}
    if vector is not None:
        near = articles.nearest(*vector, limit * _OPEN, since_ms)
        cosines = {article.article_id: cosine for article, cosine in near}
    found = [
        Found(
            article,
            max(shares.get(name, 0.0), cosines.get(name, 0.0)),
            cosines.get(name),
            shares.get(name, 0.0),
        )
        for name in shares.keys() | cosines.keys()
        if (article := articles.get(name)) is not None
        and article.published_ms >= since_ms
        and wanted(article)
    ]
    found.sort(key=lambda one: (-one.score, -one.article.published_ms, one.article.article_id))
    return found[:limit]
