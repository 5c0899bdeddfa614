"""How an event travels to its reader's profile: with what is known of its article, by shard."""

import pickle
import zlib

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


def pack(found: bytes, known: bytes | None) -> bytes:
    """A packed Signal and its article's packed facts as bytes."""
    return pickle.dumps((found, known), protocol=5)


def unpack(packed: bytes) -> tuple[Signal, ArticleFacts | None]:
    """What `pack` made bytes of."""
    found, known = pickle.loads(packed)
    return signals.unpack(found), None if known is None else facts.unpack(known)
