"""Fresh articles, found by meaning, words, story and time: what search and feeds are made of."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from models.ranking.article import from_enriched
from models.ranking.fresh import FreshArticles
from schemas.enriched_article import EnrichedArticle
from schemas.record import Record
from schemas.story import StoryArticle
from serving.search import WordIndex
from serving.views import Wall


@dataclass(frozen=True)
class Card:
    """What a list shows of an article."""

    article_id: str
    title: str
    source: str
    url: str
    published_ms: int
    language: str
    summary: str | None


class Shelf:
    """The indexes over the articles on the wall; an article leaves all of them at once."""

    def __init__(self, wall: Wall, *, keep_ms: int) -> None:
        self._wall = wall
        self.fresh = FreshArticles(keep_ms=keep_ms)
        self.words = WordIndex()
        self._cards: dict[str, Card] = {}
        wall.forget = self._forget

    def card(self, article_id: str) -> Card | None:
        """What is shown of an article, if it is at hand."""
        return self._cards.get(article_id)

    async def add(self, records: Sequence[Record]) -> None:
        """Index what came; in a thread, so that nobody waits."""
        relevant = [r for r in records if isinstance(r, EnrichedArticle | StoryArticle)]
        if relevant:
            await asyncio.to_thread(self._add, relevant)

    def _add(self, records: Sequence[EnrichedArticle | StoryArticle]) -> None:
        placements = self._wall.placements
        found = []
        for record in records:
            if isinstance(record, EnrichedArticle):
                placed = placements.get(record.article_id)
                found.append(from_enriched(record, placed.story_id if placed else None))
                self._cards[record.article_id] = _card(record)
        self.fresh.add_all(found)
        for article in found:
            self.words.put(article)
        for record in records:
            if isinstance(record, StoryArticle):
                self.fresh.place(record.article_id, record.story_id)

    def _forget(self, article_id: str) -> None:
        self.fresh.remove(article_id)
        self.words.remove(article_id)
        self._cards.pop(article_id, None)


def _card(article: EnrichedArticle) -> Card:
    return Card(
        article_id=article.article_id,
        title=article.title,
        source=article.source,
        url=article.url,
        published_ms=article.published_ms,
        language=article.language.code,
        summary=article.summary,
    )
