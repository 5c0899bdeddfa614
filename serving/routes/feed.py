"""A reader's feed."""

from collections.abc import Sequence
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Path, Query, Response

from models.ranking.feed import FeedItem
from serving.answers import Answer
from serving.asking import Parts, reader
from serving.feeds import MOST
from serving.routes.filters import Desks, Languages
from serving.services import Services
from serving.shelf import Card

router = APIRouter(prefix="/v1/feed", tags=["feed"], dependencies=[Depends(reader)])


class ReasonAnswer(Answer):
    """One reason; `value` is what it adds to the score, 0 for a rule."""

    kind: str
    names: list[str]
    value: float


class ItemAnswer(Answer):
    """An item of a feed, with why it stands there; log it as it is to learn from it."""

    article_id: str
    title: str
    source: str
    url: str
    summary: str | None
    published_ms: int
    language: str
    story_id: str | None
    position: int
    score: float
    strategy: str
    propensity: float
    why: str
    reasons: list[ReasonAnswer]


class FeedAnswer(Answer):
    """A feed; events about its items carry `request_id`.

    personal  whether anything is known of the reader
    stale     Redis was away: the profile is what was known before
    """

    user: str
    request_id: str
    personal: bool
    stale: bool
    ranking: str | None
    items: list[ItemAnswer]


@router.get("/{user}", response_model=FeedAnswer)
async def feed(
    user: Annotated[str, Path(min_length=1, max_length=200, description="A reader's key.")],
    services: Parts,
    language: Languages = (),
    desk: Desks = (),
    limit: Annotated[int, Query(ge=1, le=MOST)] = 20,
) -> Response:
    """What a reader should see now, each item explained; breaking news that concerns them first.

    `user` is the key that events carry, never a raw id.
    """
    answer = await served_to(services, user, language, desk, limit)
    return Response(orjson.dumps(answer), media_type="application/json")


async def served_to(
    services: Services, user: str, languages: Sequence[str], desks: Sequence[str], limit: int
) -> dict[str, Any]:
    """A reader's feed, the fields of FeedAnswer: as records they would take a millisecond.

    Raises Unavailable.
    """
    served = await services.feeds.serve(
        user, now_ms=services.now_ms(), languages=languages, desks=desks, limit=limit
    )
    return {
        "user": user,
        "request_id": served.request_id,
        "personal": served.personal,
        "stale": served.stale,
        "ranking": served.items[0].ranking if served.items else None,
        "items": [
            _item(item, card, article.story_id)
            for item in served.items
            if (card := services.shelf.card(item.article_id)) is not None
            and (article := services.shelf.fresh.get(item.article_id)) is not None
        ],
    }


def _item(item: FeedItem, card: Card, story_id: str | None) -> dict[str, Any]:
    return {
        "article_id": card.article_id,
        "title": card.title,
        "source": card.source,
        "url": card.url,
        "summary": card.summary,
        "published_ms": card.published_ms,
        "language": card.language,
        "story_id": story_id,
        "position": item.position,
        "score": item.score,
        "strategy": item.strategy,
        "propensity": item.propensity,
        "why": item.explanation.words,
        "reasons": [reason._asdict() for reason in item.explanation.reasons],
    }
