"""A profile as the feed reads it: means, affinities in -1..1, effective size."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.profiles.decay import Vector, remaining
from models.profiles.profile import vector_of
from schemas.reader_profile import ReaderProfile, Weights, weights

PRIOR_WEIGHT = 2.0
"""Clicks' worth of doubt: with few clicks, or old ones, affinities stay near 0."""


@dataclass(frozen=True)
class Interests:
    """A reader's interests at a moment.

    long, session, hidden  mean vectors, float32 (width,), None where there is nothing behind them
    encoder                version of these vectors, "" without
    clicks                 effective number of articles behind `long`, decayed to the moment
    session_weight         of `session`, decayed to the moment: near 0 when the visit is over
    topics, sources, entities   affinity by key, -1..1, negative for what is hidden
    languages              share of what was read, by code
    follows, mutes         targets: `entity:Q64`, `topic:…`, `source:…`, `story:…`, `article:…`
    reads                  article ids, the newest first
    shown                  how often an article that is not read was shown
    """

    long: Vector | None
    session: Vector | None
    hidden: Vector | None
    encoder: str
    clicks: float
    session_weight: float
    topics: Mapping[str, float]
    sources: Mapping[str, float]
    entities: Mapping[str, float]
    languages: Mapping[str, float]
    follows: tuple[str, ...]
    mutes: tuple[str, ...]
    reads: tuple[str, ...]
    shown: Mapping[str, float]


def interests(
    profile: ReaderProfile, *, now_ms: int, long_half_life_ms: int, session_half_life_ms: int
) -> Interests:
    """What a profile says at a moment."""
    elapsed_ms = max(now_ms - profile.updated_ms, 0)
    left = remaining(elapsed_ms, long_half_life_ms)
    scale = left / (profile.interest_weight * left + PRIOR_WEIGHT)
    languages = _dict(profile.languages)
    read_in_all = sum(languages.values()) or 1.0
    return Interests(
        long=_vector(profile.long_vector),
        session=_vector(profile.session_vector),
        hidden=_vector(profile.hidden_vector),
        encoder=profile.encoder or "",
        clicks=_effective_size(profile) * left,
        session_weight=profile.session_weight * remaining(elapsed_ms, session_half_life_ms),
        topics=_affinities(profile.topics, scale),
        sources=_affinities(profile.sources, scale),
        entities=_affinities(profile.entities, scale),
        languages={code: sum_ / read_in_all for code, sum_ in languages.items()},
        follows=tuple(profile.follows),
        mutes=tuple(profile.mutes),
        reads=tuple(reversed(_dict(profile.reads))),
        shown=_dict(profile.shown),
    )


def _effective_size(profile: ReaderProfile) -> float:
    """How many equally weighted articles say as much as `long_vector` (Kish 1965)."""
    squares = profile.long_weight_squares
    return profile.long_weight**2 / squares if squares > 0 else 0.0


def _affinities(sums: Weights, scale: float) -> dict[str, float]:
    return {key: max(-1.0, min(1.0, sum_ * scale)) for key, sum_ in _dict(sums).items()}


def _dict(found: Weights) -> dict[str, float]:
    return weights(found.keys, found.values)


def _vector(packed: bytes | None) -> Vector | None:
    return None if packed is None else vector_of(packed)
