"""Which version of a comment holds.

The newest published_ms does; among equals the one that reached Kafka later. A deletion holds over
every version, for good: whatever order versions and deletion come in, the end is the same.
"""

from typing import Any, Literal, NamedTuple

import msgpack


class Known(NamedTuple):
    """What is kept of a comment.

    queued  its version was one that moderators might see
    """

    article_id: str
    published_ms: int
    ingested_ms: int
    queued: bool
    deleted: bool


Change = Literal["new", "edited", "deleted", "nothing"]


class Step(NamedTuple):
    """What a version or deletion changes.

    known   what is kept from now on
    left    article that the comment no longer counts for, None where it stays or was nowhere
    """

    change: Change
    known: Known | None
    left: str | None = None


def follow(known: Known | None, version: Known) -> Step:
    """A version arrives.

    >>> first, edit = Known("a1", 5, 6, False, False), Known("a1", 9, 9, False, False)
    >>> follow(follow(None, first).known, edit).change, follow(edit, first).change
    ('edited', 'nothing')
    """
    if known is None:
        return Step("new", version)
    newer = (version.published_ms, version.ingested_ms) >= (known.published_ms, known.ingested_ms)
    if known.deleted or not newer:
        return Step("nothing", known)
    moved = known.article_id != version.article_id
    return Step("edited", version, known.article_id if moved else None)


def delete(known: Known | None, at_ms: int) -> Step:
    """The comment is deleted; one that never came is remembered as deleted, lest it come late.

    >>> delete(None, 7).change, delete(Known("a1", 5, 6, False, False), 7).left
    ('nothing', 'a1')
    """
    if known is None:
        return Step("nothing", Known("", at_ms, at_ms, queued=False, deleted=True))
    if known.deleted:
        return Step("nothing", known)
    return Step("deleted", known._replace(deleted=True), known.article_id)


def packed(known: Known) -> bytes:
    """What is kept as msgpack: a list of its fields, in order."""
    data: bytes = msgpack.packb(list(known))
    return data


def unpacked(data: bytes) -> Known:
    """What `packed` made."""
    fields: list[Any] = msgpack.unpackb(data)
    return Known(*fields)
