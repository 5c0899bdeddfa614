"""An event as profiles see it: how strongly it speaks for an article, and when it happened."""

import pickle
from hashlib import blake2b
from typing import NamedTuple

from schemas.errors import Reason, RejectedEvent
from schemas.user_event import UserEvent

STRENGTHS = {"click": 1.0, "share": 3.0, "subscribe": 3.0}
DWELL_A_MINUTE = 2.0
"""Strength of a minute in view, the most that dwelling can say; half a minute equals a click."""

ARTICLE = "article"
TARGETS = frozenset({"entity", "topic", "source", "story"})
"""What a reader can follow or mute, besides an article."""

ERASE, WITHDRAW = "erase", "withdraw"
FORGETTING = frozenset({ERASE, WITHDRAW})
"""Signals that end a profile: the reader asked for it, or did not consent."""

MARK_BYTES = 8


def mark_of(name: str) -> bytes:
    """64-bit hash by which an event or a story is known again."""
    return blake2b(name.encode(), digest_size=MARK_BYTES).digest()


class Signal(NamedTuple):
    """An event of a reader.

    kind        that of the event; `withdraw` for any event without consent
    at_ms       when it happened, event time; never after it arrived
    arrived_ms  when Kafka had it
    partition, offset   where it lies in its topic
    strength    0 for what does not speak for an article
    mark        64-bit hash of the event's id
    """

    user_key: str
    kind: str
    at_ms: int
    arrived_ms: int
    partition: int
    offset: int
    strength: float
    article_id: str | None
    target: str | None
    session: str | None
    mark: bytes

    @property
    def needs_article(self) -> bool:
        """Whether the article's vector, topics and entities matter."""
        return (
            self.article_id is not None
            and self.target is None
            and self.kind not in FORGETTING
            and self.kind != "impression"
        )


def signal(event: UserEvent, *, arrived_ms: int, partition: int, offset: int) -> Signal:
    """What an event tells a profile. A clock that runs ahead is not believed.

    Raises RejectedEvent for an event that does not say what it is about.
    """
    require_usable(event)
    return Signal(
        user_key=event.user_key,
        kind=event.kind if event.consent or event.kind == ERASE else WITHDRAW,
        at_ms=min(event.ts_ms, arrived_ms),
        arrived_ms=arrived_ms,
        partition=partition,
        offset=offset,
        strength=strength(event),
        article_id=event.article_id,
        target=event.target,
        session=event.session,
        mark=mark_of(event.event_id),
    )


def strength(event: UserEvent) -> float:
    """How strongly an event says that the reader wants articles like this; 0 says nothing.

    An article counts by its strongest event, so a click and its dwell time do not add up.

    >>> strength(UserEvent(event_id="e", user_key="k", kind="dwell", ts_ms=0, consent=True,
    ...                    article_id="a", dwell_ms=15_000))
    0.5
    """
    if event.kind == "dwell":
        return DWELL_A_MINUTE * min((event.dwell_ms or 0) / 60_000, 1.0)
    return STRENGTHS.get(event.kind, 0.0)


def require_usable(event: UserEvent) -> None:
    """Raise RejectedEvent for an event that does not say what it is about."""
    if event.kind == ERASE:
        return
    if event.target is not None:
        _require_target(event.kind, event.target)
    elif not event.article_id:
        raise RejectedEvent(Reason.UNUSABLE_EVENT, f"a {event.kind} without article_id")
    if event.kind == "dwell" and event.dwell_ms is None:
        raise RejectedEvent(Reason.UNUSABLE_EVENT, "a dwell without dwell_ms")


def _require_target(event_kind: str, target: str) -> None:
    if event_kind not in ("subscribe", "hide"):
        raise RejectedEvent(
            Reason.UNUSABLE_EVENT, f"a {event_kind} with a target; expected subscribe or hide"
        )
    kind, _, key = target.partition(":")
    if kind not in TARGETS or not key:
        raise RejectedEvent(
            Reason.UNUSABLE_EVENT,
            f"target {target!r}; expected entity:, topic:, source: or story: and a key",
        )


def pack(found: Signal) -> bytes:
    """A signal as bytes, for state and between operators: a pickled tuple of plain values."""
    return pickle.dumps(tuple(found), protocol=5)


def unpack(packed: bytes) -> Signal:
    """What `pack` made bytes of."""
    return Signal(*pickle.loads(packed))
