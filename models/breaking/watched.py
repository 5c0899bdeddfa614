"""State of a story at a desk."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from models.breaking.alerting import AlertState
from models.breaking.calibration import Probability
from models.breaking.pickups import Pickups

LIVE = ("opened", "escalated", "confirmed")
"""States in which an alert stands above other news."""

OVER = Probability(0.0, 0.0, 0.0)
"""Score of a story that does not break any more."""


@dataclass
class Watched:
    """A story that a desk watches.

    number      alerts that the story has raised here
    alert_id    of the newest of them
    sequence    states of it that were told
    told        its last state, empty before the first
    peak        highest urgency (`haste`) of a score, as the scorer gave it, at which a first alert
                would have been a warning
    said        score at which the newest alert opened, as the scorer gave it; None where an editor
                set it
    verdict     what an editor said of it: confirmed, dismissed or retracted
    by          who did
    content     `telling.Content` as of the last pick-up, packed
    entities    whom and what it is mainly about, `Entity.key`; known once it has some sources
    languages   of its articles, as of then
    settled     whether its time is over and the desk has learned from it
    """

    pickups: Pickups = field(default_factory=Pickups)
    alert: AlertState = field(default_factory=AlertState)
    number: int = 0
    alert_id: str = ""
    sequence: int = 0
    told: str = ""
    expires_ms: int = 0
    peak: float = 0.0
    said: float | None = None
    score: Probability = OVER
    verdict: str = ""
    by: str = ""
    content: bytes = b""
    entities: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    settled: bool = False

    @property
    def is_live(self) -> bool:
        """Whether its alert stands."""
        return self.told in LIVE

    @property
    def is_prominent(self) -> bool:
        """Whether it is known whom it is about, or it had an alert."""
        return bool(self.entities or self.told)

    @property
    def is_refused(self) -> bool:
        """Whether an editor wants no alert of it."""
        return self.verdict in ("dismissed", "retracted")

    def take_alert(self, other: "Watched") -> None:
        """Go on with the alert, and the verdict, of a story that is part of this one now."""
        self.alert, self.number, self.alert_id = other.alert, other.number, other.alert_id
        self.sequence, self.told, self.expires_ms = other.sequence, other.told, other.expires_ms
        self.verdict, self.by, self.said = other.verdict, other.by, other.said


def alert_id(desk: str, story_id: str, number: int) -> str:
    """The id of a story's n-th alert at a desk: the same after a replay, safe in an address.

    >>> alert_id("world", "a1", 1).startswith("world.") and len(alert_id("world", "a1", 1))
    22
    """
    digest = hashlib.sha256(f"{desk}\n{story_id}\n{number}".encode())
    return f"{desk}.{digest.hexdigest()[:16]}"


def to_state(story: Watched) -> dict[str, Any]:
    """Plain values, for a checkpoint."""
    state = {name: getattr(story, name) for name in _FIELDS}
    return state | {
        "pickups": [list(column) for column in story.pickups],
        "alert": [str(story.alert.status), *story.alert[1:]],
        "score": list(story.score),
        "entities": list(story.entities),
        "languages": list(story.languages),
    }


def from_state(state: Mapping[str, Any]) -> Watched:
    """What `to_state` gave."""
    return Watched(
        **{
            **state,
            "pickups": Pickups(*(tuple(column) for column in state["pickups"])),
            "alert": AlertState(*state["alert"]),
            "score": Probability(*state["score"]),
            "entities": tuple(state.get("entities", ())),
            "languages": tuple(state.get("languages", ())),
        }
    )


_FIELDS = tuple(f.name for f in fields(Watched))
