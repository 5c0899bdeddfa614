"""One event more: what it changes in a profile."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeVar

from models.profiles.decay import Vector, added, faded, remaining
from models.profiles.facts import ArticleFacts
from models.profiles.profile import Profile, vector_of
from models.profiles.signals import ARTICLE, MARK_BYTES, Signal, mark_of

MINUTE_MS = 60_000
FOLLOW_STRENGTH = 3.0
HIDE_STRENGTH = 1.0
TOPICS_MAX, SOURCES_MAX, ENTITIES_MAX, LANGUAGES_MAX = 64, 32, 64, 8
TARGETS_MAX, SHOWN_MAX = 200, 50
STORIES_MAX = 32
_SLACK = 1.5
"""A map may outgrow its bound by so much before the weakest entries are dropped."""

V = TypeVar("V")


class Fate(StrEnum):
    """What became of an event."""

    COUNTED = "counted"
    REPEATED = "repeated"
    OVER_BOUND = "over_bound"
    TOO_OLD = "too_old"
    BEFORE_ERASURE = "before_erasure"
    ERASED = "erased"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class ProfileRules:
    """How profiles remember.

    retention_ms       an event older than this counts nowhere
    events_per_minute  of one reader; what arrives beyond is refused
    visit_gap_ms       two reads further apart are not of one visit
    """

    long_half_life_ms: int
    session_half_life_ms: int
    retention_ms: int
    events_per_minute: int
    reads_max: int
    marks_max: int
    visit_gap_ms: int = 30 * MINUTE_MS


class Update(NamedTuple):
    """What an event did.

    profile     None only where there was none and the event did not count
    changed     whether the profile is another than before
    first_read  the event is the reader's first click on the article
    read_before the article that was read before it in the same visit
    came_to     the story that the reader comes to with it; None where they came before, or where
                nobody has placed the article
    """

    profile: Profile | None
    changed: bool
    fate: Fate
    first_read: bool = False
    read_before: str | None = None
    came_to: str | None = None


def update(
    profile: Profile | None, found: Signal, known: ArticleFacts | None, rules: ProfileRules
) -> Update:
    """Count an event; `profile` itself is changed and returned.

    known  the article, None where it is unknown: the event counts, without vector and affinities
    """
    if found.at_ms < found.arrived_ms - rules.retention_ms:
        return Update(profile, False, Fate.TOO_OLD)
    if profile is None:
        profile = Profile(updated_ms=found.at_ms, first_ms=found.at_ms)
    if _is_marked(profile.marks, found.mark):
        return Update(profile, False, Fate.REPEATED)
    arrivals = _arrivals(profile, found)
    if arrivals > rules.events_per_minute:
        return _refused(profile, arrivals, rules)
    profile.minute = max(profile.minute, found.arrived_ms // MINUTE_MS)
    profile.minute_events = arrivals
    profile.marks = (profile.marks + found.mark)[-rules.marks_max * MARK_BYTES :]
    profile.first_ms = min(profile.first_ms, found.at_ms)
    profile.session_id = found.session or profile.session_id
    profile.counts[found.kind] = profile.counts.get(found.kind, 0) + 1
    _fade(profile, found.at_ms, rules)
    return _counted(profile, found, known, rules)


def _counted(
    profile: Profile, found: Signal, known: ArticleFacts | None, rules: ProfileRules
) -> Update:
    """The event's own effect, by its kind."""
    late_ms = profile.updated_ms - found.at_ms
    if found.kind == "impression":
        _show(profile, found.article_id or "")
    elif found.kind == "hide":
        _hide(profile, found, known, remaining(late_ms, rules.long_half_life_ms))
    elif found.target is not None:
        _follow(profile, found.target, remaining(late_ms, rules.long_half_life_ms))
    else:
        return _read(profile, found, known, late_ms, rules)
    return Update(profile, True, Fate.COUNTED)


