"""A reader's feed with its explanations, as the page shows it."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.ranking.feed import Strategy
from serving.console import words
from serving.services import Services

ITEMS = 30

PLACED: Mapping[Strategy, str] = {
    "override": "Breaking news",
    "pick": "Editors’ pick",
    "floor": "For everyone",
    "explore": "To learn from",
    "personal": "For this reader",
    "cold_start": "For a new reader",
}


@dataclass(frozen=True)
class Item:
    """An article in a feed.

    placed  what put it there
    adds    kinds of reason with what each adds to the score
    """

    position: int
    article_id: str
    title: str
    href: str | None
    source: str
    language: str
    published_ms: int
    placed: str
    why: str
    adds: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Feed:
    """What a reader would see now.

    personal  whether anything is known of the reader
    stale     Redis was away: the profile is what was known before
    """

    items: tuple[Item, ...]
    personal: bool
    stale: bool
    ranking: str | None


async def feed(services: Services, user: str) -> Feed:
    """The feed of `/v1/feed/{user}`. Raises Unavailable."""
    served = await services.feeds.serve(user, now_ms=services.now_ms(), limit=ITEMS)
    items = []
    for item in served.items:
        card = services.shelf.card(item.article_id)
        if card is None:
            continue
        items.append(
            Item(
                position=item.position,
                article_id=item.article_id,
                title=card.title,
                href=words.web_address(card.url),
                source=card.source,
                language=card.language,
                published_ms=card.published_ms,
                placed=PLACED[item.strategy],
                why=item.explanation.words,
                adds=tuple((r.kind, r.value) for r in item.explanation.reasons if r.value),
            )
        )
    ranking = served.items[0].ranking if served.items else None
    return Feed(tuple(items), served.personal, served.stale, ranking)
