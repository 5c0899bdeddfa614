"""The stories that a desk watches: scored as sources take them up, and each one's alert.

The desk's time is the newest event time it has seen; wall-clock time is handed in and only ever
written down.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from models.breaking import alerting, budget, lessons, watched
from models.breaking import pickups as pickup_state
from models.breaking.alerting import Policy, Status
from models.breaking.budget import Peaks
from models.breaking.calibration import Probability
from models.breaking.composing import Occasion, composed
from models.breaking.desks import Desk
from models.breaking.evidence import Evidence, gather
from models.breaking.haste import asked, urgency
from models.breaking.lessons import Lessons
from models.breaking.orders import Orders, Override
from models.breaking.outcome import Outcome
from models.breaking.outs import Out, Scored
from models.breaking.pickups import Pickup, Pickups
from models.breaking.readership import QUARTER_MIN, Course, Demand, Readership
from models.breaking.recalibration import Shift, Verdict, moved, shifted
from models.breaking.rhythm import HOUR_MS
from models.breaking.scorer import Scorer
from models.breaking.stream import Stream
from models.breaking.surroundings import ENTITIES_KEPT, surroundings
from models.breaking.watched import LIVE, OVER, Watched, alert_id
from models.stories import telling
from models.stories.neighbourhood import News
from schemas.alert import Alert, AlertReaders
from schemas.story import StoryScore

MINUTE_MS = 60_000
SETTLE_EVERY_MIN = 5
BROKEN = Probability(1.0, 1.0, 1.0)
CALIBRATOR = "calibrator"
"""Its key in the versions of models."""

SURPRISING = -2.0
"""log10 of the chance from which on readers are more than usual: no story is scored by its readers
before.
"""

NONE = 2.0
"""Threshold of a desk that wants no alerts: no score reaches it."""


@dataclass(frozen=True)
class Terms:
    """What holds at every desk.

    alert_ms     time that an alert stands above other news, from its last state on
    mute_ms      length of a mute, override or pin for which nobody said until when
    stale_ms     news that takes longer to reach us opens no alert
    """

    alert_ms: int = 2 * HOUR_MS
    mute_ms: int = 24 * HOUR_MS
    stale_ms: int = 30 * MINUTE_MS
    model_versions: Mapping[str, str] = field(default_factory=dict)


CAME_TRUE = {"confirmed": True, "dismissed": False, "retracted": False}
"""What an editor's verdict on a story says of its alert."""


class Said(NamedTuple):
    """What is said of a story at a moment.

    shown    as editors see it
    given    as the scorer gave it; None where it was not asked
    reach    who has it, in outcomes
    seen     the evidence behind it
    outcome  what it is about
    who      picks it up: a source, or a reader
    """

    shown: Probability
    given: float | None
    reach: float
    seen: Evidence
    outcome: Outcome
    who: str

    @property
    def told_outcome(self) -> str:
        """The outcome in an alert."""
        return f"{self.who}s={self.outcome.sources},hours={self.outcome.hours:g}"


