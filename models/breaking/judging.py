"""What a desk says of a story: its score, by sources or by readers, and the score it asks for.

Time is the desk's and handed in.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from models.breaking import budget, lessons
from models.breaking import pickups as pickup_state
from models.breaking.budget import Peaks
from models.breaking.calibration import Probability
from models.breaking.desks import Desk
from models.breaking.evidence import Evidence, gather
from models.breaking.haste import asked, urgency
from models.breaking.lessons import Lessons
from models.breaking.orders import Orders, Override
from models.breaking.outcome import Outcome
from models.breaking.readership import QUARTER_MIN, Course, Readership
from models.breaking.recalibration import Shift, Verdict, moved, shifted
from models.breaking.rhythm import MINUTE_MS
from models.breaking.scorer import Scorer
from models.breaking.stream import Stream
from models.breaking.watched import OVER, Watched
from schemas.alert import AlertReaders
from schemas.quality_signal import QualitySignal
from schemas.story import StoryScore

BROKEN = Probability(1.0, 1.0, 1.0)
CALIBRATOR = "calibrator"
"""Its key in the versions of models."""

SURPRISING = -2.0
"""log10 of the chance from which on readers are more than usual: no story is scored by its readers
before.
"""

NONE = 2.0
"""Threshold of a desk that wants no alerts: no score reaches it."""

CAME_TRUE = {"confirmed": True, "dismissed": False, "retracted": False}
"""What an editor's verdict on a story says of its alert."""


class Said(NamedTuple):
    """What is said of a story at a moment.

    shown     as editors see it
    given     as the scorer gave it; None where it was not asked
    reach     who has it, in outcomes
    seen      the evidence behind it
    outcome   what it is about
    who       picks it up: a source, or a reader
    override  by whom it was set, if it was
    """

    shown: Probability
    given: float | None
    reach: float
    seen: Evidence
    outcome: Outcome
    who: str
    override: Override | None = None

    @property
    def told_outcome(self) -> str:
        """The outcome in an alert."""
        return f"{self.who}s={self.outcome.sources},hours={self.outcome.hours:g}"


