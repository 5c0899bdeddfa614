"""A reader's profile, and how it travels and rests: sealed."""

import sys
from array import array
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from schemas.record import Record

READER_PROFILE = "reader_profile"
"""Folder of the schemas of what is inside a SealedProfile; it has no topic of its own."""

SEPARATOR = "\x1f"
"""Between the keys of Weights."""


class Weights(Record):
    """Numbers by key, as two columns; `weights` and `columns` turn them into a dict and back."""

    keys: str = ""
    values: bytes = b""


class ReaderProfile(Record):
    """What is known of a reader; `schemas/avro/reader_profile` documents the fields."""

    updated_ms: int
    first_ms: int
    encoder: str | None = None
    encoder_ms: int = 0
    long_vector: bytes | None = None
    long_weight: float = Field(default=0.0, ge=0)
    long_weight_squares: float = Field(default=0.0, ge=0)
    session_vector: bytes | None = None
    session_weight: float = Field(default=0.0, ge=0)
    hidden_vector: bytes | None = None
    hidden_weight: float = Field(default=0.0, ge=0)
    interest_weight: float = Field(default=0.0, ge=0)
    topics: Weights = Weights()
    sources: Weights = Weights()
    entities: Weights = Weights()
    languages: Weights = Weights()
    follows: list[str] = Field(default_factory=list)
    mutes: list[str] = Field(default_factory=list)
    reads: Weights = Weights()
    reads_ms: bytes = b""
    shown: Weights = Weights()
    counts: dict[str, int] = Field(default_factory=dict)
    over_bound: int = Field(default=0, ge=0)
    session: str | None = None
    minute: int = 0
    minute_events: int = Field(default=0, ge=0)
    marks: bytes = b""
    stories: bytes = b""


class SealedProfile(Record):
    """An encrypted ReaderProfile; `schemas/avro/sealed_profile` documents the fields."""

    user_key: str = Field(min_length=1)
    updated_ms: int
    key_version: int = Field(ge=0)
    nonce: bytes
    sealed: bytes


def weights(keys: str, values: bytes) -> dict[str, float]:
    """Columns as a dict, in their order.

    >>> weights("a\x1fb", columns({"a": 1.0, "b": -0.5})["values"])
    {'a': 1.0, 'b': -0.5}
    """
    return dict(zip(keys.split(SEPARATOR), floats(values), strict=True)) if values else {}


def columns(found: Mapping[str, float]) -> dict[str, str | bytes]:
    """The fields of Weights; no key may hold the separator."""
    return {"keys": SEPARATOR.join(found), "values": _packed("f", found.values())}


def floats(packed: bytes) -> "array[float]":
    """float32 little-endian bytes as numbers."""
    return _unpacked("f", packed)


def moments(packed: bytes) -> "array[int]":
    """int64 little-endian bytes as numbers."""
    return _unpacked("q", packed)


def packed_moments(found: Iterable[int]) -> bytes:
    """What `moments` reads."""
    return _packed("q", found)


def _packed(kind: Literal["f", "q"], found: Iterable[float]) -> bytes:
    numbers = array(kind, found)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _unpacked(kind: Literal["f", "q"], packed: bytes) -> "array[Any]":
    numbers = array(kind)
    numbers.frombytes(packed)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
