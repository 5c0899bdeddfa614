"""A desk at work: pick-ups, windows and commands in; scores, alerts and answers out.

State in memory, saved in pieces like that of `models.stories`. The desk's time is the newest event
time it has seen; wall-clock time is handed in and only ever written down.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from models.breaking import alerting, budget, entities, watched
from models.breaking import pickups as pickup_state
from models.breaking.alerting import Policy, Status
from models.breaking.budget import Peaks
from models.breaking.calibration import Probability
from models.breaking.commands import UNDOABLE, audited
from models.breaking.desks import Desk
from models.breaking.evidence import Evidence, gather
from models.breaking.pickups import Pickup, Pickups
from models.breaking.rhythm import HOUR_MS
from models.breaking.scorer import Scorer
from models.breaking.stream import Stream
from models.breaking.watched import LIVE, OVER, Watched, alert_id
from models.stories import telling
from models.stories.neighbourhood import News
from models.stories.telling import Content
from schemas.alert import Alert, AlertArticle, AlertEntity, AlertSource, AlertWindow
from schemas.editorial import AuditEntry, EditorialCommand
from schemas.errors import CommandRefused
from schemas.story import StoryBurst, StoryScore

MINUTE_MS = 60_000
WINDOWS_MIN = (5, 15, 60)
SETTLE_EVERY_MIN = 5
EFFECT_KEPT_MS = 24 * HOUR_MS
"""How long a command can be taken back."""

ENTITIES_TOLD = 5
BROKEN = Probability(1.0, 1.0, 1.0)


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


class Burst(NamedTuple):
    """A window of a story, judged."""

    story_id: str
    burst: StoryBurst


class Scored(NamedTuple):
    """BreakingScore of a story."""

    story_id: str
    score: StoryScore


class Window(NamedTuple):
    """Independent sources of a story (or naming an entity) in a window that has ended."""

    kind: str
    name: str
    minutes: int
    end_ms: int
    observed: int


Out = Alert | Scored | Burst | AuditEntry


class Override(NamedTuple):
    """A score that an editor set, until when, and who."""

    value: float
    until_ms: int
    by: str


class DeskAtWork:
    """State of one desk, and what it does."""

    def __init__(self, desk: Desk, scorer: Scorer, terms: Terms) -> None:
        self.desk = desk
        self._scorer = scorer
        self._terms = terms
        self.now_ms = 0
        self._minute = 0
        self._stream = Stream()
        self._peaks = Peaks()
        self._budget: float | None = None
        self._threshold: float | None = None
        self._mutes: dict[str, int] = {}
        self._overrides: dict[str, Override] = {}
        self._effects: dict[str, list[Any]] = {}
        self.stories: dict[str, Watched] = {}
        self._dirty: dict[str, None] = {}

    # ── what comes in ──────────────────────────────────────────────────────────────────────────

    def hear(self, news: News, wall_ms: int) -> list[Out]:
        """Take in news of a story."""
        if news.kind == "pickup":
            return self._pick_up(news, wall_ms)
        if news.kind == "merged":
            return self._merge(news, wall_ms)
        if news.kind == "parted":
            return self._part(news, wall_ms)
        if news.kind == "expired":
            self._forget(news.story_id)
        return []

    def judge(self, window: Window) -> list[Out]:
        """Observed against expected in a window."""
        if window.kind == "entity":
            self._stream.name(window.name, window.end_ms, window.observed)
            return []
        story = self.stories.get(window.name)
        if story is None or not story.pickups.times_ms:
            return []
        judged = self._stream.judge(story.pickups, window.end_ms, window.minutes, window.observed)
        return [
            Burst(
                window.name,
                StoryBurst(
                    minutes=window.minutes,
                    window_end_ms=window.end_ms,
                    observed=window.observed,
                    expected=judged.expected,
                    tail_log10=judged.tail_log10,
                ),
            )
        ]

    def tick(self, now_ms: int, wall_ms: int) -> list[Out]:
        """Let time pass: hours teach the rhythm, open alerts are looked at once a minute."""
        self.now_ms = max(self.now_ms, now_ms)
        minute = self.now_ms // MINUTE_MS
        if minute == self._minute:
            return []
        self._minute = minute
        self._mark("now")
        self._stream.tick(self.now_ms)
        outs: list[Out] = []
        for story_id in sorted(self.live()):
            outs += self._look(story_id, wall_ms, may_open=False)
        if minute % SETTLE_EVERY_MIN == 0:
            self._settle()
            self._end_effects()
        return outs

    def live(self) -> list[str]:
        """Stories whose alert stands."""
        return [story_id for story_id, story in self.stories.items() if story.is_live]

    def command(self, command: EditorialCommand, wall_ms: int) -> list[Out]:
        """Do what an editor says, and answer."""
        issued_ms = min(command.issued_ms, wall_ms)  # whatever the editor's clock says
        outs = self.tick(issued_ms, wall_ms) if self.now_ms else []
        try:
            done, more = self._do(command, wall_ms)
        except CommandRefused as refusal:
            return [*outs, self._answer(command, "refused", str(refusal), wall_ms)]
        answer = [self._answer(command, "applied", done, wall_ms)] if done else []
        return [*outs, *more, *answer]

    def take_back(
        self, undo: EditorialCommand, undone: EditorialCommand, wall_ms: int
    ) -> list[Out]:
        """Restore what a command changed."""
        effect = self._effects.pop(undone.command_id, None)
        if effect is None or undone.kind not in UNDOABLE:
            detail = f"{undone.kind} {undone.command_id} cannot be taken back here any more"
            return [self._answer(undo, "refused", detail, wall_ms)]
        self._mark("effect", undone.command_id)
        _, name, before = effect
        outs = self._restore_effect(undone.kind, name, before, undo, wall_ms)
        return [*outs, self._answer(undo, "applied", f"{undone.kind} taken back", wall_ms)]

    # ── stories ────────────────────────────────────────────────────────────────────────────────

    def _pick_up(self, news: News, wall_ms: int) -> list[Out]:
        outs = self.tick(news.at_ms, wall_ms)
        pickup = self._stream.pick_up(news.source, news.at_ms)
        if self._muted(f"source/{news.source}"):
            return outs
        story = self.stories.get(news.story_id)
        if story is None:
            if self.now_ms - news.first_ms > self.desk.outcome.horizon_ms:
                return outs  # whatever it does now, it does not break in time
            story = self.stories[news.story_id] = Watched()
        story.content = news.content
        story.pickups = pickup_state.add(story.pickups, pickup, capacity=self._capacity)
        self._mark("story", news.story_id)
        fresh = news.clock_ms - news.at_ms <= self._terms.stale_ms
        return outs + self._look(news.story_id, wall_ms, may_open=fresh)

    @property
    def _capacity(self) -> int:
        """Pick-ups that are kept: enough to see a story double after its alert."""
        return 4 * self.desk.outcome.sources

    def _merge(self, news: News, wall_ms: int) -> list[Out]:
        """Two stories become one; an alert goes on under its id, of two the kept story's."""
        gone = self.stories.pop(news.other, None)
        if gone is None:
            return []
        self._mark("story", news.other)
        kept = self.stories.setdefault(news.story_id, Watched())
        kept.content = news.content
        together = zip(*gone.pickups, strict=True)
        kept.pickups = pickup_state.add_all(
            kept.pickups,
            [Pickup(source, at_ms, idle) for at_ms, source, idle in together],
            capacity=self._capacity,
        )
        kept.peak = max(kept.peak, gone.peak)
        self._mark("story", news.story_id)
        outs: list[Out] = []
        if gone.is_live and kept.is_live:
            outs.append(
                self._tell(news.other, gone, "closed", wall_ms, note=f"goes on as {kept.alert_id}")
            )
        elif gone.is_live:
            kept.take_alert(gone)
        return outs + self._look(news.story_id, wall_ms, may_open=True)

    def _part(self, news: News, wall_ms: int) -> list[Out]:
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
        self._mark("story", news.story_id)
        return self._look(news.story_id, wall_ms, may_open=False) if story.pickups.times_ms else []

    def _forget(self, story_id: str) -> None:
        story = self.stories.get(story_id)
        if story is not None:
            self._settle_story(story_id, story)
            del self.stories[story_id]
            self._mark("story", story_id)

    def _look(self, story_id: str, wall_ms: int, *, may_open: bool) -> list[Out]:
        """Score a story and let its alert take its course."""
        story = self.stories[story_id]
        sources = len(story.pickups.times_ms)
        override = self._override(story_id)
        if sources < self.desk.least_sources and override is None and not story.is_live:
            return []
        evidence = self._evidence(story)
        before = story.score
        story.score = self._score(story, evidence, override)
        reach = 0.0 if override else sources / self.desk.outcome.sources
        if reach < Policy.latest_reach and override is None and story.score != OVER:
            story.peak = max(story.peak, story.score.value)
        self._mark("story", story_id)
        outs: list[Out] = []
        if story.score != before:
            outs.append(Scored(story_id, self._story_score(story)))
        return outs + self._alert(story_id, story, reach, wall_ms, may_open=may_open)

    def _alert(
        self, story_id: str, story: Watched, reach: float, wall_ms: int, *, may_open: bool
    ) -> list[Out]:
        live = story.is_live
        if live and self.now_ms >= story.expires_ms:
            story.alert = story.alert._replace(status=Status.CLOSED, since_ms=self.now_ms)
            return [self._tell(story_id, story, "closed", wall_ms, note="its time is over")]
        if story.verdict in ("dismissed", "retracted") or not (live or may_open):
            return []
        policy = Policy(threshold=self.threshold(), latest_reach=Policy.latest_reach)
        after, told = alerting.step(
            story.alert,
            policy,
            now_ms=self.now_ms,
            score=story.score.value,
            sources=len(story.pickups.times_ms),
            reach=reach,
        )
        if told is None or (told is Status.CLOSED and story.verdict == "confirmed"):
            return []
        if told is Status.OPENED and self._silenced(story_id, story):
            return []
        story.alert = after
        if told is Status.OPENED:
            story.number += 1
            story.alert_id = alert_id(self.desk.name, story_id, story.number)
            story.sequence = 0
        note = None
        if told is Status.CLOSED:
            level = policy.release * policy.threshold
            note = f"the score fell to {story.score.value:.2f}, below {level:.2f}"
        return [self._tell(story_id, story, str(told), wall_ms, note=note)]

    def _tell(
        self,
        story_id: str,
        story: Watched,
        state: str,
        wall_ms: int,
        *,
        by: str | None = None,
        note: str | None = None,
    ) -> Alert:
        """The next state of a story's alert, with its evidence."""
        story.sequence += 1
        story.told = state
        if state in LIVE:
            story.expires_ms = self.now_ms + self._terms.alert_ms
        self._mark("story", story_id)
        content = telling.from_bytes(story.content)
        evidence = self._evidence(story)
        return Alert(
            alert_id=story.alert_id,
            desk=self.desk.name,
            story_id=story_id,
            state=state,  # type: ignore[arg-type]
            sequence=story.sequence,
            at_ms=self.now_ms,
            raised_ms=wall_ms,
            expires_ms=story.expires_ms if state in LIVE else self.now_ms,
            score=story.score.value,
            low=story.score.low,
            high=story.score.high,
            threshold=min(1.0, self.threshold()),
            outcome=f"sources={self.desk.outcome.sources},hours={self.desk.outcome.hours:g}",
            title=content.title,
            summary=content.summary,
            languages=list(content.languages),
            windows=[self._window(story, minutes) for minutes in WINDOWS_MIN],
            sources=[
                AlertSource(
                    source=s.source,
                    owner=s.owner,
                    first_seen_ms=s.first_ms,
                    article_id=s.article_id,
                    copies=s.copies,
                )
                for s in content.sources
            ],
            independent_sources=len(story.pickups.times_ms),
            copies_discounted=content.copies,
            entities=self._bursting(content, evidence),
            lead_articles=[
                AlertArticle(
                    article_id=lead.article_id, title=lead.title, source=lead.source, url=lead.url
                )
                for lead in content.leads
            ],
            reasons=self._reasons(story_id, evidence),
            model_versions=dict(self._terms.model_versions),
            by=by,
            note=note,
        )

    # ── scores ─────────────────────────────────────────────────────────────────────────────────

    def threshold(self) -> float:
        """The score from which on the desk is alerted, today."""
        if self._threshold is None:
            alerts = self.desk.alerts_per_day if self._budget is None else self._budget
            self._threshold = (
                budget.threshold(
                    self._peaks, alerts, prior=self._scorer.prior, now_ms=self.now_ms or None
                )
                if alerts
                else 2.0  # a budget of none: no score reaches it
            )
        return self._threshold

    def _evidence(self, story: Watched) -> Evidence:
        return gather(
            story.pickups,
            self._stream.traffic,
            self._stream.week,
            self.desk.outcome,
            max(self.now_ms, story.pickups.times_ms[0]),
        )

    def _score(self, story: Watched, evidence: Evidence, override: Override | None) -> Probability:
        outcome = self.desk.outcome
        if override is not None:
            return Probability(override.value, override.value, override.value)
        reached_ms = pickup_state.reached_ms(story.pickups, outcome.sources)
        if reached_ms is not None and reached_ms - story.pickups.times_ms[0] <= outcome.horizon_ms:
            return BROKEN
        if evidence.age_ms > outcome.horizon_ms:
            return OVER
        return self._scorer.probability(evidence, outcome)

    def _story_score(self, story: Watched) -> StoryScore:
        return StoryScore(
            desk=self.desk.name,
            score=story.score.value,
            low=story.score.low,
            high=story.score.high,
            threshold=min(1.0, self.threshold()),
            at_ms=self.now_ms,
        )

    def _window(self, story: Watched, minutes: int) -> AlertWindow:
        begin_ms = self.now_ms - minutes * MINUTE_MS
        observed = sum(begin_ms <= at_ms <= self.now_ms for at_ms in story.pickups.times_ms)
        judged = self._stream.judge(story.pickups, self.now_ms, minutes, observed)
        return AlertWindow(
            minutes=minutes,
            observed=observed,
            expected=judged.expected,
            tail_log10=judged.tail_log10,
        )

    def _bursting(self, content: Content, evidence: Evidence) -> list[AlertEntity]:
        """Entities that more sources name than usual, the most surprising first."""
        found = []
        for entity in content.entities:
            usual = self._stream.usual(entity.key)
            within = usual.observed if usual.end_ms >= self.now_ms - entities.WINDOW_MS else 0
            observed = max(within, int(min(entity.articles, evidence.last_60)))
            expected = entities.expected(usual)
            if observed > expected:
                found.append(
                    AlertEntity(
                        name=entity.name,
                        wikidata_id=entity.wikidata_id,
                        observed=observed,
                        expected=expected,
                    )
                )
        return sorted(found, key=lambda e: (e.expected - e.observed, e.name))[:ENTITIES_TOLD]

    def _reasons(self, story_id: str, evidence: Evidence) -> list[str]:
        override = self._override(story_id)
        if override is not None:
            return [f"score set by {override.by}"]
        return self._scorer.reasons(evidence, self.desk.outcome)

    # ── time ───────────────────────────────────────────────────────────────────────────────────

    def _settle(self) -> None:
        """Stories whose time has run out teach the budget and the shares of the traffic."""
        self._threshold = None
        for story_id, story in list(self.stories.items()):
            if not story.pickups.times_ms:
                continue
            if self.now_ms - story.pickups.times_ms[0] > self.desk.outcome.horizon_ms:
                self._settle_story(story_id, story)
                if not story.number:
                    del self.stories[story_id]
                    self._mark("story", story_id)

    def _settle_story(self, story_id: str, story: Watched) -> None:
        if story.settled or not story.pickups.times_ms:
            return
        story.settled = True
        self._mark("story", story_id)
        first_ms = story.pickups.times_ms[0]
        ended_ms = min(self.now_ms, first_ms + self.desk.outcome.horizon_ms)
        self._peaks = budget.observe(self._peaks, ended_ms, story.peak)
        self._stream.settle(story.pickups, ended_ms)
        self._threshold = None
        self._mark("peaks")

    # ── editors ────────────────────────────────────────────────────────────────────────────────

    def _do(self, command: EditorialCommand, wall_ms: int) -> tuple[str, list[Out]]:
        """What changed, in words, and what it leads to; no words where nothing concerns the desk.

        Raises CommandRefused.
        """
        if command.kind in ("confirm", "dismiss"):
            return self._verdict(command, wall_ms)
        if command.kind == "retract":
            return self._retract(command, wall_ms)
        if command.kind in ("override_score", "clear_override"):
            return self._set_score(command, wall_ms)
        if command.kind == "set_budget":
            self._remember(command, "", self._budget)
            self._set_budget(command.value)
            return f"{command.value:g} alerts a day", []
        return self._mute(command), []

    def _verdict(self, command: EditorialCommand, wall_ms: int) -> tuple[str, list[Out]]:
        story_id, story = self._of_alert(str(command.alert_id))
        if story.told == "corrected":
            raise CommandRefused(f"alert {command.alert_id} was corrected: the story is retracted")
        self._remember(command, story_id, self._standing(story))
        confirmed = command.kind == "confirm"
        story.verdict = "confirmed" if confirmed else "dismissed"
        story.by = command.author
        if not confirmed:
            story.alert = story.alert._replace(status=Status.CLOSED, since_ms=self.now_ms)
        told = self._tell(
            story_id, story, story.verdict, wall_ms, by=command.author, note=command.reason
        )
        return f"alert {story.verdict}", [told]

    def _retract(self, command: EditorialCommand, wall_ms: int) -> tuple[str, list[Out]]:
        story_id = str(command.story_id)
        story = self.stories.get(story_id)
        if story is None:
            return "", []
        self._remember(command, story_id, self._standing(story))
        story.verdict, story.by = "retracted", command.author
        self._mark("story", story_id)
        if not story.number or story.told in ("dismissed", "corrected"):
            return "the story raises no alert any more", []
        told = self._tell(
            story_id, story, "corrected", wall_ms, by=command.author, note=command.reason
        )
        return "alert corrected", [told]

    def _set_score(self, command: EditorialCommand, wall_ms: int) -> tuple[str, list[Out]]:
        story_id = str(command.story_id)
        if story_id not in self.stories:
            raise CommandRefused(f"story {story_id} is not watched at {self.desk.name}")
        before = self._overrides.get(story_id)
        self._remember(command, story_id, before and list(before))
        if command.kind == "clear_override":
            if before is None:
                raise CommandRefused(f"no score of {story_id} is set at {self.desk.name}")
            self._put("override", story_id, None)
            return "the model scores it again", self._look(story_id, wall_ms, may_open=True)
        assert command.value is not None
        until_ms = self._until(command)
        self._put("override", story_id, Override(command.value, until_ms, command.author))
        return f"score {command.value:g}", self._look(story_id, wall_ms, may_open=True)

    def _mute(self, command: EditorialCommand) -> str:
        key = muted_key(command)
        self._remember(command, key, self._mutes.get(key))
        if command.kind == "unmute":
            if key not in self._mutes:
                raise CommandRefused(f"{key} is not muted at {self.desk.name}")
            self._put("mute", key, None)
            return f"{key} is heard again"
        self._put("mute", key, self._until(command))
        return f"{key} raises no alerts"

    def _of_alert(self, wanted: str) -> tuple[str, Watched]:
        for story_id, story in self.stories.items():
            if story.alert_id == wanted:
                return story_id, story
        raise CommandRefused(f"alert {wanted} is not known at {self.desk.name}")

    def _until(self, command: EditorialCommand) -> int:
        begin_ms = max(self.now_ms, command.issued_ms)
        return command.until_ms if command.until_ms is not None else begin_ms + self._terms.mute_ms

    def _override(self, story_id: str) -> Override | None:
        """The override that holds; it ends by itself."""
        override = self._overrides.get(story_id)
        if override is not None and override.until_ms <= self.now_ms:
            self._put("override", story_id, None)
            return None
        return override

    def _muted(self, key: str) -> bool:
        until_ms = self._mutes.get(key)
        if until_ms is not None and until_ms <= self.now_ms:
            self._put("mute", key, None)
            return False
        return until_ms is not None

    def _silenced(self, story_id: str, story: Watched) -> bool:
        named = telling.from_bytes(story.content).entities
        names = {name for entity in named for name in (entity.key, entity.name.casefold())}
        keys = ["desk", f"story/{story_id}", *(f"entity/{name}" for name in sorted(names))]
        return any(self._muted(key) for key in keys)

    def _remember(self, command: EditorialCommand, name: str, before: Any) -> None:
        """What it was before, for an undo."""
        self._effects[command.command_id] = [max(self.now_ms, command.issued_ms), name, before]
        self._mark("effect", command.command_id)

    def _end_effects(self) -> None:
        for command_id, effect in list(self._effects.items()):
            if effect[0] < self.now_ms - EFFECT_KEPT_MS:
                del self._effects[command_id]
                self._mark("effect", command_id)

    def _restore_effect(
        self, kind: str, name: str, before: Any, undo: EditorialCommand, wall_ms: int
    ) -> list[Out]:
        if kind == "set_budget":
            self._set_budget(before)
            return []
        if kind in ("mute", "unmute"):
            self._put("mute", name, before)
            return []
        if kind in ("override_score", "clear_override"):
            self._put("override", name, before and Override(*before))
            return self._look(name, wall_ms, may_open=True) if name in self.stories else []
        story = self.stories.get(name)
        if story is None:
            return []
        status, told, verdict, by = before
        changed = story.told != told
        story.alert = story.alert._replace(status=status)
        story.verdict, story.by = verdict, by
        self._mark("story", name)
        if not changed:
            return []
        return [self._tell(name, story, told, wall_ms, by=undo.author, note=undo.reason)]

    def _standing(self, story: Watched) -> list[str]:
        return [str(story.alert.status), story.told, story.verdict, story.by]

    def _set_budget(self, alerts_per_day: float | None) -> None:
        self._budget = alerts_per_day
        self._threshold = None
        self._mark("now")

    def _put(self, kind: str, name: str, value: Any) -> None:
        every: dict[str, dict[str, Any]] = {"mute": self._mutes, "override": self._overrides}
        held = every[kind]
        if value is None:
            held.pop(name, None)
        else:
            held[name] = value
        self._mark(kind, name)

    def _answer(
        self, command: EditorialCommand, outcome: str, detail: str, wall_ms: int
    ) -> AuditEntry:
        return audited(command, outcome, detail, at_ms=wall_ms, desk=self.desk.name)

    # ── pieces of state ────────────────────────────────────────────────────────────────────────

    def _mark(self, kind: str, name: str = "") -> None:
        self._dirty[f"{kind}/{name}" if name else kind] = None

    def changes(self) -> dict[str, Any]:
        """The pieces of state that have changed since the last call, None where one is gone."""
        pieces = self._stream.changes()
        if pieces or self._dirty:
            self._mark("now")
        pieces |= {full_name: self._piece(full_name) for full_name in self._dirty}
        self._dirty.clear()
        return pieces

    def _piece(self, full_name: str) -> Any:
        kind, _, name = full_name.partition("/")
        if kind == "now":
            return [self.now_ms, self._minute, self._budget]
        if kind == "peaks":
            return budget.to_state(self._peaks)
        if kind == "story":
            story = self.stories.get(name)
            return story and watched.to_state(story)
        every: dict[str, Mapping[str, Any]] = {
            "mute": self._mutes,
            "override": self._overrides,
            "effect": self._effects,
        }
        value = every[kind].get(name)
        return list(value) if isinstance(value, tuple) else value

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what all `changes` on top of each other told of."""
        self._stream.restore(state)
        self.now_ms, self._minute, self._budget = state["now"]
        for full_name, piece in state.items():
            kind, _, name = full_name.partition("/")
            if kind == "peaks":
                self._peaks = budget.from_state(piece)
            elif kind == "story":
                self.stories[name] = watched.from_state(piece)
            elif kind == "mute":
                self._mutes[name] = piece
            elif kind == "override":
                self._overrides[name] = Override(*piece)
            elif kind == "effect":
                self._effects[name] = piece
        self._dirty.clear()


def muted_key(command: EditorialCommand) -> str:
    """What a mute is about: `story/ID`, `entity/NAME`, `source/NAME` or `desk`."""
    if command.story_id:
        return f"story/{command.story_id}"
    if command.entity:
        name = command.entity
        linked = name[:1] == "Q" and name[1:].isdigit()
        return f"entity/{name if linked else name.casefold()}"
    return f"source/{command.source}" if command.source else "desk"
