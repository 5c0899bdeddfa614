"""What a desk knows of its stream: who takes up stories how often, at which hours, and how stories
share that out. State, saved in pieces.
"""

from collections.abc import Mapping
from typing import Any

from models.breaking import authority, entities, rhythm, surprise, traffic
from models.breaking import pickups as pickup_state
from models.breaking.authority import USUAL_MEMORY, Followed
from models.breaking.entities import Usual
from models.breaking.pickups import Pickup, Pickups
from models.breaking.rhythm import HOUR_MS, Profile, Rhythm
from models.breaking.surprise import Shares, Surprise
from models.breaking.traffic import HOURS_KEPT, Traffic

MINUTE_MS = 60_000
SHARES_KEPT = 300
"""Stories that tell how the stream's traffic is shared out."""

FIRST_SHARES = Shares(1.0, 100.0)
"""A story draws a hundredth of the stream, until the desk has seen others."""

FEWEST_SHARES = 20
BUSY_HOUR = 5.0
"""Pick-ups that an hour should bring for an hour without any to be a gap, not a habit."""

ANYONE = ""
"""Stands for all sources together."""

LEAST_EXPOSURE = 1e-6


class Stream:
    """State: traffic, rhythm of the week, shares of stories, sources last seen and what follows
    them, usual entities.
    """

    def __init__(self) -> None:
        self.traffic = Traffic()
        self._rhythm = Rhythm()
        self._since_ms = 0
        self._pace = 1.0
        self._hour: int | None = None
        self.week: Profile = self._profile()
        self._shares: list[tuple[int, float]] = []
        self._prior = FIRST_SHARES
        self._seen: dict[str, int] = {}
        self._followed: dict[str, Followed] = {}
        self._entities: dict[str, Usual] = {}
        self._dirty: dict[str, None] = {}

    def pick_up(self, source: str, at_ms: int) -> Pickup:
        """Count a pick-up of any story."""
        self.traffic = traffic.count(self.traffic, at_ms)
        previous = self._seen.get(source)
        self._seen[source] = max(at_ms, previous or 0)
        self._dirty |= {"traffic": None, f"seen/{source}": None}
        return Pickup(source, at_ms, pickup_state.idleness(previous, at_ms))

    def name(self, entity: str, end_ms: int, observed: int) -> None:
        """Independent sources named an entity in the hour before."""
        usual = self._entities.get(entity, Usual())
        self._entities[entity] = entities.observe(usual, end_ms, observed)
        self._dirty[f"entity/{entity}"] = None

    def usual(self, entity: str) -> Usual:
        """How often an entity is named."""
        return self._entities.get(entity, Usual())

    def tick(self, now_ms: int) -> None:
        """A minute has passed; each full hour teaches what such an hour brings."""
        hour = now_ms // HOUR_MS
        if self._hour is None:
            self._hour = hour + 1  # the first hour may be a part of one
            self._dirty["rhythm"] = None
        if hour > self._hour:
            self._learn_hours(self._hour, hour)
            self._forget_entities(now_ms)
        if not any(self._rhythm.hours):
            self._take_pace(now_ms)

    def settle(self, pickups: Pickups, ended_ms: int, needed: int) -> None:
        """A story that has had its time tells how stories share the traffic, and who is followed.

        needed  sources that breaking news has
        """
        lived = rhythm.expected(self.week, pickups.times_ms[0], ended_ms)
        self._shares = [*self._shares, (len(pickups.times_ms), lived)][-SHARES_KEPT:]
        self._prior = self._fitted()
        self._dirty["shares"] = None
        for later, source in enumerate(reversed(pickups.sources)):
            self._follow(source, later, needed)
            self._follow(ANYONE, later, needed, USUAL_MEMORY)

    def authority_of(self, source: str) -> float:
        """How far stories usually go after a source has taken them up, 0..1 of breaking news."""
        known, usual = (self._followed.get(name, Followed()) for name in (source, ANYONE))
        return authority.authority(known, usual)

    def judge(self, pickups: Pickups, end_ms: int, minutes: int, observed: int) -> Surprise:
        """A window of a story against its past and against other stories."""
        begin_ms, first_ms = end_ms - minutes * MINUTE_MS, pickups.times_ms[0]
        judged = surprise.judge(
            self._prior,
            observed=observed,
            exposure=max(LEAST_EXPOSURE, rhythm.expected(self.week, begin_ms, end_ms)),
            past=sum(at_ms < begin_ms for at_ms in pickups.times_ms),
            past_exposure=rhythm.expected(self.week, min(first_ms, begin_ms), begin_ms),
        )
        return judged._replace(tail_log10=min(0.0, judged.tail_log10))

    def changes(self) -> dict[str, Any]:
        """The pieces of state that have changed since the last call, None where one is gone."""
        pieces = {full_name: self._piece(full_name) for full_name in self._dirty}
        self._dirty.clear()
        return pieces

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what all `changes` on top of each other told of; other pieces are passed over."""
        for full_name, piece in state.items():
            kind, _, name = full_name.partition("/")
            if kind == "traffic":
                minute, minutes, hour, hours = piece
                self.traffic = Traffic(minute, tuple(minutes), hour, tuple(hours))
            elif kind == "rhythm":
                self._hour, self._since_ms, self._pace, pickups, hours = piece
                self._rhythm = Rhythm(tuple(pickups), tuple(hours))
            elif kind == "shares":
                self._shares = [(sources, lived) for sources, lived in piece]
            elif kind == "seen":
                self._seen[name] = piece
            elif kind == "followed":
                self._followed[name] = Followed(*piece)
            elif kind == "entity":
                self._entities[name] = Usual(*piece)
        self.week = self._profile()
        self._prior = self._fitted()
        self._dirty.clear()

    def _piece(self, full_name: str) -> Any:
        kind, _, name = full_name.partition("/")
        if kind == "traffic":
            return [list(v) if isinstance(v, tuple) else v for v in self.traffic]
        if kind == "rhythm":
            seen = [list(column) for column in self._rhythm]
            return [self._hour, self._since_ms, self._pace, *seen]
        if kind == "shares":
            return [list(share) for share in self._shares]
        if kind == "seen":
            return self._seen[name]
        if kind == "followed":
            return list(self._followed[name])
        usual = self._entities.get(name)
        return usual and list(usual)

    def _follow(
        self, source: str, later: int, needed: int, memory: float = authority.MEMORY
    ) -> None:
        past = self._followed.get(source, Followed())
        self._followed[source] = authority.observe(past, later, needed, memory)
        self._dirty[f"followed/{source}"] = None

    def _learn_hours(self, first: int, now: int) -> None:
        """Hours since 1970 that have passed teach the rhythm; gaps teach nothing."""
        for hour in range(max(first, now - HOURS_KEPT + 1), now):
            place = HOURS_KEPT - 1 - (self.traffic.hour - hour)
            count = self.traffic.hours[place] if 0 <= place < HOURS_KEPT else 0
            begin_ms = hour * HOUR_MS
            usual = rhythm.expected(self.week, begin_ms, begin_ms + HOUR_MS)
            if count or usual < BUSY_HOUR:
                self._rhythm = rhythm.observe(self._rhythm, begin_ms, count)
        self._hour = now
        self.week = self._profile()
        self._dirty["rhythm"] = None

    def _take_pace(self, now_ms: int) -> None:
        """Before a whole hour was seen, every hour is expected to be like the time so far."""
        self._since_ms = self._since_ms or now_ms
        lived_h = max((now_ms - self._since_ms) / HOUR_MS, 1 / 12)
        self._pace = max(1.0, sum(self.traffic.hours) / lived_h)
        self.week = self._profile()
        self._dirty["rhythm"] = None

    def _profile(self) -> Profile:
        if any(self._rhythm.hours):
            return rhythm.profile(self._rhythm)
        return rhythm.profile(Rhythm((self._pace,) * rhythm.WEEK_H, (1.0,) * rhythm.WEEK_H))

    def _fitted(self) -> Shares:
        if len(self._shares) < FEWEST_SHARES:
            return FIRST_SHARES
        return surprise.fit(*zip(*self._shares, strict=True))

    def _forget_entities(self, now_ms: int) -> None:
        for entity, usual in list(self._entities.items()):
            silent = entities.observe(usual, now_ms, 0)
            if entities.expected(silent) < entities.FORGOTTEN:
                del self._entities[entity]
                self._dirty[f"entity/{entity}"] = None