def _arrivals(profile: Profile, found: Signal) -> int:
    """Events of the reader in the newest minute of arrival, this one included.

    One that waited for its article counts to the newest minute, too.
    """
    newer = found.arrived_ms // MINUTE_MS > profile.minute
    return 1 if newer else profile.minute_events + 1


def _refused(profile: Profile, arrivals: int, rules: ProfileRules) -> Update:
    """An event beyond the bound is noted up to the bound again, then costs no write at all."""
    noted = arrivals <= 2 * rules.events_per_minute
    if noted:
        profile.minute_events = arrivals
        profile.over_bound += 1
    return Update(profile, noted, Fate.OVER_BOUND)


def _read(
    profile: Profile,
    found: Signal,
    known: ArticleFacts | None,
    late_ms: int,
    rules: ProfileRules,
) -> Update:
    """An article counts once, by its strongest event: only what this one adds is added."""
    article_id = found.article_id or ""
    before = profile.reads.get(article_id)
    first = before is None
    gain = max(found.strength - (before or 0.0), 0.0)
    same_visit = first and _same_visit(profile, found, rules)
    read_before = next(reversed(profile.reads)) if same_visit else None
    profile.reads[article_id] = (before or 0.0) + gain
    if first:
        profile.reads_ms.append(found.at_ms)
        _keep_newest(profile.reads, rules.reads_max)
        del profile.reads_ms[: -rules.reads_max]
    profile.shown.pop(article_id, None)
    if known is not None and gain > 0:
        fresh = remaining(late_ms, rules.long_half_life_ms)
        vector = _vector(profile, known)
        if vector is not None:
            in_session = remaining(late_ms, rules.session_half_life_ms)
            profile.long = added(profile.long, vector, gain * fresh)
            profile.session = added(profile.session, vector, gain * in_session)
        _lean(profile, known, gain * fresh)
        _add(profile.languages, known.language, gain * fresh, LANGUAGES_MAX)
        profile.interest_weight += gain * fresh
    first_click = first and found.kind == "click"
    return Update(
        profile,
        True,
        Fate.COUNTED,
        first_read=first_click,
        read_before=read_before,
        came_to=_come_to(profile, known.story_id) if known is not None and first_click else None,
    )


def _come_to(profile: Profile, story_id: str | None) -> str | None:
    """The story, if the reader comes to it for the first time."""
    if story_id is None:
        return None
    mark = mark_of(story_id)
    if _is_marked(profile.stories, mark):
        return None
    profile.stories = (profile.stories + mark)[-STORIES_MAX * MARK_BYTES :]
    return story_id


def _same_visit(profile: Profile, found: Signal, rules: ProfileRules) -> bool:
    """Whether the article read last was read shortly before or after."""
    read_ms = profile.reads_ms
    return bool(read_ms) and abs(found.at_ms - read_ms[-1]) <= rules.visit_gap_ms


def _hide(profile: Profile, found: Signal, known: ArticleFacts | None, fresh: float) -> None:
    target = found.target or f"{ARTICLE}:{found.article_id}"
    _append(profile.mutes, target)
    if target in profile.follows:
        profile.follows.remove(target)
    if found.target is not None:
        _lean_to(profile, found.target, -HIDE_STRENGTH * fresh)
        profile.interest_weight += HIDE_STRENGTH * fresh
    elif known is not None:
        vector = _vector(profile, known)
        if vector is not None:
            profile.hidden = added(profile.hidden, vector, HIDE_STRENGTH * fresh)
        _lean(profile, known, -HIDE_STRENGTH * fresh)
        profile.interest_weight += HIDE_STRENGTH * fresh


def _follow(profile: Profile, target: str, fresh: float) -> None:
    _append(profile.follows, target)
    if target in profile.mutes:
        profile.mutes.remove(target)
    _lean_to(profile, target, FOLLOW_STRENGTH * fresh)
    profile.interest_weight += FOLLOW_STRENGTH * fresh


