"""Personal feeds over the fresh articles at hand."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from models.ranking.features import Popularity
from models.ranking.feed import Feed, FeedItem
from models.ranking.fresh import FreshArticles
from models.ranking.rankers import Ranker
from models.ranking.reader import Context, Desk, OpenAlert, Pick, Reader, open_alerts
from serving.errors import Unavailable
from serving.views import Wall

log = logging.getLogger(__name__)

MOST = 100
"""Items of a feed."""

_REFRESH_S = 5.0
_TIDY_EVERY = 60
_PIN_MS = 24 * 3_600_000


@dataclass(frozen=True)
class Known:
    """What is known of a reader now.

    languages  that the reader reads, the best first
    covisits   of each article read lately, the share of its readers who went on to another
    stale      Redis was away: this is what was known before
    """

    reader: Reader
    languages: tuple[str, ...] = ()
    covisits: Mapping[str, Mapping[str, float]] | None = None
    stale: bool = False


@dataclass(frozen=True)
class Decided:
    """Open alerts and picks, as they were when the wall had changed `decided` times."""

    decided: int
    alerts: tuple[OpenAlert, ...]
    picks: tuple[Pick, ...]


class Profiles(Protocol):
    """Where profiles and popularity are."""

    async def known(self, user_key: str, now_ms: int) -> Known:
        """Of an unknown reader: `Known(Reader())`. Raises Unavailable."""

    async def popularity(self) -> Mapping[str, Popularity]:
        """Clicks on fresh articles. Raises Unavailable."""


@dataclass(frozen=True)
class Served:
    """A feed as it was served; events about its items carry `request_id`."""

    request_id: str
    items: Sequence[FeedItem]
    personal: bool
    stale: bool


class Feeds:
    """Feeds for all readers, ranked one after the other.

    A ranking takes 3 ms of the event loop, which is less than a thread would take from it: there
    the two of them would wait for one interpreter.

    languages  of a reader of whom none is known
    """

    def __init__(
        self,
        articles: FreshArticles,
        ranker: Ranker,
        wall: Wall,
        profiles: Profiles,
        *,
        languages: Sequence[str],
    ) -> None:
        self._articles = articles
        self._feed = Feed(articles, ranker)
        self._wall = wall
        self._profiles = profiles
        self._languages = tuple(languages)
        self._above = Decided(-1, (), ())

    async def serve(
        self,
        user_key: str,
        *,
        now_ms: int,
        languages: Sequence[str] = (),
        desks: Sequence[str] = (),
        limit: int = 20,
    ) -> Served:
        """A reader's feed. Raises Unavailable."""
        known = await self._profiles.known(user_key, now_ms)
        above = self._decided(now_ms)
        context = Context(
            now_ms=now_ms,
            languages=tuple(languages) or known.languages or self._languages,
            desks=tuple(Desk(name) for name in desks),
            alerts=above.alerts,
            picks=above.picks,
            covisits=known.covisits or {},
        )
        request_id = secrets.token_hex(8)
        items = self._feed.rank(known.reader, context, limit, draw=int(request_id, 16))
        return Served(request_id, items, not known.reader.is_new, known.stale)

    def _decided(self, now_ms: int) -> Decided:
        """What stands above rankings; the feed itself looks at what has run out since."""
        if self._above.decided != self._wall.decided:
            self._above = Decided(
                self._wall.decided,
                open_alerts(self._wall.open_alerts(), now_ms),
                picks(self._wall, now_ms),
            )
        return self._above

    async def rank_of(self, article_id: str, user_key: str, *, now_ms: int) -> int | None:
        """The place of an article in a reader's feed, 1 is the top; None if it is not in it."""
        try:
            served = await self.serve(user_key, now_ms=now_ms, limit=MOST)
        except Unavailable:
            return None
        places = {item.article_id: item.position for item in served.items}
        return places.get(article_id)

    async def keep_fresh(self, clock: Callable[[], int]) -> None:
        """Count clicks anew and forget what is old, for ever."""
        rounds = 0
        while True:
            try:
                popularity = await self._profiles.popularity()
            except Unavailable as error:
                log.warning("popularity is not known: %s", error)
                popularity = {}
            await asyncio.to_thread(self._feed.refresh, popularity, clock())
            rounds += 1
            if rounds % _TIDY_EVERY == 0:
                await asyncio.to_thread(self._articles.tidy, clock())
            await asyncio.sleep(_REFRESH_S)


def picks(wall: Wall, now_ms: int) -> tuple[Pick, ...]:
    """Stories that editors keep on top."""
    pinned: dict[tuple[str, str | None], Pick] = {}
    for command in wall.in_force(("pin", "unpin"), now_ms):
        if command.story_id is None:
            continue
        place = (command.story_id, command.desk)
        if command.kind == "unpin":
            pinned.pop(place, None)
            continue
        until_ms = command.until_ms or command.issued_ms + _PIN_MS
        pinned[place] = Pick("story", command.story_id, until_ms, command.desk)
    return tuple(pinned.values())
