"""How events travel to their readers' profiles: with what is known of the article, by shard."""

import pickle
import zlib
from collections.abc import Iterable

from models.profiles import facts, signals
from models.profiles.facts import ArticleFacts
from models.profiles.signals import Signal

SHARDS = 64
"""Readers are gathered by shard, and profiles kept by it. Another number is another state."""


def shard(user_key: str) -> int:
    """The shard of a reader.

    >>> shard("1.rFpsDjHa2_4uKCuuO09ebA")
    24
    """
    return zlib.crc32(user_key.encode()) % SHARDS


def pack(events: Iterable[bytes], known: bytes | None) -> bytes:
    """Packed Signals of one shard about the same article, and its packed facts, as bytes."""
    return pickle.dumps((tuple(events), known), protocol=5)


def unpack(packed: bytes) -> tuple[list[Signal], ArticleFacts | None]:
    """What `pack` made bytes of; up to version 0.6 it was one event, not a tuple of some."""
    events, known = pickle.loads(packed)
    if isinstance(events, bytes):
        events = (events,)
    article = None if known is None else facts.unpack(known)
    return [signals.unpack(found) for found in events], article
