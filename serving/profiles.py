"""What is known of readers: their sealed profiles and all readers' clicks, from Redis."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import orjson
from cachetools import TTLCache

from models.keyring import KeyringFile
from models.profiles.view import Interests, interests
from models.ranking.features import Popularity
from models.ranking.reader import Reader
from models.sealing import opened_profile
from schemas.codec import RecordCodec
from schemas.errors import SealError, UndecodableRecord
from schemas.reader_profile import ReaderProfile, SealedProfile
from schemas.redis_keys import covisited_key, popular_key, profile_key
from serving.articles import RedisGate
from serving.errors import Unavailable
from serving.feeds import Known

_WINDOWS: tuple[Literal["quarter", "hour", "day"], ...] = ("quarter", "hour", "day")
_KEPT = 10_000
_RECENT = 10
_SHOWN_ENOUGH = 3
_SESSION_OVER = 0.05
"""Weight of a visit from which on it says nothing any more."""


class RedisProfiles:
    """Profiles and popularity as the job `profiles` writes them.

    keys       key ring that opens profiles; None: everyone is a stranger
    languages  of which popularity is asked for
    """

    def __init__(
        self,
        redis: RedisGate,
        codec: RecordCodec[SealedProfile],
        keys: KeyringFile | None,
        *,
        long_half_life_s: float,
        session_half_life_s: float,
        languages: Callable[[], Sequence[str]],
        stale_s: float,
    ) -> None:
        self._redis = redis
        self._codec = codec
        self._keys = keys
        self._half_lives_ms = (round(long_half_life_s * 1000), round(session_half_life_s * 1000))
        self._languages = languages
        self._kept: TTLCache[str, Known] = TTLCache(_KEPT, stale_s)

    async def known(self, user_key: str, now_ms: int) -> Known:
        """What is known of a reader. Raises Unavailable."""
        if self._keys is None:
            return Known(Reader())
        try:
            (sealed,) = await self._redis.values([profile_key(user_key)])
            found = None if sealed is None else self._opened(sealed, self._keys, now_ms)
            reader = Reader() if found is None else reader_of(found)
            covisits = await self._covisits(reader.recent[:_RECENT])
        except Unavailable:
            if (before := self._kept.get(user_key)) is None:
                raise
            return Known(before.reader, before.languages, before.covisits, stale=True)
        languages = sorted(found.languages, key=lambda c: (-found.languages[c], c)) if found else ()
        known = Known(reader, tuple(languages), covisits)
        self._kept[user_key] = known
        return known

    async def popularity(self) -> Mapping[str, Popularity]:
        """Clicks of all readers by article. Raises Unavailable."""
        languages = self._languages()
        lists = await self._redis.values(
            [popular_key(window, language) for language in languages for window in _WINDOWS]
        )
        return await asyncio.to_thread(_popularity, lists)

    def _opened(self, sealed: bytes, keys: KeyringFile, now_ms: int) -> Interests:
        try:
            profile: ReaderProfile = opened_profile(self._codec.decode(sealed), keys)
        except (SealError, UndecodableRecord) as error:
            raise Unavailable("the reader's profile cannot be opened") from error
        long_ms, session_ms = self._half_lives_ms
        return interests(
            profile, now_ms=now_ms, long_half_life_ms=long_ms, session_half_life_ms=session_ms
        )

    async def _covisits(self, recent: Sequence[str]) -> dict[str, dict[str, float]]:
        """Of each article read lately, the share of its readers who went on to another."""
        lists = await self._redis.values([covisited_key(article_id) for article_id in recent])
        shares: dict[str, dict[str, float]] = {}
        for article_id, found in zip(recent, lists, strict=True):
            clicks = _clicks(found)
            if own := clicks.pop(article_id, 0):
                shares[article_id] = {other: count / own for other, count in clicks.items()}
        return shares


def reader_of(found: Interests) -> Reader:
    """A profile in the words of the feed."""
    follows, mutes = _targets(found.follows), _targets(found.mutes)
    often = {article_id for article_id, times in found.shown.items() if times >= _SHOWN_ENOUGH}
    return Reader(
        long=found.long,
        session=found.session if found.session_weight > _SESSION_OVER else None,
        vector_version=found.encoder,
        clicks=found.clicks,
        topics=found.topics,
        sources=found.sources,
        entities=found.entities,
        followed=frozenset(follows.get("entity", ())),
        recent=found.reads,
        seen=frozenset(found.reads) | often,
        hidden_articles=frozenset(mutes.get("article", ())),
        hidden_sources=frozenset(mutes.get("source", ())),
        hidden_stories=frozenset(mutes.get("story", ())),
        hidden_topics=frozenset(mutes.get("topic", ())),
        hidden_entities=frozenset(mutes.get("entity", ())),
    )


def _popularity(lists: Sequence[bytes | None]) -> dict[str, Popularity]:
    """Clicks by article, of one list a window, language by language."""
    counts: dict[str, list[float]] = {}
    for place, found in enumerate(lists):
        window = place % len(_WINDOWS)
        for article_id, clicks in _clicks(found).items():
            counts.setdefault(article_id, [0.0] * len(_WINDOWS))[window] += clicks
    return {article_id: Popularity(*found) for article_id, found in counts.items()}


def _targets(found: Sequence[str]) -> dict[str, list[str]]:
    """
    >>> _targets(["entity:Q64", "story:s1", "entity:Q1"])
    {'entity': ['Q64', 'Q1'], 'story': ['s1']}
    """
    targets: dict[str, list[str]] = {}
    for target in found:
        kind, _, name = target.partition(":")
        targets.setdefault(kind, []).append(name)
    return targets


def _clicks(found: bytes | None) -> dict[str, float]:
    """The clicks of a list in Redis; none where there is no list."""
    if found is None:
        return {}
    clicks: dict[str, float] = orjson.loads(found)["clicks"]
    return clicks