def _show(profile: Profile, article_id: str) -> None:
    if article_id in profile.reads:
        return
    times = profile.shown.pop(article_id, 0.0)
    profile.shown[article_id] = times + 1.0
    _keep_newest(profile.shown, SHOWN_MAX)


def _lean(profile: Profile, known: ArticleFacts, weight: float) -> None:
    """Towards what an article is about, or away from it."""
    for code, score in known.topics:
        profile.topics[code] = profile.topics.get(code, 0.0) + weight * score
    for entity in known.entities:
        profile.entities[entity] = profile.entities.get(entity, 0.0) + weight
    _keep_strongest(profile.topics, TOPICS_MAX)
    _keep_strongest(profile.entities, ENTITIES_MAX)
    _add(profile.sources, known.source, weight, SOURCES_MAX)


def _lean_to(profile: Profile, target: str, weight: float) -> None:
    kind, _, key = target.partition(":")
    if kind == "topic":
        _add(profile.topics, key, weight, TOPICS_MAX)
    elif kind == "source":
        _add(profile.sources, key, weight, SOURCES_MAX)
    elif kind == "entity":
        _add(profile.entities, key, weight, ENTITIES_MAX)


def _vector(profile: Profile, known: ArticleFacts) -> Vector | None:
    """The article's vector, if it may join the profile's.

    Vectors of two encoders are never mixed: a later one (by when articles were enriched) restarts
    all vectors of the profile, an article of an earlier one counts without its vector.
    """
    if known.vector is None:
        return None
    if profile.encoder != known.encoder:
        if profile.encoder is not None and known.enriched_ms <= profile.encoder_ms:
            return None
        profile.encoder = known.encoder
        profile.long = profile.session = profile.hidden = None
    profile.encoder_ms = max(profile.encoder_ms, known.enriched_ms)
    return vector_of(known.vector)


def _fade(profile: Profile, at_ms: int, rules: ProfileRules) -> None:
    """Let everything decay to the newest event's time."""
    elapsed_ms = at_ms - profile.updated_ms
    if elapsed_ms <= 0:
        return
    factor = remaining(elapsed_ms, rules.long_half_life_ms)
    profile.updated_ms = at_ms
    profile.long = faded(profile.long, factor)
    profile.hidden = faded(profile.hidden, factor)
    profile.session = faded(profile.session, remaining(elapsed_ms, rules.session_half_life_ms))
    profile.interest_weight *= factor
    profile.topics = _scaled(profile.topics, factor)
    profile.sources = _scaled(profile.sources, factor)
    profile.entities = _scaled(profile.entities, factor)
    profile.languages = _scaled(profile.languages, factor)


def _scaled(sums: dict[str, float], factor: float) -> dict[str, float]:
    return {key: value * factor for key, value in sums.items()}


def _is_marked(marks: bytes, mark: bytes) -> bool:
    at = marks.find(mark)
    while at % MARK_BYTES and at >= 0:
        at = marks.find(mark, at + 1)
    return at >= 0


def _append(targets: list[str], target: str) -> None:
    if target in targets:
        targets.remove(target)
    targets.append(target)
    del targets[:-TARGETS_MAX]


def _add(sums: dict[str, float], key: str, weight: float, most: int) -> None:
    sums[key] = sums.get(key, 0.0) + weight
    _keep_strongest(sums, most)


def _keep_strongest(sums: dict[str, float], most: int) -> None:
    if len(sums) > most * _SLACK:
        _drop(sums, sorted(sums, key=lambda key: abs(sums[key]))[: len(sums) - most])


def _keep_newest(found: dict[str, V], most: int) -> None:
    if len(found) > most:
        _drop(found, list(found)[: len(found) - most])


def _drop(found: dict[str, V], keys: Iterable[str]) -> None:
    for key in keys:
        del found[key]
