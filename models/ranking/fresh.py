"""The articles that a feed may show, found by vector, story, entity and time."""

import threading
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from operator import itemgetter

import numpy as np

from models.ranking.article import FeedArticle, Vector
from models.ranking.columns import ByKey, Columns, Whole
from models.ranking.nearest import Found, Kind, Nearest, nearest_of

HOUR_MS = 3_600_000

REMOVED_SLACK = 1.2
"""Neighbours asked for beyond those wanted: some may be of articles that were replaced since."""


class FreshArticles:
    """Articles published within `keep_ms`, and their indexes.

    One thread at a time adds, places, removes or tidies; any number look up meanwhile. Vectors of
    another language or another encoder version are in another index. What is given out has no
    vector: those are in `columns`.

    columns  the articles as ranking reads them; who asks twice may get others
    """

    def __init__(self, *, keep_ms: int = 72 * HOUR_MS) -> None:
        self.keep_ms = keep_ms
        self._writing = threading.RLock()
        self.columns = Columns()
        self._keys = count()
        self._key_of: dict[str, int] = {}
        self._articles: dict[str, FeedArticle] = {}
        self._by_key: dict[int, FeedArticle] = {}
        self._nearest: dict[tuple[str, str], Nearest] = {}
        self._stories: dict[str, dict[str, None]] = {}
        self._entities: dict[str, dict[str, None]] = {}
        self._by_time: dict[str, list[tuple[int, int]]] = {}

    def __len__(self) -> int:
        return len(self._articles)

    @property
    def languages(self) -> tuple[str, ...]:
        """Of the articles that are here, or were."""
        return tuple(sorted(self._by_time))

    def kinds(self) -> dict[tuple[str, str], Kind | None]:
        """By language and encoder version, how the index finds neighbours."""
        return {place: index.kind for place, index in self._nearest.items()}

    def get(self, article_id: str) -> FeedArticle | None:
        """An article, if it is here."""
        return self._articles.get(article_id)

    def add(self, article: FeedArticle) -> None:
        """Add an article, or put its newer version in its place."""
        self.add_all([article])

    def add_all(self, articles: Iterable[FeedArticle]) -> None:
        """Add many at once; a version that names no story keeps the one the article is in."""
        with self._writing:
            given = {article.article_id: self._in_its_story(article) for article in articles}
            for name in given:
                self.remove(name)
            indexed: dict[tuple[str, str], list[tuple[int, FeedArticle, Vector]]] = {}
            for name, article in given.items():
                key = next(self._keys)
                if self.columns.is_full:
                    self.columns = self.columns.grown()
                bare = self.columns.add(key, article)
                self._key_of[name] = key
                self._by_key[key] = bare
                self._articles[name] = bare
                by_time = self._by_time.setdefault(article.language, [])
                insort(by_time, (article.published_ms, key))
                for members in self._memberships(article):
                    members[name] = None
                if article.vector is not None:
                    place = (article.language, article.vector_version)
                    indexed.setdefault(place, []).append((key, article, article.vector))
            for place, rows in indexed.items():
                index = self._nearest.setdefault(place, Nearest(len(rows[0][2])))
                index.add(
                    [key for key, _, _ in rows],
                    np.stack([vector for _, _, vector in rows]),
                    [article.published_ms for _, article, _ in rows],
                )

    def place(self, article_id: str, story_id: str | None) -> None:
        """Say which story an article belongs to; unknown articles are ignored."""
        with self._writing:
            article = self._articles.get(article_id)
            if article is None or article.story_id == story_id:
                return
            self._leave(self._stories, article.story_id, article_id)
            key = self._key_of[article_id]
            placed = replace(article, story_id=story_id)
            self._articles[article_id] = self._by_key[key] = placed
            self.columns.replace(key, placed)
            if story_id is not None:
                self._stories.setdefault(story_id, {})[article_id] = None

    def remove(self, article_id: str) -> None:
        """Show an article no more; unknown ones are ignored."""
        with self._writing:
            article = self._articles.pop(article_id, None)
            if article is None:
                return
            key = self._key_of.pop(article_id)
            del self._by_key[key]
            self.columns.remove(key)
            by_time = self._by_time[article.language]
            del by_time[bisect_left(by_time, (article.published_ms, key))]
            self._leave(self._stories, article.story_id, article_id)
            for entity in article.entities:
                self._leave(self._entities, entity, article_id)

    def tidy(self, now_ms: int) -> None:
        """Forget what is no longer fresh, and rebuild the indexes that ask for it.

        Rebuilding takes seconds for 100,000 articles; lookups go on meanwhile, additions wait.
        """
        with self._writing:
            for by_time in self._by_time.values():
                stale = bisect_left(by_time, (now_ms - self.keep_ms, -1))
                for name in [self._by_key[key].article_id for _, key in by_time[:stale]]:
                    self.remove(name)
            for place, index in self._nearest.items():
                if index.rebuild_due:
                    self._rebuild(place, index)

    def keys(self, names: Iterable[str]) -> Whole:
        """Keys of the articles that are here, in the order of the names."""
        known = [key for name in names if (key := self._key_of.get(name)) is not None]
        return np.array(known, np.int64)

    def by_key(self, found: Mapping[str, float | Sequence[float]], width: int = 0) -> ByKey:
        """Numbers by name, of the articles that are here; `width` of them each, 0: a plain one."""
        known = [
            (key, n) for name, n in found.items() if (key := self._key_of.get(name)) is not None
        ]
        known.sort(key=itemgetter(0))
        values = np.array([numbers for _, numbers in known], np.float64)
        keys = np.array([key for key, _ in known], np.int64)
        return ByKey(keys, values.reshape(-1, width) if width else values)

    def nearest(
        self, vector: Vector, version: str, languages: Iterable[str], limit: int, since_ms: int
    ) -> list[tuple[FeedArticle, float]]:
        """Articles with their cosines, the nearest first, of any of the languages."""
        near = self.nearest_keys(vector, version, languages, int(limit * REMOVED_SLACK), since_ms)
        found = [
            (article, cosine)
            for key, cosine in zip(near.keys.tolist(), near.cosines.tolist(), strict=True)
            if (article := self._by_key.get(key)) is not None
        ]
        return found[:limit]

    def nearest_keys(
        self, vector: Vector, version: str, languages: Iterable[str], limit: int, since_ms: int
    ) -> Found:
        """The same as keys; some may be of articles that are here no more."""
        found = [
            index.search(vector, limit, since_ms=since_ms)
            for language in languages
            if (index := self._nearest.get((language, version))) is not None
        ]
        return nearest_of(found, limit)

    def of_story(self, story_id: str) -> list[FeedArticle]:
        """The story's articles, the newest first."""
        return self._newest(self._stories.get(story_id, {}))

    def about(self, entity: str) -> list[FeedArticle]:
        """Articles that name an entity, the newest first."""
        return self._newest(self._entities.get(entity, {}))

    def newest(self, languages: Iterable[str], limit: int, since_ms: int) -> list[FeedArticle]:
        """The articles published last, since a moment, in any of the languages."""
        keys = self.newest_keys(languages, limit, since_ms)
        return [article for key in keys if (article := self._by_key.get(key)) is not None]

    def newest_keys(self, languages: Iterable[str], limit: int, since_ms: int) -> list[int]:
        """The same as keys."""
        keys: list[tuple[int, int]] = []
        for language in languages:
            by_time = self._by_time.get(language, [])
            first = bisect_left(by_time, (since_ms, -1))
            keys += by_time[max(first, len(by_time) - limit) :]
        keys.sort(reverse=True)
        return [key for _, key in keys[:limit]]

    def _newest(self, names: Mapping[str, None]) -> list[FeedArticle]:
        found = [self._articles.get(name) for name in list(names)]
        return sorted(
            (article for article in found if article is not None),
            key=lambda article: (-article.published_ms, article.article_id),
        )

    def _in_its_story(self, article: FeedArticle) -> FeedArticle:
        known = self._articles.get(article.article_id)
        if article.story_id is None and known is not None and known.story_id is not None:
            return replace(article, story_id=known.story_id)
        return article

    def _memberships(self, article: FeedArticle) -> Iterator[dict[str, None]]:
        if article.story_id is not None:
            yield self._stories.setdefault(article.story_id, {})
        for key in article.entities:
            yield self._entities.setdefault(key, {})

    def _leave(
        self, groups: dict[str, dict[str, None]], group: str | None, article_id: str
    ) -> None:
        if group is None:
            return
        groups[group].pop(article_id, None)
        if not groups[group]:
            del groups[group]

    def _rebuild(self, place: tuple[str, str], index: Nearest) -> None:
        columns = self.columns
        rows = columns.encoded(*place)
        published_ms = columns.facts(rows)["published_ms"]
        index.rebuild(columns.keys(rows), columns.vectors(rows, place[1]), published_ms)
