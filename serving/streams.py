"""Events to subscribers: bounded queues, filters, and resuming where a subscriber left off.

An event's id is the position of the server in the topics: `alert=12.5,story=7` says that the next
record of alerts is 12 in partition 0 and 5 in partition 1. It means the same to every server and
after a restart.
"""

import asyncio
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import orjson

from schemas.alert import Alert
from schemas.record import Record
from schemas.story import Story
from serving.errors import BadCursor

Cursor = dict[str, list[int]]
"""Kind of event to the next offset of each partition."""

_CURSOR = re.compile(r"[a-z]+=\d{1,18}(?:\.\d{1,18}){0,255}")
RESET = "reset"
"""Sent to who comes back too late: what was missed is no longer here, load everything anew."""
DROPPED = "dropped"
"""Sent last to who was too slow."""


@dataclass(frozen=True, slots=True)
class Facets:
    """What filters look at in an alert or a story.

    scores    by desk
    entities  Wikidata ids, and names in small letters
    """

    scores: tuple[tuple[str, float], ...]
    languages: frozenset[str]
    entities: frozenset[str]

    @classmethod
    def of(cls, record: Record) -> "Facets | None":
        """None for what is neither an alert nor a story."""
        scores: tuple[tuple[str, float], ...]
        match record:
            case Alert():
                scores = ((record.desk, record.score),)
            case Story():
                scores = tuple((score.desk, score.score) for score in record.scores)
            case _:
                return None
        named = record.entities
        ids = frozenset(entity.wikidata_id for entity in named if entity.wikidata_id)
        names = frozenset(entity.name.casefold() for entity in named)
        return cls(scores, frozenset(record.languages), ids | names)


@dataclass(frozen=True)
class Wish:
    """What a subscriber wants to hear of; an empty set wants everything.

    min_score  of an alert, or of a story at one of the desks
    entities   Wikidata ids, or names in any case
    """

    kinds: frozenset[str]
    desks: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    entities: frozenset[str] = frozenset()
    min_score: float = 0.0

    def takes(self, kind: str, record: Record) -> bool:
        """Whether a record is wanted; filters are about alerts and stories."""
        return self.wants(kind, Facets.of(record))

    def wants(self, kind: str, facets: Facets | None) -> bool:
        """Whether a record with these facets is wanted."""
        if kind not in self.kinds:
            return False
        return facets is None or (
            self._scores(facets)
            and (not self.languages or not self.languages.isdisjoint(facets.languages))
            and (not self.entities or not self.entities.isdisjoint(facets.entities))
        )

    def _scores(self, facets: Facets) -> bool:
        if not self.desks and not self.min_score:
            return True
        return any(
            score >= self.min_score and (not self.desks or desk in self.desks)
            for desk, score in facets.scores
        )


def wish(
    kinds: Iterable[str],
    desks: Sequence[str],
    languages: Sequence[str],
    entities: Sequence[str],
    min_score: float,
) -> Wish:
    """What someone asks for, their entities in any case."""
    return Wish(
        kinds=frozenset(kinds),
        desks=frozenset(desks),
        languages=frozenset(languages),
        entities=frozenset(entities) | frozenset(name.casefold() for name in entities),
        min_score=min_score,
    )


@dataclass(frozen=True)
class Event:
    """Something that changed; `body` is its record as JSON, `number` counts events here.

    The record itself would take three times the memory, for as long as events are kept.
    """

    number: int
    kind: str
    partition: int
    offset: int
    facets: Facets | None
    body: bytes
    cursor: str

    @cached_property
    def sse(self) -> bytes:
        """The event on an event stream (WHATWG HTML, 9.2.5), written once for all who listen."""
        return b"id: %b\nevent: %b\ndata: %b\n\n" % (
            self.cursor.encode(),
            self.kind.encode(),
            self.body,
        )


@dataclass(eq=False)
class Subscriber:
    """Who listens: events wait here until they are taken, `most` of them at a time."""

    wish: Wish
    most: int
    waiting: deque[Event] = field(default_factory=deque)
    dropped: str | None = None
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, event: Event) -> None:
        """Let a wanted event wait; a subscriber that has too many of them is let go."""
        if self.dropped:
            return
        if len(self.waiting) >= self.most:
            self.drop(f"more than {self.most} events waited; come back with the last id")
            return
        self.waiting.append(event)
        self._stirred.set()

    def drop(self, reason: str) -> None:
        """Let the subscriber go, after what already waits."""
        self.dropped = reason
        self._stirred.set()

    async def take(self, timeout_s: float) -> list[Event]:
        """What waits; nothing after `timeout_s`, or when the subscriber was let go."""
        if not self.waiting and not self.dropped:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._stirred.wait()
            except TimeoutError:
                return []
        self._stirred.clear()
        taken = list(self.waiting)
        self.waiting.clear()
        return taken


