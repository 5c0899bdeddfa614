"""A comment as it counts in a mood, and how it is kept in a job's state."""

from typing import Any, NamedTuple

import msgpack

from models.audience.likeness import signature, words
from schemas.comment import EnrichedComment

_AUTHOR_DIGITS = 16
"""Of an author key that are kept: enough to tell the authors of a subject apart."""


class Voice(NamedTuple):
    """What a mood needs of a comment; None where no model answered.

    sentiment  -1 (negative) .. 1 (positive)
    tone       0 .. 1
    toxicity   0 .. 1
    emotions   labels it shows
    basic      basic emotion to its probability
    mark       signature of the text, words: how many it has
    """

    published_ms: int
    author: str
    language: str
    sentiment: float | None
    tone: float | None
    toxicity: float | None
    emotions: tuple[str, ...] | None
    basic: dict[str, float] | None
    mark: bytes
    words: int


def voice(comment: EnrichedComment) -> Voice:
    """The voice of a comment."""
    said = comment.sentiment
    return Voice(
        published_ms=comment.published_ms,
        author=comment.author_key[:_AUTHOR_DIGITS],
        language=comment.language.code,
        sentiment=None if said is None else said.positive - said.negative,
        tone=comment.tone_score,
        toxicity=None if comment.toxicity is None else comment.toxicity.overall,
        emotions=None if comment.emotions is None else tuple(e.label for e in comment.emotions),
        basic=comment.basic_emotions,
        mark=signature(comment.text),
        words=words(comment.text),
    )


def packed(said: Voice) -> bytes:
    """A voice as msgpack: a list of its fields, in order."""
    data: bytes = msgpack.packb(list(said))
    return data


def unpacked(data: bytes) -> Voice:
    """What `packed` made."""
    fields: list[Any] = msgpack.unpackb(data)
    found = Voice(*fields)
    return found._replace(emotions=None if found.emotions is None else tuple(found.emotions))
