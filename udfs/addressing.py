"""What operators tell each other, and by which key it is heard.

All that a step tells one key travels as one record: to hand a record from the JVM to Python and
back costs as much as three likelihoods, whatever is in it.
"""

import zlib
from collections.abc import Iterator
from typing import NamedTuple

from pyflink.common import Row, Types
from pyflink.common.typeinfo import TypeInformation

from models.packing import pack, unpack

SHARDS = 16
"""Keys under which stories are told: a shard's stories together."""


class Message(NamedTuple):
    """To whom or about what, the form of the payload, and the payload."""

    name: str
    kind: str
    payload: bytes


def addressed_type() -> TypeInformation:
    """(key, messages), see `jobs.runtime.streams.keyed` and `messages`."""
    return Types.ROW_NAMED(
        ["key", "messages"], [Types.STRING(), Types.PRIMITIVE_ARRAY(Types.BYTE())]
    )


def messages(packed: bytes) -> Iterator[Message]:
    """What a key is told at once, in order."""
    return (Message(*each) for each in unpack(bytes(packed)))


class Post:
    """Messages on their way: one record a key, each key's in the order in which they were added."""

    def __init__(self) -> None:
        self._by_key: dict[str, list[Message]] = {}

    def add(self, key: str, kind: str, payload: bytes) -> None:
        """One more message to a key."""
        self._by_key.setdefault(key, []).append(Message(key, kind, payload))

    def add_about(self, story_id: str, kind: str, payload: bytes) -> None:
        """One more message about a story, to the shard in which it is told."""
        message = Message(story_id, kind, payload)
        self._by_key.setdefault(shard_of(story_id), []).append(message)

    def records(self) -> Iterator[Row]:
        """All of them, `addressed_type`."""
        return (Row(key, pack(told)) for key, told in self._by_key.items())


def shard_of(story_id: str) -> str:
    """The key under which a story is told."""
    return str(zlib.crc32(story_id.encode()) % SHARDS)
