"""How many pick-ups come when, and how stories share them out. State, saved in pieces.

A pick-up is whatever makes a story news: a source that takes it up, or a reader who comes to it.
"""

from collections.abc import Mapping
from typing import Any

from models.breaking import rhythm, surprise, traffic
from models.breaking.rhythm import HOUR_MS, MINUTE_MS, Profile, Rhythm
from models.breaking.surprise import Shares, Surprise
from models.breaking.traffic import HOURS_KEPT, Traffic

SHARES_KEPT = 300
"""Stories that tell how the traffic is shared out."""

FIRST_SHARES = Shares(1.0, 100.0)
"""A story draws a hundredth of the traffic, until others have been seen."""

FEWEST_SHARES = 20
BUSY_HOUR = 5.0
"""Pick-ups that an hour should bring for an hour without any to be a gap, not a habit."""

LEAST_EXPOSURE = 1e-6


class Flow:
    """State: traffic, rhythm of the week, and the stories' shares of it."""

    def __init__(self) -> None:
        self.traffic = Traffic()
        self._rhythm = Rhythm()
        self._since_ms = 0
        self._pace = 1.0
        self._hour: int | None = None
        self.week: Profile = self._profile()
        self._shares: list[tuple[int, float]] = []
        self._prior = FIRST_SHARES
        self._dirty: dict[str, None] = {}

    def count(self, at_ms: int, pickups: int = 1) -> None:
        """Count pick-ups of any story."""
        self.traffic = traffic.count(self.traffic, at_ms, pickups)
        self._dirty["traffic"] = None

    def tick(self, now_ms: int) -> bool:
        """A minute has passed; each full hour teaches what such an hour brings. Whether one has
        ended.
        """
        hour = now_ms // HOUR_MS
        if self._hour is None:
            self._hour = hour + 1  # the first hour may be a part of one
            self._dirty["rhythm"] = None
        ended = hour > self._hour
        if ended:
            self._learn_hours(self._hour, hour)
        if not any(self._rhythm.hours):
            self._take_pace(now_ms)
        return ended

    def share(self, pickups: int, begin_ms: int, ended_ms: int) -> None:
        """A story that has had its time tells how stories share the traffic."""
        lived = rhythm.expected(self.week, begin_ms, ended_ms)
        self._shares = [*self._shares, (pickups, lived)][-SHARES_KEPT:]
        self._prior = self._fitted()
        self._dirty["shares"] = None

    def judged(
        self, *, first_ms: int, past: int, end_ms: int, minutes: int, observed: int
    ) -> Surprise:
        """A window of a story against its past and against other stories.

        first_ms  its first pick-up
        past      pick-ups before the window
        """
        begin_ms = end_ms - minutes * MINUTE_MS
        found = surprise.judge(
            self._prior,
            observed=observed,
            exposure=max(LEAST_EXPOSURE, rhythm.expected(self.week, begin_ms, end_ms)),
            past=past,
            past_exposure=rhythm.expected(self.week, min(first_ms, begin_ms), begin_ms),
        )
        return found._replace(tail_log10=min(0.0, found.tail_log10))

    def changes(self) -> dict[str, Any]:
        """The pieces of state that have changed since the last call, None where one is gone."""
        pieces = {full_name: self._piece(full_name) for full_name in self._dirty}
        self._dirty.clear()
        return pieces

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what all `changes` on top of each other told of; other pieces are passed over."""
        for full_name, piece in state.items():
            self._take(full_name, piece)
        self.week = self._profile()
        self._prior = self._fitted()
        self._dirty.clear()

    def _take(self, full_name: str, piece: Any) -> None:
        """Restore a piece, if it is one of ours."""
        if full_name == "traffic":
            minute, minutes, hour, hours = piece
            self.traffic = Traffic(minute, tuple(minutes), hour, tuple(hours))
        elif full_name == "rhythm":
            self._hour, self._since_ms, self._pace, pickups, hours = piece
            self._rhythm = Rhythm(tuple(pickups), tuple(hours))
        elif full_name == "shares":
            self._shares = [(pickups, lived) for pickups, lived in piece]

    def _piece(self, full_name: str) -> Any:
        if full_name == "traffic":
            return [list(v) if isinstance(v, tuple) else v for v in self.traffic]
        if full_name == "rhythm":
            seen = [list(column) for column in self._rhythm]
            return [self._hour, self._since_ms, self._pace, *seen]
        if full_name == "shares":
            return [list(share) for share in self._shares]
        raise KeyError(full_name)

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
