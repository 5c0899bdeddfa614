"""A profile in memory, and as the record that is sealed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.profiles.decay import Mean, Vector
from schemas.reader_profile import columns, moments, packed_moments, weights


@dataclass
class Profile:
    """What is known of a reader; the fields are those of `schemas/avro/reader_profile`."""

    updated_ms: int
    first_ms: int
    encoder: str | None = None
    encoder_ms: int = 0
    long: Mean | None = None
    session: Mean | None = None
    hidden: Mean | None = None
    interest_weight: float = 0.0
    topics: dict[str, float] = field(default_factory=dict)
    sources: dict[str, float] = field(default_factory=dict)
    entities: dict[str, float] = field(default_factory=dict)
    languages: dict[str, float] = field(default_factory=dict)
    follows: list[str] = field(default_factory=list)
    mutes: list[str] = field(default_factory=list)
    reads: dict[str, float] = field(default_factory=dict)
    reads_ms: list[int] = field(default_factory=list)
    shown: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    over_bound: int = 0
    session_id: str | None = None
    minute: int = 0
    minute_events: int = 0
    marks: bytes = b""
    stories: bytes = b""


def restored(record: Mapping[str, Any]) -> Profile:
    """The profile of a ReaderProfile's fields."""
    return Profile(
        updated_ms=record["updated_ms"],
        first_ms=record["first_ms"],
        encoder=record["encoder"],
        encoder_ms=record["encoder_ms"],
        long=_mean(record["long_vector"], record["long_weight"], record["long_weight_squares"]),
        session=_mean(record["session_vector"], record["session_weight"]),
        hidden=_mean(record["hidden_vector"], record["hidden_weight"]),
        interest_weight=record["interest_weight"],
        topics=weights(**record["topics"]),
        sources=weights(**record["sources"]),
        entities=weights(**record["entities"]),
        languages=weights(**record["languages"]),
        follows=record["follows"],
        mutes=record["mutes"],
        reads=weights(**record["reads"]),
        reads_ms=list(moments(record["reads_ms"])),
        shown=weights(**record["shown"]),
        counts=record["counts"],
        over_bound=record["over_bound"],
        session_id=record["session"],
        minute=record["minute"],
        minute_events=record["minute_events"],
        marks=record["marks"],
        stories=record["stories"],
    )


def recorded(profile: Profile) -> dict[str, Any]:
    """The fields of its ReaderProfile."""
    long, session, hidden = profile.long, profile.session, profile.hidden
    return {
        "updated_ms": profile.updated_ms,
        "first_ms": profile.first_ms,
        "encoder": profile.encoder,
        "encoder_ms": profile.encoder_ms,
        "long_vector": _bytes(long),
        "long_weight": long.weight if long else 0.0,
        "long_weight_squares": long.squares if long else 0.0,
        "session_vector": _bytes(session),
        "session_weight": session.weight if session else 0.0,
        "hidden_vector": _bytes(hidden),
        "hidden_weight": hidden.weight if hidden else 0.0,
        "interest_weight": profile.interest_weight,
        "topics": columns(profile.topics),
        "sources": columns(profile.sources),
        "entities": columns(profile.entities),
        "languages": columns(profile.languages),
        "follows": profile.follows,
        "mutes": profile.mutes,
        "reads": columns(profile.reads),
        "reads_ms": packed_moments(profile.reads_ms),
        "shown": columns(profile.shown),
        "counts": profile.counts,
        "over_bound": profile.over_bound,
        "session": profile.session_id,
        "minute": profile.minute,
        "minute_events": profile.minute_events,
        "marks": profile.marks,
        "stories": profile.stories,
    }


def vector_of(packed: bytes) -> Vector:
    """float32 of float16 little-endian bytes."""
    return np.frombuffer(packed, "<f2").astype(np.float32)


def _mean(packed: bytes | None, weight: float, squares: float = 0.0) -> Mean | None:
    return None if packed is None else Mean(vector_of(packed), weight, squares)


def _bytes(mean: Mean | None) -> bytes | None:
    return None if mean is None else mean.vector.astype("<f2").tobytes()
