"""The stories that a desk watches: scored as sources take them up, and each one's alert.

The desk's time is the newest event time it has seen; wall-clock time is handed in and only ever
written down.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.breaking import alerting, watched
from models.breaking import pickups as pickup_state
from models.breaking.alerting import Policy, Status
from models.breaking.composing import Occasion, composed
from models.breaking.desks import Desk
from models.breaking.judging import Judging, Said
from models.breaking.orders import Orders
from models.breaking.outs import Out, Scored
from models.breaking.pickups import Pickup, Pickups
from models.breaking.readership import Demand, Readership
from models.breaking.rhythm import HOUR_MS, MINUTE_MS
from models.breaking.scorer import Scorer
from models.breaking.stream import Stream
from models.breaking.surroundings import ENTITIES_KEPT, surroundings
from models.breaking.watched import LIVE, Watched, alert_id
from models.stories import telling
from models.stories.neighbourhood import News
from schemas.alert import Alert

SETTLE_EVERY_MIN = 5


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


class Watching:
    """State: the desk's time, its stream, its readers, its stories, and how it judges them.

    orders  of editors, which scores and alerts follow
    """

    def __init__(self, desk: Desk, scorer: Scorer, terms: Terms, orders: Orders) -> None:
        self.desk = desk
        self.stream = Stream()
        self.readers = Readership()
        self.stories: dict[str, Watched] = {}
        self.now_ms = 0
        self._terms = terms
        self._orders = orders
        self._judging = Judging(desk, scorer, self.stream, self.readers, orders)
        self._minute = 0
        self._dirty: dict[str, None] = {}
        self._prominent: dict[str, Watched] = {}

    def live(self) -> list[str]:
        """Stories whose alert stands."""
        return [story_id for story_id, story in self._prominent.items() if story.is_live]

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
        heard_as = (f"source/{name}" for name in (news.source, news.masthead))
        if any(self._orders.is_muted(subject, self.now_ms) for subject in heard_as):
            return outs
        story = self.stories.get(news.story_id)
        if story is None:
            if self.now_ms - news.first_ms > self.desk.outcome.horizon_ms:
                return outs  # whatever it does now, it does not break in time
            story = self.stories[news.story_id] = self._new(news.story_id)
        story.content = news.content
        story.pickups = pickup_state.add(story.pickups, pickup, capacity=self._capacity)
        self._read(story)
        self.mark_story(news.story_id)
        fresh = news.clock_ms - news.at_ms <= self._terms.stale_ms
        return outs + self.look(news.story_id, wall_ms, may_open=fresh)

    def merge(self, news: News, wall_ms: int) -> list[Out]:
        """Two stories become one; an alert goes on under its id, of two the kept story's.

        What editors said of either holds for both.
        """
        self._orders.follow(news.other, news.story_id, self.now_ms)
        gone = self.stories.pop(news.other, None)
        if gone is None:
            return []
        self.mark_story(news.other)
        self.readers.merge(news.other, news.story_id)
        kept = self.stories.get(news.story_id) or self._new(news.story_id)
        self.stories[news.story_id] = kept
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
        elif gone.is_live and kept.is_refused:
            note = f"part of a story that was {kept.verdict}"
            outs.append(self.tell(news.other, gone, "closed", wall_ms, note=note))
        elif gone.is_live or not (kept.number or kept.verdict):
            kept.take_alert(gone)
            self.mark_story(news.story_id)
        return outs + self.look(news.story_id, wall_ms, may_open=True)

    def part(self, news: News, wall_ms: int) -> list[Out]:
        """A story keeps the sources that it still has; one that left takes its own along.

        One that left with none, as with copies alone, is watched from its first pick-up on; what
        stays with none keeps its first, so that an alert ends as the score falls.
        """
        origin = self.stories.get(news.other)
        if origin is None:
            return []
        together = [Pickup(s, at_ms, idle) for at_ms, s, idle in zip(*origin.pickups, strict=True)]
        taken = [pickup for pickup in together if pickup.source in news.voices]
        stays = news.story_id == news.other
        if not (taken or stays):
            return []
        story = origin if stays else self._new(news.story_id)
        story.pickups = pickup_state.add_all(
            Pickups(), taken or together[:1], capacity=self._capacity
        )
        story.content = news.content
        self.stories[news.story_id] = story
        self.mark_story(news.story_id)
        return self.look(news.story_id, wall_ms, may_open=False)

    def expire(self, story_id: str) -> None:
        """A story takes no more articles."""
        self._orders.retract(story_id, None)
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
        said = self._judging.said(story_id, story, self.now_ms)
        if said is None:
            return []
        before, story.score = story.score, said.shown
        if said.reach < Policy.latest_reach:
            self._judging.raise_peak(story, said)
        self.mark_story(story_id)
        outs: list[Out] = []
        if story.score != before:
            outs.append(Scored(story_id, self._judging.story_score(said, self.now_ms)))
        if said.override is not None:
            said = said._replace(reach=0.0)  # an editor's score is a warning at any time
        return outs + self._alert(story_id, story, said, wall_ms, may_open=may_open)

    def learn(self, story: Watched, wall_ms: int) -> list[Out]:
        """What an editor says of a story's newest alert, or says no more, teaches the score."""
        return [*self._judging.learn(story, self.now_ms, wall_ms)]

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
        """The next state of a story's alert. What is said of one that is over lets it stand no
        longer.
        """
        over = story.told == "closed" and state != "opened"
        story.sequence += 1
        story.told = state
        if state in LIVE and over:
            story.expires_ms = min(story.expires_ms, self.now_ms)
        elif state in LIVE:
            story.expires_ms = self.now_ms + self._terms.alert_ms
        self.mark_story(story_id)
        said = self._judging.said_of_alert(story_id, story, self.now_ms)
        occasion = Occasion(
            state=state,  # type: ignore[arg-type]
            now_ms=self.now_ms,
            wall_ms=wall_ms,
            threshold=self._judging.asked_of(said, self.now_ms),
            outcome=said.told_outcome,
            reasons=self._judging.reasons(said),
            model_versions=self._judging.versions(self._terms.model_versions),
            unadjusted_score=said.given,
            caution=self._judging.caution,
            by=by,
            note=note,
            readers=self._judging.told_readers(story_id, story, self.now_ms),
        )
        around = surroundings(self._prominent, story_id, self.now_ms)
        seen = self._judging.evidence(story, self.now_ms)
        return composed(self.desk, story_id, story, self.stream, seen, around, occasion)

    def threshold(self) -> float:
        """The score from which on the desk is alerted, today, as editors see scores."""
        return self._judging.threshold(self.now_ms)

    def set_budget(self, alerts_per_day: float | None) -> None:
        """What an editor says; None leaves it to the desk's file."""
        self._orders.budget = alerts_per_day
        self._judging.rest()
        self._mark("now")

    def mark_story(self, story_id: str) -> None:
        """What is known of a story has changed, or it is gone."""
        self._mark(f"story/{story_id}")
        self._notice(story_id)

    def changes(self) -> dict[str, Any]:
        """The pieces of state that have changed since the last call, None where one is gone."""
        pieces = self.stream.changes() | self.readers.changes()
        pieces |= self._orders.changes() | self._judging.changes()
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
        self._judging.restore(state)
        self.now_ms, self._minute, self._orders.budget = state["now"]
        self._dirty.clear()
        for full_name, piece in state.items():
            kind, _, name = full_name.partition("/")
            if kind == "story":
                story = watched.from_state(piece)
                if story.pickups.times_ms:
                    self.stories[name] = story
                    self._notice(name)
                else:  # of 0.7.0 and before: nothing could be said of it
                    self.mark_story(name)

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
        if story.is_refused or not (live or may_open):
            return []
        level = self._judging.asked_of(said, self.now_ms)
        policy = Policy(threshold=level, latest_reach=Policy.latest_reach)
        after, told = alerting.step(
            story.alert,
            policy,
            now_ms=self.now_ms,
            score=story.score.value,
            sources=max(len(story.pickups.times_ms), self.desk.least_sources),
            reach=said.reach,
        )
        if told is None or (told is not Status.OPENED and story.verdict == "confirmed"):
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

    def _settle(self) -> None:
        """Stories whose time has run out teach the budget and the shares of the traffic."""
        self._judging.rest()
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
        self._judging.settle(ended_ms, story.peak)
        self.stream.settle(story.pickups, ended_ms, self.desk.outcome.sources)
        self.readers.settle(story_id, first_ms, ended_ms)

    def _leave(self, story_id: str) -> None:
        """Watch a story no more."""
        del self.stories[story_id]
        self.readers.forget(story_id)
        self.mark_story(story_id)

    def _new(self, story_id: str) -> Watched:
        """A story that was not watched; it may be retracted already."""
        by = self._orders.retracted_by(story_id)
        return Watched(verdict="retracted", by=by) if by else Watched()

    def _notice(self, story_id: str) -> None:
        """Keep the few that alerts are told of, or that stand around one, apart from the many."""
        story = self.stories.get(story_id)
        if story is not None and story.is_prominent:
            self._prominent[story_id] = story
        else:
            self._prominent.pop(story_id, None)

    def _mark(self, full_name: str) -> None:
        self._dirty[full_name] = None

    def _piece(self, full_name: str) -> Any:
        kind, _, name = full_name.partition("/")
        if kind == "now":
            return [self.now_ms, self._minute, self._orders.budget]
        story = self.stories.get(name)
        return story and watched.to_state(story)
