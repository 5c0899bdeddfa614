"""State of what editors ordered at a desk and still holds: mutes, scores set by hand, the budget.

Saved in pieces; `before` of an effect is what an undo restores.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from models.breaking.rhythm import HOUR_MS
from schemas.editorial import EditorialCommand

EFFECT_KEPT_MS = 24 * HOUR_MS
"""How long a command can be taken back."""


class Override(NamedTuple):
    """A score that an editor set, until when, and who."""

    value: float
    until_ms: int
    by: str


class Effect(NamedTuple):
    """What a command changed: when, of whom or what, what it was before, which of its sides
    (`SIDES`; empty in a savepoint of 0.7.0 or before), and its number among them.
    """

    at_ms: int
    subject: str
    before: Any
    side: str = ""
    number: int = 0


SIDES = {
    **dict.fromkeys(("confirm", "dismiss", "retract"), "verdict"),
    **dict.fromkeys(("mute", "unmute"), "mute"),
    **dict.fromkeys(("override_score", "clear_override"), "score"),
    "set_budget": "budget",
}
"""What kinds of commands change: later ones of a side hide earlier ones about the same subject."""


class Orders:
    """State: the budget, mutes by subject, scores by story, retracted stories, effects by
    command.
    """

    def __init__(self) -> None:
        self.budget: float | None = None
        self._held: dict[str, dict[str, Any]] = {
            "mute": {},
            "override": {},
            "retracted": {},
            "effect": {},
        }
        self._dirty: dict[str, None] = {}

    def mute(self, subject: str, until_ms: int | None) -> None:
        """Mute a subject (`muted_key`); None lets it be heard again."""
        self._put("mute", subject, until_ms)

    def muted_until_ms(self, subject: str) -> int | None:
        """When a mute ends; None where there is none."""
        until_ms: int | None = self._held["mute"].get(subject)
        return until_ms

    def is_muted(self, subject: str, now_ms: int) -> bool:
        """Whether a subject is muted; a mute ends by itself."""
        until_ms = self.muted_until_ms(subject)
        if until_ms is not None and until_ms <= now_ms:
            self.mute(subject, None)
            return False
        return until_ms is not None

    def set_score(self, story_id: str, override: Override | None) -> None:
        """Set the score of a story by hand; None leaves it to the model."""
        self._put("override", story_id, override)

    def score_of(self, story_id: str) -> Override | None:
        """The score that was set for a story, whether it still holds or not."""
        override: Override | None = self._held["override"].get(story_id)
        return override

    def score_at(self, story_id: str, now_ms: int) -> Override | None:
        """The score that holds; it ends by itself."""
        override = self.score_of(story_id)
        if override is not None and override.until_ms <= now_ms:
            self.set_score(story_id, None)
            return None
        return override

    def retract(self, story_id: str, by: str | None) -> None:
        """A story is retracted, watched or not; None takes it back."""
        if by or self.retracted_by(story_id):
            self._put("retracted", story_id, by)

    def retracted_by(self, story_id: str) -> str | None:
        """Who retracted a story, if anybody did."""
        by: str | None = self._held["retracted"].get(story_id)
        return by

    def follow(self, gone_id: str, kept_id: str, now_ms: int) -> None:
        """A story is part of another one now, and what was ordered of it holds there.

        A score that was set for the other one stays, of two mutes the longer.
        """
        override = self.score_of(gone_id)
        if override is not None:
            self.set_score(gone_id, None)
            if self.score_at(kept_id, now_ms) is None:
                self.set_score(kept_id, override)
        gone, kept = f"story/{gone_id}", f"story/{kept_id}"
        until_ms = self.muted_until_ms(gone)
        if until_ms is not None:
            self.mute(gone, None)
            self.mute(kept, max(until_ms, self.muted_until_ms(kept) or 0))
        self.retract(gone_id, None)  # the verdict on what is watched goes along with it
        subjects = {gone_id: kept_id, gone: kept}
        for command_id, effect in list(self._held["effect"].items()):
            if effect.subject in subjects:
                self._put("effect", command_id, effect._replace(subject=subjects[effect.subject]))

    def remember(self, command_id: str, effect: Effect) -> None:
        """Keep what a command changed, for an undo."""
        number = 1 + max((known.number for known in self._held["effect"].values()), default=0)
        self._put("effect", command_id, effect._replace(number=number))

    def take_back(self, command_id: str) -> Effect | None:
        """What a command changed, once; None where it is not known any more."""
        effect: Effect | None = self._held["effect"].get(command_id)
        if effect is not None:
            self._put("effect", command_id, None)
        return effect

    def hidden(self, effect: Effect) -> bool:
        """Whether a later command changed the same. That one, taken back, then restores what was
        before both.
        """
        about = (effect.subject, effect.side)
        later = {
            other.number: command_id
            for command_id, other in self._held["effect"].items()
            if (other.subject, other.side) == about and other.number > effect.number
        }
        if not later:
            return False
        command_id = later[min(later)]
        newer = self._held["effect"][command_id]
        self._put("effect", command_id, newer._replace(before=effect.before))
        return True

    def forget(self, now_ms: int) -> None:
        """Let go of what has ended, and of effects that nobody may take back any more."""
        for subject in list(self._held["mute"]):
            self.is_muted(subject, now_ms)
        for story_id in list(self._held["override"]):
            self.score_at(story_id, now_ms)
        for command_id, effect in list(self._held["effect"].items()):
            if effect.at_ms < now_ms - EFFECT_KEPT_MS:
                self._put("effect", command_id, None)

    def changes(self) -> dict[str, Any]:
        """The pieces of state that have changed since the last call, None where one is gone.

        The budget is the desk's to keep.
        """
        pieces = {full_name: self._piece(full_name) for full_name in self._dirty}
        self._dirty.clear()
        return pieces

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what all `changes` on top of each other told of; other pieces are passed over."""
        made: dict[str, Callable[[Any], Any]] = {
            "mute": int,
            "override": lambda piece: Override(*piece),
            "retracted": str,
            "effect": lambda piece: Effect(*piece),
        }
        for full_name, piece in state.items():
            kind, _, name = full_name.partition("/")
            if kind in made:
                self._held[kind][name] = made[kind](piece)
        self._dirty.clear()

    def _put(self, kind: str, name: str, value: Any) -> None:
        if value is None:
            self._held[kind].pop(name, None)
        else:
            self._held[kind][name] = value
        self._dirty[f"{kind}/{name}"] = None

    def _piece(self, full_name: str) -> Any:
        kind, _, name = full_name.partition("/")
        value = self._held[kind].get(name)
        return list(value) if isinstance(value, tuple) else value


def muted_key(command: EditorialCommand) -> str:
    """What a mute is about: `story/ID`, `entity/NAME`, `source/NAME` or `desk`."""
    if command.story_id:
        return f"story/{command.story_id}"
    if command.entity:
        name = command.entity
        linked = name[:1] == "Q" and name[1:].isdigit()
        return f"entity/{name if linked else name.casefold()}"
    return f"source/{command.source}" if command.source else "desk"