class Watching:
    """State: the desk's time, its stream, its readers, its stories, what verdicts taught it, and
    the peaks that its threshold rests on.

    orders  of editors, which scores and alerts follow
    Peaks are scores as the scorer gave them: what verdicts teach moves the score and the threshold
    alike, so the budget is kept.
    """

    def __init__(self, desk: Desk, scorer: Scorer, terms: Terms, orders: Orders) -> None:
        self.desk = desk
        self.stream = Stream()
        self.readers = Readership()
        self.stories: dict[str, Watched] = {}
        self.now_ms = 0
        self._scorer = scorer
        self._terms = terms
        self._orders = orders
        self._minute = 0
        self._lessons = Lessons(scorer.version)
        self._peaks = Peaks()
        self._threshold: float | None = None
        self._dirty: dict[str, None] = {}

    def live(self) -> list[str]:
        """Stories whose alert stands."""
        return [story_id for story_id, story in self.stories.items() if story.is_live]

    def tick(self, now_ms: int, wall_ms: int) -> list[Out]:
        """Let time pass: hours teach the rhythm, open alerts are looked at once a minute."""
        self.now_ms = max(self.now_ms, now_ms)
        minute = self.now_ms // MINUTE_MS
        if minute == self._minute:
            return []
        self._minute = minute
        self._mark("now")
        self.stream.tick(self.now_ms)
        outs: list[Out] = []
        for story_id in sorted(self.live()):
            outs += self.look(story_id, wall_ms, may_open=False)
        if minute % SETTLE_EVERY_MIN == 0:
            self._settle()
            self._orders.forget(self.now_ms)
        return outs

    def pick_up(self, news: News, wall_ms: int) -> list[Out]:
        """A source takes up a story."""
        outs = self.tick(news.at_ms, wall_ms)
        pickup = self.stream.pick_up(news.source, news.at_ms)
        if self._orders.is_muted(f"source/{news.source}", self.now_ms):
            return outs
        story = self.stories.get(news.story_id)
        if story is None:
            if self.now_ms - news.first_ms > self.desk.outcome.horizon_ms:
                return outs  # whatever it does now, it does not break in time
            story = self.stories[news.story_id] = Watched()
        story.content = news.content
        story.pickups = pickup_state.add(story.pickups, pickup, capacity=self._capacity)
        self._read(story)
        self.mark_story(news.story_id)
        fresh = news.clock_ms - news.at_ms <= self._terms.stale_ms
        return outs + self.look(news.story_id, wall_ms, may_open=fresh)

    def merge(self, news: News, wall_ms: int) -> list[Out]:
        """Two stories become one; an alert goes on under its id, of two the kept story's."""
        gone = self.stories.pop(news.other, None)
        if gone is None:
            return []
        self.mark_story(news.other)
        self.readers.merge(news.other, news.story_id)
        kept = self.stories.setdefault(news.story_id, Watched())
        kept.content = news.content
        together = zip(*gone.pickups, strict=True)
        kept.pickups = pickup_state.add_all(
            kept.pickups,
            [Pickup(source, at_ms, idle) for at_ms, source, idle in together],
            capacity=self._capacity,
        )
        kept.peak = max(kept.peak, gone.peak)
        self.mark_story(news.story_id)
        outs: list[Out] = []
        if gone.is_live and kept.is_live:
            outs.append(
                self.tell(news.other, gone, "closed", wall_ms, note=f"goes on as {kept.alert_id}")
            )
        elif gone.is_live:
            kept.take_alert(gone)
        return outs + self.look(news.story_id, wall_ms, may_open=True)

    def part(self, news: News, wall_ms: int) -> list[Out]:
        """A story keeps the sources that it still has; one that left takes its own along."""
        origin = self.stories.get(news.other)
        if origin is None:
            return []
        story = origin if news.story_id == news.other else Watched()
        together = zip(*origin.pickups, strict=True)
        story.pickups = pickup_state.add_all(
            Pickups(),
            [Pickup(s, at_ms, idle) for at_ms, s, idle in together if s in news.voices],
            capacity=self._capacity,
        )
        story.content = news.content
        self.stories[news.story_id] = story
        self.mark_story(news.story_id)
        return self.look(news.story_id, wall_ms, may_open=False) if story.pickups.times_ms else []

    def expire(self, story_id: str) -> None:
        """A story takes no more articles."""
        story = self.stories.get(story_id)
        if story is not None:
            self._settle_story(story_id, story)
            self._leave(story_id)

    def hear_readers(self, demand: Demand, wall_ms: int) -> list[Out]:
        """Readers come to stories. They are shown; a desk that wants it is alerted by them, too."""
        came = self.readers.hear(demand, self.stories)
        if self.desk.reader_outcome is None:
            return []
        fresh = demand.told_ms - demand.end_ms <= self._terms.stale_ms
        return [
            out
            for story_id in came
            if self.stories[story_id].pickups.times_ms
            for out in self.look(story_id, wall_ms, may_open=fresh)
        ]

    def look(self, story_id: str, wall_ms: int, *, may_open: bool) -> list[Out]:
        """Score a story and let its alert take its course."""
        story = self.stories[story_id]
        override = self._orders.score_at(story_id, self.now_ms)
        said = self._said(story_id, story, override)
        if said is None:
            return []
        before, story.score = story.score, said.shown
        if said.reach < Policy.latest_reach and said.given is not None:
            story.peak = max(story.peak, urgency(said.given, said.reach, self._scorer.haste))
        self.mark_story(story_id)
        outs: list[Out] = []
        if story.score != before:
            outs.append(Scored(story_id, self._story_score(said)))
        if override is not None:
            said = said._replace(reach=0.0)  # an editor's score is a warning at any time
        return outs + self._alert(story_id, story, said, wall_ms, may_open=may_open)

    def learn(self, story: Watched, wall_ms: int) -> list[Out]:
        """What an editor says of a story's newest alert, or says no more, teaches the score."""
        if story.said is None:
            return []
        came_true = CAME_TRUE.get(story.verdict)
        verdict = None if came_true is None else Verdict(self.now_ms, story.said, came_true)
        self._lessons, signals = lessons.learned(
            self._lessons, story.alert_id, verdict, desk=self.desk.name, raised_ms=wall_ms
        )
        self._mark("lessons")
        return [*signals]

    def tell(
        self,
        story_id: str,
        story: Watched,
        state: str,
        wall_ms: int,
        *,
        by: str | None = None,
        note: str | None = None,
    ) -> Alert:
        """The next state of a story's alert."""
        story.sequence += 1
        story.told = state
        if state in LIVE:
            story.expires_ms = self.now_ms + self._terms.alert_ms
        self.mark_story(story_id)
        override = self._orders.score_at(story_id, self.now_ms)
        said = self._said(story_id, story, override) or self._by_sources(story, override)
        occasion = Occasion(
            state=state,  # type: ignore[arg-type]
            now_ms=self.now_ms,
            wall_ms=wall_ms,
            threshold=self._asked_of(said),
            outcome=said.told_outcome,
            reasons=self._reasons(override, said),
            model_versions=self._versions(),
            unadjusted_score=said.given,
            caution=self._lessons.now.caution or None,
            by=by,
            note=note,
            readers=self._told_readers(story_id, story),
        )
        around = surroundings(self.stories, story_id, self.now_ms)
        seen = self._evidence(story)
        return composed(self.desk, story_id, story, self.stream, seen, around, occasion)

    def threshold(self, reach: float = 1.0) -> float:
        """The score from which on the desk is alerted, today, as editors see scores.

        reach  of a story, in outcomes: less is asked of an early one, see `haste`
        """
        level = self._level()
        if level >= 1:
            return level
        return moved(self._lessons.shift, asked(level, min(1.0, reach), self._scorer.haste))

    def _asked_of(self, said: Said) -> float:
        """The threshold that a story has to pass; no less where the scorer was not asked."""
        return self.threshold(1.0 if said.given is None else said.reach)

    def _level(self) -> float:
        """The urgency from which on the desk is alerted, by the scores that the scorer gives."""
        if self._threshold is None:
            given = self._orders.budget
            alerts = self.desk.alerts_per_day if given is None else given
            self._threshold = (
                budget.threshold(
                    self._peaks, alerts, prior=self._scorer.prior, now_ms=self.now_ms or None
                )
                if alerts
                else NONE
            )
        return self._threshold

    def set_budget(self, alerts_per_day: float | None) -> None:
        """What an editor says; None leaves it to the desk's file."""
        self._orders.budget = alerts_per_day
        self._threshold = None
        self._mark("now")

    def mark_story(self, story_id: str) -> None:
        """What is known of a story has changed, or it is gone."""
        self._mark(f"story/{story_id}")

    def changes(self) -> dict[str, Any]:
        """The pieces of state that have changed since the last call, None where one is gone."""
        pieces = self.stream.changes() | self.readers.changes() | self._orders.changes()
        if pieces or self._dirty:
            self._mark("now")
        pieces |= {full_name: self._piece(full_name) for full_name in self._dirty}
        self._dirty.clear()
        return pieces

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what all `changes` on top of each other told of."""
        self.stream.restore(state)
        self.readers.restore(state)
        self._orders.restore(state)
        self.now_ms, self._minute, self._orders.budget = state["now"]
        for full_name, piece in state.items():
            kind, _, name = full_name.partition("/")
            if kind == "peaks":
                self._peaks = budget.from_state(piece)
            elif kind == "lessons" and piece["scorer"] == self._scorer.version:
                self._lessons = lessons.from_state(piece)
            elif kind == "story":
                self.stories[name] = watched.from_state(piece)
        self._dirty.clear()

    @property
    def _capacity(self) -> int:
        """Pick-ups that are kept: enough to see a story double after its alert."""
        return 4 * self.desk.outcome.sources

    def _read(self, story: Watched) -> None:
        """See whom a story is about, each time that its sources have doubled."""
        sources = len(story.pickups.times_ms)
        if sources >= self.desk.least_sources and (not story.languages or sources.bit_count() == 1):
            content = telling.from_bytes(story.content)
            story.entities = tuple(entity.key for entity in content.entities[:ENTITIES_KEPT])
            story.languages = content.languages

    def _alert(
        self,
        story_id: str,
        story: Watched,
        said: Said,
        wall_ms: int,
        *,
        may_open: bool,
    ) -> list[Out]:
        live = story.is_live
        if live and self.now_ms >= story.expires_ms:
            story.alert = story.alert._replace(status=Status.CLOSED, since_ms=self.now_ms)
            return [self.tell(story_id, story, "closed", wall_ms, note="its time is over")]
        if story.verdict in ("dismissed", "retracted") or not (live or may_open):
            return []
        level = self._asked_of(said)
        policy = Policy(threshold=level, latest_reach=Policy.latest_reach)
        after, told = alerting.step(
            story.alert,
            policy,
            now_ms=self.now_ms,
            score=story.score.value,
            sources=max(len(story.pickups.times_ms), self.desk.least_sources),
            reach=said.reach,
        )
        if told is None or (told is Status.CLOSED and story.verdict == "confirmed"):
            return []
        if told is Status.OPENED and self._silenced(story_id, story):
            return []
        story.alert = after
        if told is Status.OPENED:
            story.number += 1
            story.alert_id = alert_id(self.desk.name, story_id, story.number)
            story.sequence, story.said = 0, said.given
        note = None
        if told is Status.CLOSED:
            level = policy.release * policy.threshold
            note = f"the score fell to {story.score.value:.2f}, below {level:.2f}"
        return [self.tell(story_id, story, str(told), wall_ms, note=note)]

    def _silenced(self, story_id: str, story: Watched) -> bool:
        named = telling.from_bytes(story.content).entities
        names = {name for entity in named for name in (entity.key, entity.name.casefold())}
        subjects = ["desk", f"story/{story_id}", *(f"entity/{name}" for name in sorted(names))]
        return any(self._orders.is_muted(subject, self.now_ms) for subject in subjects)

    def _evidence(self, story: Watched) -> Evidence:
        return gather(
            story.pickups,
            self.stream.traffic,
            self.stream.week,
            self.desk.outcome,
            max(self.now_ms, story.pickups.times_ms[0]),
        )

    def _said(self, story_id: str, story: Watched, override: Override | None) -> Said | None:
        """What is said of a story, by its sources or by its readers, whichever is more urgent; None
        while there is too little of either.
        """
        found: list[Said | None] = []
        known = len(story.pickups.times_ms) >= self.desk.least_sources
        if known or override is not None or story.is_live:
            found.append(self._by_sources(story, override))
        if override is None:
            found.append(self._by_readers(story_id, story))
        return max(filter(None, found), key=self._urgency, default=None)

    def _urgency(self, said: Said) -> float:
        if said.given is None:
            return said.shown.value
        return urgency(said.given, said.reach, self._scorer.haste)

    def _by_sources(self, story: Watched, override: Override | None) -> Said:
        outcome = self.desk.outcome
        seen = self._evidence(story)
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
        return Said(shown, given, reach, seen, outcome, "source")

    def _by_readers(self, story_id: str, story: Watched) -> Said | None:
        """None where the desk does not want it, or no more readers come than usual."""
        course, outcome = self._course(story_id), self.desk.reader_outcome
        if course is None or outcome is None:
            return None
        seen = self.readers.evidence(course, outcome)
        flocking = self.readers.quarter(course).tail_log10 <= SURPRISING
        if seen.age_ms > outcome.horizon_ms or not (flocking or story.is_live):
            return None
        reach = course.total / outcome.sources
        shown, given = (BROKEN, None) if reach >= 1 else self._scored(seen, outcome)
        return Said(shown, given, reach, seen, outcome, "reader")

    def _scored(self, seen: Evidence, outcome: Outcome) -> tuple[Probability, float]:
        given = self._scorer.probability(seen, outcome)
        return shifted(self._lessons.shift, given), given.value

    def _course(self, story_id: str) -> Course | None:
        """How readers come to a story; None where nothing was heard of any for too long."""
        silent_ms = self.now_ms - self.readers.now_ms
        return self.readers.of(story_id) if silent_ms <= QUARTER_MIN * MINUTE_MS else None

    def _told_readers(self, story_id: str, story: Watched) -> AlertReaders | None:
        course = self._course(story_id)
        if course is None:
            return None
        quarter = self.readers.quarter(course)
        said = self._by_readers(story_id, story)
        return AlertReaders(
            minutes=QUARTER_MIN,
            end_ms=self.readers.now_ms,
            observed=quarter.observed,
            expected=quarter.expected,
            tail_log10=quarter.tail_log10,
            total=course.total,
            score=said and said.shown.value,
            outcome=said and said.told_outcome,
        )

    def _versions(self) -> dict[str, str]:
        """Versions of the models; the calibrator's tells how verdicts have moved it."""
        versions = dict(self._terms.model_versions)
        shift = self._lessons.shift
        if shift != Shift() and CALIBRATOR in versions:
            versions[CALIBRATOR] += f" moved {shift.slope:.3f} {shift.intercept:+.3f}"
        return versions

    def _story_score(self, said: Said) -> StoryScore:
        return StoryScore(
            desk=self.desk.name,
            score=said.shown.value,
            low=said.shown.low,
            high=said.shown.high,
            threshold=min(1.0, self.threshold(said.reach)),
            at_ms=self.now_ms,
        )

    def _reasons(self, override: Override | None, said: Said) -> list[str]:
        if override is not None:
            return [f"score set by {override.by}"]
        return self._scorer.reasons(said.seen, said.outcome, said.who)

    def _settle(self) -> None:
        """Stories whose time has run out teach the budget and the shares of the traffic."""
        self._threshold = None
        for story_id, story in list(self.stories.items()):
            if not story.pickups.times_ms:
                continue
            if self.now_ms - story.pickups.times_ms[0] > self.desk.outcome.horizon_ms:
                self._settle_story(story_id, story)
                if not story.number:
                    self._leave(story_id)

    def _settle_story(self, story_id: str, story: Watched) -> None:
        if story.settled or not story.pickups.times_ms:
            return
        story.settled = True
        self.mark_story(story_id)
        first_ms = story.pickups.times_ms[0]
        ended_ms = min(self.now_ms, first_ms + self.desk.outcome.horizon_ms)
        self._peaks = budget.observe(self._peaks, ended_ms, story.peak)
        self.stream.settle(story.pickups, ended_ms, self.desk.outcome.sources)
        self.readers.settle(story_id, first_ms, ended_ms)
        self._threshold = None
        self._mark("peaks")

    def _leave(self, story_id: str) -> None:
        """Watch a story no more."""
        del self.stories[story_id]
        self.readers.forget(story_id)
        self.mark_story(story_id)

    def _mark(self, full_name: str) -> None:
        self._dirty[full_name] = None

    def _piece(self, full_name: str) -> Any:
        kind, _, name = full_name.partition("/")
        if kind == "now":
            return [self.now_ms, self._minute, self._orders.budget]
        if kind == "peaks":
            return budget.to_state(self._peaks)
        if kind == "lessons":
            return lessons.to_state(self._lessons)
        story = self.stories.get(name)
        return story and watched.to_state(story)
