"""The wall of stories: which ones, in which order, and what a line shows of each."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from schemas.alert import Alert, AlertStatus
from schemas.story import Story, StoryScore
from serving.console import words
from serving.console.decisions import Decisions, Mute, mute_on
from serving.console.mood import Mood
from serving.console.plots import Gauge, Spark, gauge, spark

ROWS = 80
"""Stories of a page; more on request."""

NAMES = 3
WAITING = {"opened", "escalated"}


@dataclass(frozen=True)
class Filter:
    """What an editor wants to see; None and the empty string: everything."""

    desk: str | None = None
    language: str | None = None
    query: str = ""
    limit: int = ROWS


@dataclass(frozen=True)
class Standing:
    """How an alert stands with what editors just decided, which its job may not have read yet.

    waiting  nobody has decided
    sent     decided, and the job has not answered
    """

    alert: Alert
    state: AlertStatus
    waiting: bool
    sent: bool
    by: str | None

    @property
    def announcement(self) -> str:
        """Changes when people are to be told."""
        return f"{self.alert.alert_id}/{self.alert.sequence}"


class Place(NamedTuple):
    """What decides where a story stands."""

    story: Story
    score: StoryScore | None
    standing: Standing | None
    pinned: bool
    mute: Mute | None

    @property
    def waiting(self) -> bool:
        """Whether an alert waits for a decision."""
        return self.standing is not None and self.standing.waiting and self.mute is None


@dataclass(frozen=True)
class Row:
    """A story as a line of the wall."""

    story: Story
    language: str
    score: StoryScore | None
    gauge: Gauge | None
    spark: Spark | None
    standing: Standing | None
    names: tuple[str, ...]
    more_names: int
    mood: Mood | None
    pinned: bool
    mute: Mute | None
    waiting: bool
    joining: str | None


@dataclass(frozen=True)
class Section:
    """Rows under a heading."""

    key: str
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Choice:
    """An entry of a filter."""

    value: str
    label: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class Page:
    """The stories that are seen, and what can be chosen."""

    sections: tuple[Section, ...]
    desks: tuple[Choice, ...]
    languages: tuple[Choice, ...]
    waiting: int
    shown: int
    found: int
    known: int


def standing(alert: Alert, decisions: Decisions) -> Standing:
    """An alert with its newest decision; an editor's counts before the job has answered."""
    verdict = decisions.verdicts.get(alert.alert_id)
    if verdict is not None and alert.state in WAITING and verdict.outcome == "pending":
        state: AlertStatus = "confirmed" if verdict.command.kind == "confirm" else "dismissed"
        return Standing(alert, state, False, True, verdict.command.author)
    if alert.state in {"confirmed", "dismissed"} and alert.alert_id in decisions.reopened:
        return Standing(alert, "opened", True, True, None)
    return Standing(alert, alert.state, alert.state in WAITING, False, alert.by)


def build(
    stories: Iterable[Story],
    alerts: Iterable[Alert],
    decisions: Decisions,
    mood_of: Callable[[str], Mood | None],
    chosen: Filter,
    now_ms: int,
) -> Page:
    """The wall; `alerts` are the newest states. Only what is shown is worked out whole."""
    by_story: dict[str, list[Standing]] = {}
    for alert in alerts:
        by_story.setdefault(alert.story_id, []).append(standing(alert, decisions))
    current = [story for story in stories if story.status in {"active", "retracted"}]
    places = [
        place(story, by_story.get(story.story_id, []), decisions, chosen.desk, now_ms)
        for story in current
        if matches(story, by_story.get(story.story_id, []), chosen)
    ]
    places.sort(key=_order)
    rows = [
        row(found, decisions, mood_of(found.story.story_id)) for found in places[: chosen.limit]
    ]
    return Page(
        sections=tuple(section for section in _sections(rows) if section.rows),
        desks=_desks(current, by_story, decisions, chosen.desk),
        languages=_languages(current, chosen.language),
        waiting=sum(found.waiting for found in places),
        shown=len(rows),
        found=len(places),
        known=len(current),
    )


def matches(story: Story, standings: Sequence[Standing], chosen: Filter) -> bool:
    """Whether a story is to be seen."""
    if chosen.language and chosen.language not in story.languages:
        return False
    if chosen.desk and chosen.desk not in desks_of(story, standings):
        return False
    asked = folded(chosen.query).split()
    if not asked:
        return True
    text = folded(
        " ".join(
            [
                story.title,
                story.summary or "",
                *(entity.name for entity in story.entities),
                *(topic.name for topic in story.topics),
                *(source.source for source in story.sources),
            ]
        )
    )
    return all(term in text for term in asked)


def desks_of(story: Story, standings: Sequence[Standing]) -> set[str]:
    """The desks that score or were alerted to a story."""
    return {score.desk for score in story.scores} | {s.alert.desk for s in standings}


