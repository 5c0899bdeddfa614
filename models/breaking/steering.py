"""Editors' commands at a desk: done, refused, taken back."""

from typing import Any

from models.breaking.alerting import Status
from models.breaking.commands import UNDOABLE, audited
from models.breaking.orders import SIDES, Effect, Orders, Override, muted_key
from models.breaking.outs import Out
from models.breaking.watched import Watched
from models.breaking.watching import Terms, Watching
from schemas.editorial import AuditEntry, EditorialCommand
from schemas.errors import CommandRefused


class Steering:
    """Applies commands to what a desk watches and to the orders that hold there; no own state."""

    def __init__(self, watching: Watching, orders: Orders, terms: Terms) -> None:
        self._watching = watching
        self._orders = orders
        self._terms = terms

    def obey(self, command: EditorialCommand, wall_ms: int) -> list[Out]:
        """Do what an editor says, and answer."""
        try:
            done, outs = self._do(command, wall_ms)
        except CommandRefused as refusal:
            return [self._answer(command, "refused", str(refusal), wall_ms)]
        answer = [self._answer(command, "applied", done, wall_ms)] if done else []
        return [*outs, *answer]

    def take_back(
        self, undo: EditorialCommand, undone: EditorialCommand, wall_ms: int
    ) -> list[Out]:
        """Restore what a command changed."""
        effect = self._orders.take_back(undone.command_id)
        if effect is None or undone.kind not in UNDOABLE:
            detail = f"{undone.kind} {undone.command_id} cannot be taken back here any more"
            return [self._answer(undo, "refused", detail, wall_ms)]
        if self._orders.hidden(effect):
            done = f"{undone.kind} taken back; a later command about the same stands"
            return [self._answer(undo, "applied", done, wall_ms)]
        outs = self._restore(undone.kind, effect, undo, wall_ms)
        return [*outs, self._answer(undo, "applied", f"{undone.kind} taken back", wall_ms)]

    def _do(self, command: EditorialCommand, wall_ms: int) -> tuple[str, list[Out]]:
        """What changed, in words, and what it leads to; no words where nothing concerns the desk.

        Raises CommandRefused.
        """
        if command.kind in ("confirm", "dismiss"):
            return self._judge(command, wall_ms)
        if command.kind == "retract":
            return self._retract(command, wall_ms)
        if command.kind in ("override_score", "clear_override"):
            return self._set_score(command, wall_ms)
        if command.kind == "set_budget":
            self._remember(command, "", self._orders.budget)
            self._watching.set_budget(command.value)
            return f"{command.value:g} alerts a day", []
        return self._mute(command, wall_ms), []

    def _judge(self, command: EditorialCommand, wall_ms: int) -> tuple[str, list[Out]]:
        story_id, story = self._of_alert(str(command.alert_id))
        if story.verdict == "retracted":
            raise CommandRefused(f"the story of alert {command.alert_id} is retracted")
        self._remember(command, story_id, _standing(story))
        confirmed = command.kind == "confirm"
        story.verdict = "confirmed" if confirmed else "dismissed"
        story.by = command.author
        if not confirmed:
            now_ms = self._watching.now_ms
            story.alert = story.alert._replace(status=Status.CLOSED, since_ms=now_ms)
        told = self._watching.tell(
            story_id, story, story.verdict, wall_ms, by=command.author, note=command.reason
        )
        return f"alert {story.verdict}", [told, *self._watching.learn(story, wall_ms)]

    def _retract(self, command: EditorialCommand, wall_ms: int) -> tuple[str, list[Out]]:
        story_id = str(command.story_id)
        story = self._watching.stories.get(story_id)
        self._remember(command, story_id, story and _standing(story))
        self._orders.retract(story_id, command.author)
        if story is None:
            return "", []
        story.verdict, story.by = "retracted", command.author
        self._watching.mark_story(story_id)
        if not story.number or story.told in ("dismissed", "corrected"):
            return "the story raises no alert any more", []
        told = self._watching.tell(
            story_id, story, "corrected", wall_ms, by=command.author, note=command.reason
        )
        return "alert corrected", [told, *self._watching.learn(story, wall_ms)]

    def _set_score(self, command: EditorialCommand, wall_ms: int) -> tuple[str, list[Out]]:
        story_id, desk = str(command.story_id), self._watching.desk.name
        if story_id not in self._watching.stories:
            raise CommandRefused(f"story {story_id} is not watched at {desk}")
        before = self._orders.score_of(story_id)
        self._remember(command, story_id, before and list(before))
        if command.kind == "clear_override":
            if before is None:
                raise CommandRefused(f"no score of {story_id} is set at {desk}")
            self._orders.set_score(story_id, None)
            return "the model scores it again", self._look(story_id, wall_ms)
        assert command.value is not None
        override = Override(command.value, self._until_ms(command, wall_ms), command.author)
        self._orders.set_score(story_id, override)
        return f"score {command.value:g}", self._look(story_id, wall_ms)

    def _mute(self, command: EditorialCommand, wall_ms: int) -> str:
        subject = muted_key(command)
        before = self._orders.muted_until_ms(subject)
        self._remember(command, subject, before)
        if command.kind == "unmute":
            if before is None:
                raise CommandRefused(f"{subject} is not muted at {self._watching.desk.name}")
            self._orders.mute(subject, None)
            return f"{subject} is heard again"
        self._orders.mute(subject, self._until_ms(command, wall_ms))
        return f"{subject} raises no alerts"

    def _restore(
        self, kind: str, effect: Effect, undo: EditorialCommand, wall_ms: int
    ) -> list[Out]:
        subject, before = effect.subject, effect.before
        if kind == "set_budget":
            self._watching.set_budget(before)
            return []
        if kind in ("mute", "unmute"):
            self._orders.mute(subject, before)
            return []
        if kind in ("override_score", "clear_override"):
            self._orders.set_score(subject, before and Override(*before))
            watched = subject in self._watching.stories
            return self._look(subject, wall_ms) if watched else []
        if kind == "retract":
            self._orders.retract(subject, None)
        return self._restore_standing(subject, before, undo, wall_ms)

    def _restore_standing(
        self, story_id: str, before: Any, undo: EditorialCommand, wall_ms: int
    ) -> list[Out]:
        story = self._watching.stories.get(story_id)
        if story is None:
            return []
        status, told, verdict, by = before or [str(Status.SILENT), "", "", ""]
        changed = story.told != told
        story.alert = story.alert._replace(status=status)
        story.verdict, story.by = verdict, by
        self._watching.mark_story(story_id)
        outs: list[Out] = [*self._watching.learn(story, wall_ms)]
        if changed:
            outs.append(
                self._watching.tell(
                    story_id, story, told, wall_ms, by=undo.author, note=undo.reason
                )
            )
        return outs

    def _look(self, story_id: str, wall_ms: int) -> list[Out]:
        return self._watching.look(story_id, wall_ms, may_open=True)

    def _of_alert(self, wanted: str) -> tuple[str, Watched]:
        for story_id, story in self._watching.stories.items():
            if story.alert_id == wanted:
                return story_id, story
        raise CommandRefused(f"alert {wanted} is not known at {self._watching.desk.name}")

    def _until_ms(self, command: EditorialCommand, wall_ms: int) -> int:
        if command.until_ms is not None:
            return command.until_ms
        issued_ms = min(command.issued_ms, wall_ms)  # whatever the editor's clock says
        return max(self._watching.now_ms, issued_ms) + self._terms.mute_ms

    def _remember(self, command: EditorialCommand, subject: str, before: Any) -> None:
        at_ms = max(self._watching.now_ms, command.issued_ms)
        effect = Effect(at_ms, subject, before, SIDES[command.kind])
        self._orders.remember(command.command_id, effect)

    def _answer(
        self, command: EditorialCommand, outcome: str, detail: str, wall_ms: int
    ) -> AuditEntry:
        return audited(command, outcome, detail, at_ms=wall_ms, desk=self._watching.desk.name)


def _standing(story: Watched) -> list[str]:
    return [str(story.alert.status), story.told, story.verdict, story.by]
