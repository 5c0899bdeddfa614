"""What operators tell each other, and by which key it is heard."""

import zlib

from pyflink.common import Row, Types
from pyflink.common.typeinfo import TypeInformation

SHARDS = 16
"""Keys under which stories are told: a shard's stories together."""


def message_type() -> TypeInformation:
    """(name, kind, payload): to whom or about what, and the form of the payload."""
    octets = Types.PRIMITIVE_ARRAY(Types.BYTE())
    return Types.ROW_NAMED(["name", "kind", "payload"], [Types.STRING(), Types.STRING(), octets])


def addressed_type() -> TypeInformation:
    """(key, message), see `jobs.runtime.streams.keyed`."""
    return Types.ROW_NAMED(["key", "message"], [Types.STRING(), message_type()])


def addressed(key: str, kind: str, payload: bytes) -> Row:
    """A message to a key, `addressed_type`."""
    return Row(key, Row(key, kind, payload))


def about_story(story_id: str, kind: str, payload: bytes) -> Row:
    """A message about a story to the shard in which it is told, `addressed_type`."""
    return Row(shard_of(story_id), Row(story_id, kind, payload))


def shard_of(story_id: str) -> str:
    """The key under which a story is told."""
    return str(zlib.crc32(story_id.encode()) % SHARDS)