def folded(text: str) -> str:
    """For comparing: no case, no accents.

    >>> folded("Skärgård ÉLYSÉE")
    'skargard elysee'
    """
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in apart if not unicodedata.combining(character))


def best_score(story: Story, desk: str | None) -> StoryScore | None:
    """The score at a desk; without one, that of the desk nearest to an alert."""
    scores = [score for score in story.scores if desk is None or score.desk == desk]
    if len(scores) < 2:
        return scores[0] if scores else None
    return max(scores, key=lambda score: (score.score - score.threshold, score.desk), default=None)


def chosen_standing(standings: Sequence[Standing], desk: str | None) -> Standing | None:
    """The alert to show: one that waits before others, the newest of them."""
    seen = [s for s in standings if desk is None or s.alert.desk == desk]
    return max(seen, key=lambda s: (s.waiting, s.alert.raised_ms), default=None)


def place(
    story: Story,
    standings: Sequence[Standing],
    decisions: Decisions,
    desk: str | None,
    now_ms: int,
) -> Place:
    """Where a story stands, and why."""
    return Place(
        story=story,
        score=best_score(story, desk),
        standing=chosen_standing(standings, desk),
        pinned=story.story_id in decisions.pins or _runs(story.pinned_until_ms, now_ms),
        mute=muted(story, standings, decisions) if decisions.mutes else None,
    )


def muted(story: Story, standings: Sequence[Standing], decisions: Decisions) -> Mute | None:
    """The mute that silences a story."""
    return mute_on(
        decisions.mutes,
        story_id=story.story_id,
        desks=desks_of(story, standings),
        entities=_entity_names(story),
        sources={source.source for source in story.sources},
    )


def row(found: Place, decisions: Decisions, mood: Mood | None) -> Row:
    """A story's line."""
    story, score = found.story, found.score
    names = tuple(source.source for source in story.sources[:NAMES])
    return Row(
        story=story,
        language=story.languages[0] if story.languages else "und",
        score=score,
        gauge=gauge(score.score, score.low, score.high, score.threshold) if score else None,
        spark=spark(story.history, story.updated_ms),
        standing=found.standing,
        names=names,
        more_names=len(story.sources) - len(names),
        mood=mood,
        pinned=found.pinned,
        mute=found.mute,
        waiting=found.waiting,
        joining=decisions.merging.get(story.story_id),
    )


def _runs(until_ms: int | None, now_ms: int) -> bool:
    return until_ms is not None and until_ms > now_ms


def _entity_names(story: Story) -> set[str]:
    names = {entity.name for entity in story.entities}
    return names | {entity.wikidata_id for entity in story.entities if entity.wikidata_id}


def _order(line: Place) -> tuple[int, float, int]:
    """Waiting alerts, the newest first; pinned; the rest by score; muted last."""
    if line.waiting and line.standing:
        return (0, -line.standing.alert.raised_ms, 0)
    rank = 3 if line.mute else 1 if line.pinned else 2
    score = line.score.score if line.score else 0.0
    return (rank, -round(score, 2), -line.story.last_seen_ms)


def _sections(rows: Sequence[Row]) -> list[Section]:
    waiting = tuple(line for line in rows if line.waiting)
    pinned = tuple(line for line in rows if line.pinned and not line.waiting and not line.mute)
    muted = tuple(line for line in rows if line.mute)
    rest = tuple(line for line in rows if not (line.waiting or line.pinned or line.mute))
    return [
        Section("waiting", "Waiting for a decision", waiting),
        Section("pinned", "Pinned", pinned),
        Section("stories", "Stories", rest),
        Section("muted", "Muted", muted),
    ]


def _desks(
    stories: Iterable[Story],
    by_story: Mapping[str, Sequence[Standing]],
    decisions: Decisions,
    chosen: str | None,
) -> tuple[Choice, ...]:
    waiting: dict[str, int] = {desk: 0 for desk in decisions.budgets if desk}
    for story in stories:
        standings = by_story.get(story.story_id, [])
        for desk in desks_of(story, standings):
            waiting.setdefault(desk, 0)
        for each in standings:
            waiting[each.alert.desk] += each.waiting
    if chosen:
        waiting.setdefault(chosen, 0)
    return tuple(
        Choice(desk, words.desk(desk), number, desk == chosen)
        for desk, number in sorted(waiting.items())
    )


def _languages(stories: Iterable[Story], chosen: str | None) -> tuple[Choice, ...]:
    numbers: dict[str, int] = {}
    for story in stories:
        for code in story.languages:
            numbers[code] = numbers.get(code, 0) + 1
    if chosen:
        numbers.setdefault(chosen, 0)
    choices = (
        Choice(code, words.language(code), number, code == chosen)
        for code, number in numbers.items()
    )
    return tuple(sorted(choices, key=lambda choice: (-choice.count, choice.label)))
