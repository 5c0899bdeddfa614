"""A desk at work: pick-ups, windows and commands in; scores, alerts and answers out.

State in memory, saved in pieces like that of `models.stories`.
"""

from collections.abc import Mapping
from typing import Any

from models.breaking.desks import Desk
from models.breaking.orders import Orders
from models.breaking.outs import Burst, Out, Windows
from models.breaking.pickups import Pickups
from models.breaking.readership import Demand
from models.breaking.scorer import Scorer
from models.breaking.steering import Steering
from models.breaking.watched import Watched
from models.breaking.watching import Terms, Watching
from models.stories.neighbourhood import News
from schemas.editorial import EditorialCommand
from schemas.story import StoryBurst


class DeskAtWork:
    """State of one desk, and what it does."""

    def __init__(self, desk: Desk, scorer: Scorer, terms: Terms) -> None:
        orders = Orders()
        self.desk = desk
        self._watching = Watching(desk, scorer, terms, orders)
        self._steering = Steering(self._watching, orders, terms)

    @property
    def now_ms(self) -> int:
        """Event time of the desk."""
        return self._watching.now_ms

    @property
    def stories(self) -> Mapping[str, Watched]:
        """What is watched."""
        return self._watching.stories

    def live(self) -> list[str]:
        """Stories whose alert stands."""
        return self._watching.live()

    def threshold(self) -> float:
        """The score from which on the desk is alerted, today."""
        return self._watching.threshold()

    def hear(self, news: News, wall_ms: int) -> list[Out]:
        """Take in news of a story."""
        if news.kind == "pickup":
            return self._watching.pick_up(news, wall_ms)
        if news.kind == "merged":
            return self._watching.merge(news, wall_ms)
        if news.kind == "parted":
            return self._watching.part(news, wall_ms)
        if news.kind == "expired":
            self._watching.expire(news.story_id)
        return []

    def judge(self, windows: Windows) -> list[Out]:
        """Observed against expected in a window of time; entities are only noted."""
        counted = zip(windows.names, windows.observed, strict=True)
        if windows.kind == "entity":
            for name, observed in counted:
                self._watching.stream.name(name, windows.end_ms, observed)
            return []
        return [
            self._burst(name, story.pickups, windows, observed)
            for name, observed in counted
            if (story := self._watching.stories.get(name)) and story.pickups.times_ms
        ]

    def _burst(self, name: str, pickups: Pickups, windows: Windows, observed: int) -> Burst:
        end_ms, minutes = windows.end_ms, windows.minutes
        judged = self._watching.stream.judge(pickups, end_ms, minutes, observed)
        burst = StoryBurst(
            minutes=minutes,
            window_end_ms=end_ms,
            observed=observed,
            expected=judged.expected,
            tail_log10=judged.tail_log10,
        )
        return Burst(name, burst)

    def hear_readers(self, demand: Demand, wall_ms: int) -> list[Out]:
        """Take in which stories readers came to."""
        return self._watching.hear_readers(demand, wall_ms)

    def tick(self, now_ms: int, wall_ms: int) -> list[Out]:
        """Let time pass."""
        return self._watching.tick(now_ms, wall_ms)

    def command(self, command: EditorialCommand, wall_ms: int) -> list[Out]:
        """Do what an editor says, and answer."""
        issued_ms = min(command.issued_ms, wall_ms)  # whatever the editor's clock says
        outs = self.tick(issued_ms, wall_ms) if self.now_ms else []
        return [*outs, *self._steering.obey(command, wall_ms)]

    def take_back(
        self, undo: EditorialCommand, undone: EditorialCommand, wall_ms: int
    ) -> list[Out]:
        """Restore what a command changed."""
        return self._steering.take_back(undo, undone, wall_ms)

    def changes(self) -> dict[str, Any]:
        """The pieces of state that have changed since the last call, None where one is gone."""
        return self._watching.changes()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what all `changes` on top of each other told of."""
        self._watching.restore(state)
