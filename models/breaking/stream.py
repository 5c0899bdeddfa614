"""What a desk knows of its stream: who takes up stories how often, at which hours, and how stories
share that out. State, saved in pieces.
"""

from typing import Any

from models.breaking import authority, entities
from models.breaking import pickups as pickup_state
from models.breaking.authority import USUAL_MEMORY, Followed
from models.breaking.entities import Usual
from models.breaking.flow import Flow
from models.breaking.pickups import Pickup, Pickups
from models.breaking.rhythm import MINUTE_MS
from models.breaking.surprise import Surprise

ANYONE = ""
"""Stands for all sources together."""


class Stream(Flow):
    """State: the flow of sources' pick-ups, sources last seen and what follows them, usual
    entities.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, int] = {}
        self._followed: dict[str, Followed] = {}
        self._entities: dict[str, Usual] = {}

    def pick_up(self, source: str, at_ms: int) -> Pickup:
        """Count a pick-up of any story."""
        self.count(at_ms)
        previous = self._seen.get(source)
        self._seen[source] = max(at_ms, previous or 0)
        self._dirty[f"seen/{source}"] = None
        return Pickup(source, at_ms, pickup_state.idleness(previous, at_ms))

    def name(self, entity: str, end_ms: int, observed: int) -> None:
        """Independent sources named an entity in the hour before."""
        usual = self._entities.get(entity, Usual())
        self._entities[entity] = entities.observe(usual, end_ms, observed)
        self._dirty[f"entity/{entity}"] = None

    def usual(self, entity: str) -> Usual:
        """How often an entity is named."""
        return self._entities.get(entity, Usual())

    def tick(self, now_ms: int) -> bool:
        """A minute has passed; with each full hour, entities that fell silent are forgotten."""
        ended = super().tick(now_ms)
        if ended:
            self._forget_entities(now_ms)
        return ended

    def settle(self, pickups: Pickups, ended_ms: int, needed: int) -> None:
        """A story that has had its time tells how stories share the traffic, and who is followed.

        needed  sources that breaking news has
        """
        self.share(len(pickups.times_ms), pickups.times_ms[0], ended_ms)
        for later, source in enumerate(reversed(pickups.sources)):
            self._follow(source, later, needed)
            self._follow(ANYONE, later, needed, USUAL_MEMORY)

    def authority_of(self, source: str) -> float:
        """How far stories usually go after a source has taken them up, 0..1 of breaking news."""
        known, usual = (self._followed.get(name, Followed()) for name in (source, ANYONE))
        return authority.authority(known, usual)

    def judge(self, pickups: Pickups, end_ms: int, minutes: int, observed: int) -> Surprise:
        """A window of a story against its past and against other stories."""
        begin_ms = end_ms - minutes * MINUTE_MS
        return self.judged(
            first_ms=pickups.times_ms[0],
            past=sum(at_ms < begin_ms for at_ms in pickups.times_ms),
            end_ms=end_ms,
            minutes=minutes,
            observed=observed,
        )

    def _take(self, full_name: str, piece: Any) -> None:
        kind, _, name = full_name.partition("/")
        if kind == "seen":
            self._seen[name] = piece
        elif kind == "followed":
            self._followed[name] = Followed(*piece)
        elif kind == "entity":
            self._entities[name] = Usual(*piece)
        else:
            super()._take(full_name, piece)

    def _piece(self, full_name: str) -> Any:
        kind, _, name = full_name.partition("/")
        if kind == "seen":
            return self._seen[name]
        if kind == "followed":
            return list(self._followed[name])
        if kind == "entity":
            usual = self._entities.get(name)
            return usual and list(usual)
        return super()._piece(full_name)

    def _follow(
        self, source: str, later: int, needed: int, memory: float = authority.MEMORY
    ) -> None:
        past = self._followed.get(source, Followed())
        self._followed[source] = authority.observe(past, later, needed, memory)
        self._dirty[f"followed/{source}"] = None

    def _forget_entities(self, now_ms: int) -> None:
        for entity, usual in list(self._entities.items()):
            silent = entities.observe(usual, now_ms, 0)
            if entities.expected(silent) < entities.FORGOTTEN:
                del self._entities[entity]
                self._dirty[f"entity/{entity}"] = None
