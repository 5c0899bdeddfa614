"""Which comments a person should look at: a calibrated threshold, within a budget per hour."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgpack

from schemas.comment import EnrichedComment, Toxicity
from schemas.moderation import ModerationItem, ModerationReason

HOUR_MS = 3_600_000
SEEN_KEPT = 2_000
"""Candidates of an hour whose scores are remembered, the newest."""

RESERVED = 5
"""One in so many places of the budget is kept for urgent comments."""

KIND_FROM = 0.5
"""Probability from which on a kind of toxicity is a reason of its own."""

_KINDS: tuple[ModerationReason, ...] = (
    "threat",
    "identity_attack",
    "severe",
    "insult",
    "obscene",
)
_REVEALING = frozenset({"address", "phone", "iban", "card", "account", "person"})
"""Personal data that, published about someone, a person should see; an e-mail address is masked
and left at that."""


@dataclass(frozen=True)
class QueuePolicy:
    """What a desk wants in a language.

    threshold      score from which on a comment is a candidate
    urgent         score from which on it may take a place that is kept free
    per_hour       most comments queued in an hour
    personal_data  whether a comment that reveals personal data is a candidate at any score
    """

    threshold: float
    urgent: float
    per_hour: int
    personal_data: bool


@dataclass(frozen=True)
class QueueRules:
    """What moderators want; the mappings are by desk/language, desk or */language."""

    desk: str
    threshold: float
    thresholds: Mapping[str, float]
    per_hour: int
    budgets: Mapping[str, int]
    urgent: float
    personal_data: bool

    def policy(self, desk: str, language: str) -> QueuePolicy:
        """What a desk wants in a language."""
        return QueuePolicy(
            threshold=chosen(self.thresholds, desk, language, self.threshold),
            urgent=self.urgent,
            per_hour=int(chosen(self.budgets, desk, language, self.per_hour)),
            personal_data=self.personal_data,
        )


class Load(NamedTuple):
    """What a queue has seen in the last hour.

    seen      (milliseconds, score) of each candidate
    admitted  milliseconds of each comment that was queued
    """

    seen: tuple[tuple[int, float], ...] = ()
    admitted: tuple[int, ...] = ()


class Admission(NamedTuple):
    """Whether a candidate is queued, and the threshold that it met."""

    load: Load
    queued: bool
    threshold: float


def reasons(comment: EnrichedComment, policy: QueuePolicy) -> list[ModerationReason]:
    """Why a person should look at a comment, the strongest first; empty where nobody need."""
    toxicity = scores(comment.toxicity)
    found: list[tuple[float, ModerationReason]] = [
        (toxicity[kind], kind) for kind in _KINDS if toxicity.get(kind, 0.0) >= KIND_FROM
    ]
    toxic = toxicity.get("overall", 0.0) >= policy.threshold
    if toxic:
        found.append((toxicity["overall"], "toxicity"))
    revealing = policy.personal_data and any(
        each.kind in _REVEALING for each in comment.personal_data
    )
    if revealing:
        found.append((policy.threshold, "personal_data"))
    if not (toxic or revealing):
        return []
    return [reason for _, reason in sorted(found, key=lambda pair: -pair[0])]


def admit(load: Load, at_ms: int, score: float, policy: QueuePolicy) -> Admission:
    """A candidate arrives.

    In an hour with more candidates than places the threshold rises to the score that only as many
    reached. When the places are taken, nobody is queued; the last ones are kept for urgent scores.

    >>> policy = QueuePolicy(threshold=0.5, urgent=0.9, per_hour=5, personal_data=True)
    >>> load, decisions = Load(), []
    >>> for n, score in enumerate((0.6, 0.6, 0.6, 0.6, 0.6, 0.95)):
    ...     load, queued, _ = admit(load, n, score, policy)
    ...     decisions.append(queued)
    >>> decisions
    [True, True, True, True, False, True]
    """
    since = at_ms - HOUR_MS
    admitted = tuple(moment for moment in load.admitted if moment > since)
    seen = tuple(pair for pair in load.seen if pair[0] > since)
    threshold = _threshold([past for _, past in seen], policy)
    kept_free = policy.per_hour // RESERVED
    places = policy.per_hour - (0 if score >= policy.urgent else kept_free)
    queued = len(admitted) < places and score >= threshold
    return Admission(
        Load(
            (*seen, (at_ms, round(score, 6)))[-SEEN_KEPT:],
            (*admitted, at_ms) if queued else admitted,
        ),
        queued,
        threshold,
    )


def rank(comment: EnrichedComment, policy: QueuePolicy) -> float:
    """The score by which a candidate competes: one that reveals something meets the threshold."""
    overall = comment.toxicity.overall if comment.toxicity else 0.0
    return max(overall, policy.threshold) if reasons(comment, policy) else overall


def item(
    comment: EnrichedComment, policy: QueuePolicy, *, threshold: float, at_ms: int
) -> ModerationItem:
    """The queue's record of a comment."""
    return ModerationItem(
        comment_id=comment.comment_id,
        article_id=comment.article_id,
        parent_id=comment.parent_id,
        author_key=comment.author_key,
        desk=comment.desk,
        language=comment.language.code,
        state="queued",
        at_ms=at_ms,
        published_ms=comment.published_ms,
        queued_ms=at_ms,
        text=comment.text,
        masked_text=comment.masked_text,
        score=comment.toxicity.overall if comment.toxicity else 0.0,
        threshold=threshold,
        reasons=reasons(comment, policy),
        toxicity=scores(comment.toxicity),
        spans=comment.toxic_spans or [],
        model_versions=comment.model_versions,
    )


def chosen(policies: Mapping[str, float], desk: str, language: str, otherwise: float) -> float:
    """What a desk wants in a language: the first there is of `desk/language`, `desk`, `*/language`.

    >>> chosen({"sport": 0.7, "sport/de": 0.6, "*/de": 0.8}, "sport", "de", 0.5)
    0.6
    """
    for name in (f"{desk}/{language}", desk, f"*/{language}"):
        if name in policies:
            return policies[name]
    return otherwise


def scores(toxicity: Toxicity | None) -> dict[str, float]:
    """The probabilities that there are, by name."""
    return {} if toxicity is None else toxicity.model_dump(exclude_none=True)


def packed(load: Load) -> bytes:
    """A load as msgpack: seen, admitted."""
    data: bytes = msgpack.packb(list(load))
    return data


def unpacked(data: bytes) -> Load:
    """What `packed` made."""
    seen, admitted = msgpack.unpackb(data)
    return Load(tuple((int(ms), float(score)) for ms, score in seen), _whole(admitted))


def _whole(numbers: Any) -> tuple[int, ...]:
    return tuple(int(number) for number in numbers)


def _threshold(seen: list[float], policy: QueuePolicy) -> float:
    if len(seen) < policy.per_hour or policy.per_hour == 0:
        return policy.threshold
    return max(policy.threshold, sorted(seen, reverse=True)[policy.per_hour - 1])