class Judging:
    """State: what verdicts taught the desk, and the peaks that its threshold rests on.

    Peaks are scores as the scorer gave them: what verdicts teach moves the score and the threshold
    alike, so the budget is kept.
    """

    def __init__(
        self, desk: Desk, scorer: Scorer, stream: Stream, readers: Readership, orders: Orders
    ) -> None:
        self._desk = desk
        self._scorer = scorer
        self._stream = stream
        self._readers = readers
        self._orders = orders
        self._lessons = Lessons(scorer.version)
        self._peaks = Peaks()
        self._threshold: float | None = None
        self._dirty: dict[str, None] = {}

    @property
    def caution(self) -> str | None:
        """Why the score cannot be trusted now, if so."""
        return self._lessons.now.caution or None

    def said(self, story_id: str, story: Watched, now_ms: int) -> Said | None:
        """What is said of a story, by its sources or by its readers, whichever is more urgent; None
        while there is too little of either.
        """
        override = self._orders.score_at(story_id, now_ms)
        found: list[Said | None] = []
        known = len(story.pickups.times_ms) >= self._desk.least_sources
        if known or override is not None or story.is_live:
            found.append(self._by_sources(story, override, now_ms))
        if override is None:
            found.append(self._by_readers(story_id, story, now_ms))
        return max(filter(None, found), key=self._urgency, default=None)

    def said_of_alert(self, story_id: str, story: Watched, now_ms: int) -> Said:
        """What is said of a story that has an alert, however little there is of it."""
        override = self._orders.score_at(story_id, now_ms)
        return self.said(story_id, story, now_ms) or self._by_sources(story, override, now_ms)

    def raise_peak(self, story: Watched, said: Said) -> None:
        """Remember how urgent a story was while it could be warned of."""
        if said.given is not None:
            story.peak = max(story.peak, urgency(said.given, said.reach, self._scorer.haste))

    def threshold(self, now_ms: int, reach: float = 1.0) -> float:
        """The score from which on the desk is alerted, today, as editors see scores.

        reach  of a story, in outcomes: less is asked of an early one, see `haste`
        """
        level = self._level(now_ms)
        if level >= 1:
            return level
        return moved(self._lessons.shift, asked(level, min(1.0, reach), self._scorer.haste))

    def asked_of(self, said: Said, now_ms: int) -> float:
        """The threshold that a story has to pass; no less where the scorer was not asked."""
        return self.threshold(now_ms, 1.0 if said.given is None else said.reach)

    def rest(self) -> None:
        """The threshold follows from the peaks and the budget anew, when it is next asked for."""
        self._threshold = None

    def settle(self, ended_ms: int, peak: float) -> None:
        """A story whose time is over teaches the budget how high stories rise."""
        self._peaks = budget.observe(self._peaks, ended_ms, peak)
        self._dirty["peaks"] = None
        self.rest()

    def learn(self, story: Watched, now_ms: int, wall_ms: int) -> list[QualitySignal]:
        """What an editor says of a story's newest alert, or says no more, teaches the score."""
        if story.said is None:
            return []
        came_true = CAME_TRUE.get(story.verdict)
        verdict = None if came_true is None else Verdict(now_ms, story.said, came_true)
        self._lessons, signals = lessons.learned(
            self._lessons, story.alert_id, verdict, desk=self._desk.name, raised_ms=wall_ms
        )
        self._dirty["lessons"] = None
        return [*signals]

    def reasons(self, said: Said) -> list[str]:
        """Why the score is what it is, in words."""
        if said.override is not None:
            return [f"score set by {said.override.by}"]
        return self._scorer.reasons(said.seen, said.outcome, said.who)

    def told_readers(self, story_id: str, story: Watched, now_ms: int) -> AlertReaders | None:
        """The readers of a story in an alert; None where nothing is known of them."""
        course = self._course(story_id, now_ms)
        if course is None:
            return None
        quarter = self._readers.quarter(course)
        said = self._by_readers(story_id, story, now_ms)
        return AlertReaders(
            minutes=QUARTER_MIN,
            end_ms=self._readers.now_ms,
            observed=quarter.observed,
            expected=quarter.expected,
            tail_log10=quarter.tail_log10,
            total=course.total,
            score=said and said.shown.value,
            outcome=said and said.told_outcome,
        )

    def story_score(self, said: Said, now_ms: int) -> StoryScore:
        """The score as stories are told with it."""
        return StoryScore(
            desk=self._desk.name,
            score=said.shown.value,
            low=said.shown.low,
            high=said.shown.high,
            threshold=min(1.0, self.threshold(now_ms, said.reach)),
            at_ms=now_ms,
        )

    def versions(self, models: Mapping[str, str]) -> dict[str, str]:
        """Versions of the models; the calibrator's tells how verdicts have moved it."""
        versions = dict(models)
        shift = self._lessons.shift
        if shift != Shift() and CALIBRATOR in versions:
            versions[CALIBRATOR] += f" moved {shift.slope:.3f} {shift.intercept:+.3f}"
        return versions

    def evidence(self, story: Watched, now_ms: int) -> Evidence:
        """What is to be seen of a story's sources."""
        return gather(
            story.pickups,
            self._stream.traffic,
            self._stream.week,
            self._desk.outcome,
            max(now_ms, story.pickups.times_ms[0]),
        )

    def changes(self) -> dict[str, Any]:
        """The pieces of state that have changed since the last call."""
        pieces = {name: self._piece(name) for name in self._dirty}
        self._dirty.clear()
        return pieces

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what all `changes` on top of each other told of; other pieces are passed over."""
        if "peaks" in state:
            self._peaks = budget.from_state(state["peaks"])
        if "lessons" in state and state["lessons"]["scorer"] == self._scorer.version:
            self._lessons = lessons.from_state(state["lessons"])
        self._dirty.clear()

    def _piece(self, name: str) -> Any:
        if name == "peaks":
            return budget.to_state(self._peaks)
        return lessons.to_state(self._lessons)

    def _level(self, now_ms: int) -> float:
        """The urgency from which on the desk is alerted, by the scores that the scorer gives."""
        if self._threshold is None:
            given = self._orders.budget
            alerts = self._desk.alerts_per_day if given is None else given
            self._threshold = (
                budget.threshold(
                    self._peaks, alerts, prior=self._scorer.prior, now_ms=now_ms or None
                )
                if alerts
                else NONE
            )
        return self._threshold

    def _urgency(self, said: Said) -> float:
        if said.given is None:
            return said.shown.value
        return urgency(said.given, said.reach, self._scorer.haste)

    def _by_sources(self, story: Watched, override: Override | None, now_ms: int) -> Said:
        outcome = self._desk.outcome
        seen = self.evidence(story, now_ms)
        reached_ms = pickup_state.reached_ms(story.pickups, outcome.sources)
        given: float | None = None
        if override is not None:
            shown = Probability(override.value, override.value, override.value)
        elif reached_ms is not None and (
            reached_ms - story.pickups.times_ms[0] <= outcome.horizon_ms
        ):
            shown = BROKEN
        elif seen.age_ms > outcome.horizon_ms:
            shown = OVER
        else:
            shown, given = self._scored(seen, outcome)
        reach = len(story.pickups.times_ms) / outcome.sources
        return Said(shown, given, reach, seen, outcome, "source", override)

    def _by_readers(self, story_id: str, story: Watched, now_ms: int) -> Said | None:
        """None where the desk does not want it, or no more readers come than usual."""
        course, outcome = self._course(story_id, now_ms), self._desk.reader_outcome
        if course is None or outcome is None:
            return None
        seen = self._readers.evidence(course, outcome)
        flocking = self._readers.quarter(course).tail_log10 <= SURPRISING
        if seen.age_ms > outcome.horizon_ms or not (flocking or story.is_live):
            return None
        reach = course.total / outcome.sources
        shown, given = (BROKEN, None) if reach >= 1 else self._scored(seen, outcome)
        return Said(shown, given, reach, seen, outcome, "reader")

    def _scored(self, seen: Evidence, outcome: Outcome) -> tuple[Probability, float]:
        given = self._scorer.probability(seen, outcome)
        return shifted(self._lessons.shift, given), given.value

    def _course(self, story_id: str, now_ms: int) -> Course | None:
        """How readers come to a story; None where nothing was heard of any for too long."""
        silent_ms = now_ms - self._readers.now_ms
        return self._readers.of(story_id) if silent_ms <= QUARTER_MIN * MINUTE_MS else None