class Hub:
    """Gives every event to every subscriber who wants it, at once and without waiting for any."""

    def __init__(self, *, replay: int, queue: int) -> None:
        self._queue = queue
        self._replay = replay
        self._past: dict[str, deque[Event]] = {}
        self._evicted: dict[tuple[str, int], int] = {}
        self._cursor: Cursor = {}
        self._number = 0
        self._subscribers: set[Subscriber] = set()
        self.dropped = 0
        """Subscribers that were too slow."""

    def __len__(self) -> int:
        return len(self._subscribers)

    @property
    def cursor(self) -> str:
        """The id of the newest event."""
        return _written(self._cursor)

    def publish(self, kind: str, partition: int, offset: int, record: Record, body: bytes) -> None:
        """Tell the subscribers of a change, which came from this place of its topic."""
        offsets = self._cursor.setdefault(kind, [])
        offsets += [0] * (partition + 1 - len(offsets))
        offsets[partition] = max(offsets[partition], offset + 1)
        self._number += 1
        facets = Facets.of(record)
        event = Event(self._number, kind, partition, offset, facets, body, self.cursor)
        past = self._past.setdefault(kind, deque())
        past.append(event)
        if len(past) > self._replay:
            gone = past.popleft()
            self._evicted[kind, gone.partition] = gone.offset
        for subscriber in tuple(self._subscribers):
            if subscriber.wish.wants(kind, facets):
                subscriber.offer(event)
            if subscriber.dropped:
                self.dropped += 1
                self._subscribers.discard(subscriber)

    def subscribe(self, wish: Wish, last_id: str | None) -> tuple[Subscriber, bool]:
        """A new subscriber, and whether something it missed is gone for good.

        last_id  the id of the last event that it heard; None begins with the next event.
                 Raises BadCursor if it is none of ours.
        """
        heard = None if last_id is None else read_cursor(last_id)
        subscriber = Subscriber(wish, self._queue)
        self._subscribers.add(subscriber)
        if heard is None:
            return subscriber, False
        missed = [
            event
            for kind in wish.kinds
            if kind in heard
            for event in self._past.get(kind, ())
            if event.offset >= _heard(heard[kind], event.partition)
        ]
        missed.sort(key=lambda event: event.number)
        wanted = [event for event in missed if wish.wants(event.kind, event.facets)]
        lost = self._lost(heard, wish.kinds)
        subscriber.most += len(wanted)
        for event in wanted:
            subscriber.offer(event)
        return subscriber, lost

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Forget a subscriber."""
        self._subscribers.discard(subscriber)

    def close(self, reason: str) -> None:
        """Let every subscriber go."""
        for subscriber in self._subscribers:
            subscriber.drop(reason)
        self._subscribers.clear()

    def _lost(self, heard: Mapping[str, list[int]], kinds: Iterable[str]) -> bool:
        """Whether an unheard event was pushed out, or the topic is not the one it was."""
        evicted = any(
            offset >= _heard(heard[kind], partition)
            for (kind, partition), offset in self._evicted.items()
            if kind in kinds and kind in heard
        )
        ahead = any(
            offset > _heard(self._cursor.get(kind, []), partition)
            for kind in kinds
            if kind in heard
            for partition, offset in enumerate(heard[kind])
        )
        return evicted or ahead


def read_cursor(text: str) -> Cursor:
    """An event id taken apart. Raises BadCursor.

    >>> read_cursor("alert=12.5,story=7")
    {'alert': [12, 5], 'story': [7]}
    """
    parts = text.split(",") if text else []
    if any(not _CURSOR.fullmatch(part) for part in parts):
        raise BadCursor(f"{text[:100]!r} is no id of an event")
    pairs = (part.split("=") for part in parts)
    return {kind: [int(offset) for offset in offsets.split(".")] for kind, offsets in pairs}


def json_of(record: Record) -> bytes:
    """A record as JSON, without its vector."""
    return orjson.dumps(record.model_dump(mode="json", exclude={"embedding"}))


def notice(kind: str, cursor: str, **content: str) -> bytes:
    """An event of the stream itself, with the id to come back with."""
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (
        cursor.encode(),
        kind.encode(),
        orjson.dumps(content),
    )


def _written(cursor: Cursor) -> str:
    return ",".join(
        f"{kind}={'.'.join(map(str, offsets))}" for kind, offsets in sorted(cursor.items())
    )


def _heard(offsets: list[int], partition: int) -> int:
    return offsets[partition] if partition < len(offsets) else 0
