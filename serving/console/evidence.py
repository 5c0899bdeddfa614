"""A story opened: why it is here, its course, who carries it, and what was decided."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from models.breaking import outcome as outcomes
from models.breaking.outcome import Outcome
from schemas.alert import Alert, AlertEntity, AlertReaders, AlertWindow
from schemas.errors import SettingError
from schemas.quality_signal import QualitySignal
from schemas.story import Story, StoryBurst, StoryScore
from serving.console import words
from serving.console.articles import ArticleView
from serving.console.decisions import Decision, Decisions
from serving.console.mood import Mood
from serving.console.plots import Gauge, Timeline, gauge, timeline
from serving.console.wall import Standing, best_score, chosen_standing, standing

WIDE = 400
"""Width of the gauge of a story."""

ARTICLES = 60
"""Articles of a story that are listed."""

STATES = {
    "opened": "Alert opened",
    "escalated": "Alert escalated",
    "confirmed": "Confirmed",
    "dismissed": "Dismissed",
    "corrected": "Corrected",
    "closed": "Alert closed",
}
CALIBRATION_KINDS = ("calibration",)


@dataclass(frozen=True)
class Window:
    """Independent sources in a window, in numbers and in words."""

    minutes: int
    observed: int
    expected: float
    odds: str
    share: float


@dataclass(frozen=True)
class Readers:
    """Readers who came to the story until its alert was told, in numbers and in words."""

    minutes: int
    end_ms: int
    observed: int
    expected: float
    odds: str
    total: int


@dataclass(frozen=True)
class Source:
    """A masthead of the story; `copy` where it only repeats others.

    after_ms  how long after the first source
    again     its owner group was counted before
    """

    name: str
    owner: str | None
    first_seen_ms: int
    after_ms: int
    copies: int
    copy: bool
    again: bool


@dataclass(frozen=True)
class Event:
    """Something that happened to the alert, for the log."""

    at_ms: int
    what: str
    by: str | None
    note: str | None
    pending: bool = False


@dataclass(frozen=True)
class Calibration:
    """What the score means, for people.

    who  the outcome is about: independent sources, or readers
    """

    score: str
    interval: str
    out_of_100: int
    outcome: Outcome | None
    who: str
    threshold: str
    desk: str
    versions: tuple[tuple[str, str], ...]
    doubts: tuple[QualitySignal, ...]


@dataclass(frozen=True)
class Detail:
    """Everything that the page of a story shows."""

    story: Story
    standing: Standing | None
    others: tuple[Standing, ...]
    score: StoryScore | None
    gauge: Gauge | None
    carried: str
    reasons: tuple[str, ...]
    windows: tuple[Window, ...]
    readers: Readers | None
    timeline: Timeline | None
    sources: tuple[Source, ...]
    entities: tuple[AlertEntity, ...]
    articles: tuple[ArticleView, ...]
    more_articles: int
    calibration: Calibration | None
    events: tuple[Event, ...]
    mood: Mood | None
    pinned: bool
    muted: bool
    overridden: Decision | None


def build(
    story: Story,
    alerts: Iterable[Alert],
    states: Mapping[str, Sequence[Alert]],
    decisions: Decisions,
    articles: Sequence[ArticleView],
    signals: Iterable[QualitySignal],
    mood: Mood | None,
    desk: str | None,
    muted: bool,
    now_ms: int,
) -> Detail:
    """The page of a story.

    alerts    about this story, the newest states
    states    every state of them, by alert_id
    articles  its articles, the newest first
    """
    standings = [standing(alert, decisions) for alert in alerts]
    chosen = chosen_standing(standings, desk)
    alert = chosen.alert if chosen else None
    score = _score(story, alert, desk)
    log = _events(states.get(alert.alert_id, []) if alert else [], story, alert, decisions)
    marks = [(event.at_ms, event.what) for event in reversed(log) if event.what in MARKED]
    until_ms = max(story.updated_ms, *(state.at_ms for state in [alert] if state), 0)
    return Detail(
        story=story,
        standing=chosen,
        others=tuple(other for other in standings if other is not chosen),
        score=score,
        gauge=gauge(score.score, score.low, score.high, score.threshold, WIDE) if score else None,
        carried=carried(story),
        reasons=tuple(alert.reasons) if alert else (),
        windows=windows(story, alert),
        readers=readers(alert.readers) if alert and alert.readers else None,
        timeline=timeline(story.history, until_ms, score.threshold if score else None, marks),
        sources=sources(story),
        entities=tuple(alert.entities) if alert else (),
        articles=tuple(articles[:ARTICLES]),
        more_articles=max(story.articles - len(articles[:ARTICLES]), 0),
        calibration=_calibration(score, alert, signals),
        events=tuple(log),
        mood=mood,
        pinned=story.story_id in decisions.pins
        or (story.pinned_until_ms is not None and story.pinned_until_ms > now_ms),
        muted=muted,
        overridden=_override(decisions, story.story_id, score.desk if score else desk),
    )


MARKED = {*STATES.values(), "Retracted"}
"""Events that the timeline marks."""


def carried(story: Story) -> str:
    """By how many sources, how fast, and what did not count."""
    many = story.independent_sources
    took = words.duration(story.last_seen_ms - story.first_seen_ms)
    said = (
        "One source carries it so far."
        if many == 1
        else f"{many} independent sources carry it, the newest article {took} after the first."
    )
    if story.copies:
        said += f" {story.copies} {'copy' if story.copies == 1 else 'copies'} did not count."
    return said


def windows(story: Story, alert: Alert | None) -> tuple[Window, ...]:
    """The newest windows of the story; those of the alert where the story has none."""
    found: Sequence[StoryBurst | AlertWindow] = story.bursts or (alert.windows if alert else [])
    most = max((max(w.observed, w.expected) for w in found), default=0) or 1
    return tuple(
        Window(w.minutes, w.observed, w.expected, words.odds(w.tail_log10), w.observed / most)
        for w in sorted(found, key=lambda w: w.minutes)
    )


def readers(seen: AlertReaders) -> Readers:
    """Readers as the page shows them."""
    return Readers(
        minutes=seen.minutes,
        end_ms=seen.end_ms,
        observed=seen.observed,
        expected=seen.expected,
        odds=words.odds(seen.tail_log10),
        total=seen.total,
    )


def sources(story: Story) -> tuple[Source, ...]:
    """Who carries the story, the first one first; what counts and what does not."""
    counted: set[str] = set()
    first_ms = min((source.first_seen_ms for source in story.sources), default=0)
    found = []
    for source in sorted(story.sources, key=lambda source: source.first_seen_ms):
        copy = source.copies >= source.articles
        voice = source.owner or source.source
        found.append(
            Source(
                name=source.source,
                owner=source.owner,
                first_seen_ms=source.first_seen_ms,
                after_ms=source.first_seen_ms - first_ms,
                copies=source.copies,
                copy=copy,
                again=not copy and voice in counted,
            )
        )
        if not copy:
            counted.add(voice)
    return tuple(found)


def _score(story: Story, alert: Alert | None, desk: str | None) -> StoryScore | None:
    """The newest of the story's score at the alert's desk and the score of the alert itself."""
    wanted = alert.desk if alert else desk
    score = best_score(story, wanted)
    if alert is None or (score is not None and score.at_ms >= alert.at_ms):
        return score
    return StoryScore(
        desk=alert.desk,
        score=alert.score,
        low=alert.low,
        high=alert.high,
        threshold=alert.threshold,
        at_ms=alert.at_ms,
    )


def _calibration(
    score: StoryScore | None, alert: Alert | None, signals: Iterable[QualitySignal]
) -> Calibration | None:
    if score is None:
        return None
    doubts = {signal.key: signal for signal in signals if signal.kind.startswith(CALIBRATION_KINDS)}
    return Calibration(
        score=words.likely(score.score),
        interval=words.likely_interval(score.low, score.high),
        out_of_100=round(score.score * 100),
        outcome=_outcome(alert),
        who="readers" if _about_readers(alert) else "independent sources",
        threshold=words.percent(score.threshold),
        desk=score.desk,
        versions=tuple(sorted(alert.model_versions.items())) if alert else (),
        doubts=tuple(doubts.values()),
    )


def _outcome(alert: Alert | None) -> Outcome | None:
    try:
        return outcomes.parse(alert.outcome.replace(_READERS, "sources=", 1)) if alert else None
    except SettingError:
        return None


def _about_readers(alert: Alert | None) -> bool:
    return alert is not None and alert.outcome.startswith(_READERS)


_READERS = "readers="
"""How the outcome of an alert begins that was raised by readers."""


def _override(decisions: Decisions, story_id: str, desk: str | None) -> Decision | None:
    return decisions.overrides.get((story_id, desk)) or decisions.overrides.get((story_id, None))


def _events(
    states: Sequence[Alert], story: Story, alert: Alert | None, decisions: Decisions
) -> list[Event]:
    """What happened, the newest first: states by the job, and commands that it has not answered."""
    log = [Event(state.at_ms, STATES[state.state], state.by, state.note) for state in states]
    log.append(Event(story.first_seen_ms, "First article", None, None))
    for decision in decisions.all:
        command = decision.command
        about_it = command.story_id == story.story_id or (
            alert is not None and command.alert_id == alert.alert_id
        )
        told_by_job = command.kind in {"confirm", "dismiss"} and decision.outcome == "applied"
        if about_it and not (told_by_job and not decision.undone):
            log.append(_said(decision))
    return sorted(log, key=lambda event: -event.at_ms)


DONE = {
    "confirm": "Confirm",
    "dismiss": "Dismiss",
    "mute": "Muted",
    "unmute": "Unmuted",
    "pin": "Pinned",
    "unpin": "Unpinned",
    "override_score": "Score set by hand",
    "clear_override": "Score back to the model",
    "merge": "Merged",
    "split": "Split",
    "retract": "Retracted",
}


def _said(decision: Decision) -> Event:
    what = DONE.get(decision.command.kind, decision.command.kind.replace("_", " ").capitalize())
    if decision.undone:
        what += ", taken back"
    elif decision.outcome == "refused":
        what += ", refused"
    return Event(
        decision.command.issued_ms,
        what,
        decision.command.author,
        decision.detail if decision.outcome == "refused" else decision.command.reason,
        pending=decision.outcome == "pending" and not decision.undone,
    )


def moments(story: Story) -> list[tuple[int, int, float, float]]:
    """The course as a table: begin of the stretch, observed, expected, score; the newest first."""
    return [
        (moment.at_ms, moment.observed, moment.expected, moment.score)
        for moment in sorted(story.history, key=lambda moment: -moment.at_ms)
    ]
