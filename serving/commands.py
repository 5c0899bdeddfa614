"""Editors' commands to `editorial.control`, and the jobs' answers to them."""

import asyncio
import json
import uuid
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Protocol

from schemas.editorial import EditorialCommand
from schemas.errors import ServiceError
from schemas.topics import EDITORIAL_CONTROL
from serving import corrections
from serving.errors import Incomplete
from serving.views import Given, Wall

NEEDS: Mapping[str, tuple[str, ...]] = {
    "confirm": ("alert_id",),
    "dismiss": ("alert_id", "reason"),
    "mute": (),
    "unmute": (),
    "pin": ("story_id",),
    "unpin": ("story_id",),
    "set_budget": ("desk", "value"),
    "override_score": ("story_id", "value"),
    "clear_override": ("story_id",),
    "merge": ("story_id", "other_story_id"),
    "split": ("story_id", "article_ids"),
    "retract": ("story_id",),
    "correct_article": ("article_id", "corrections"),
    "moderate": ("comment_id", "verdict"),
    "undo": ("undoes",),
}
"""What a command of each kind cannot do without."""

MUTABLE = ("story_id", "entity", "source", "desk")
"""One of these is what is muted."""


class Producer(Protocol):
    """Sends records to Kafka, confirmed."""

    async def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Returns when Kafka has the record. Raises ServiceError."""


class Commands:
    """Sends commands; none is lost unseen: `send` returns when Kafka has it, or raises."""

    def __init__(self, producer: Producer, codec: Any, wall: Wall) -> None:
        self._producer = producer
        self._codec = codec
        self._wall = wall
        self._waiting: defaultdict[str, list[asyncio.Event]] = defaultdict(list)

    async def send(self, command: EditorialCommand) -> None:
        """Give a command to the jobs. Raises Incomplete, or ServiceError when Kafka has it not."""
        require_whole(command)
        try:
            await self._producer.send(
                EDITORIAL_CONTROL.name, command.command_id.encode(), self._codec.encode(command)
            )
        except ServiceError as error:
            raise ServiceError(
                f"the command was not given: {error}; the same command_id may be sent again"
            ) from error

    def state(self, command_id: str) -> Given | None:
        """A command that was seen on its topic, with the jobs' answers."""
        return self._wall.commands.get(command_id)

    async def answered(self, command_id: str, timeout_s: float) -> Given | None:
        """A command once a job has answered it, or as it is after `timeout_s`."""
        given = self.state(command_id)
        if given is not None and given.answers:
            return given
        heard = asyncio.Event()
        self._waiting[command_id].append(heard)
        try:
            async with asyncio.timeout(timeout_s):
                await heard.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting[command_id].remove(heard)
            if not self._waiting[command_id]:
                del self._waiting[command_id]
        return self.state(command_id)

    def heard(self, command_id: str) -> None:
        """An answer has come: wake who waits for it."""
        for waiting in self._waiting.get(command_id, ()):
            waiting.set()


def new_id() -> str:
    """An id for a command whose sender chose none."""
    return uuid.uuid4().hex


def require_whole(command: EditorialCommand) -> None:
    """Raises Incomplete unless a command has what its kind needs.

    >>> require_whole(EditorialCommand(command_id="c", kind="pin", author="a", issued_ms=0))
    Traceback (most recent call last):
    serving.commands.Incomplete: pin needs story_id
    """
    lacking = [name for name in NEEDS[command.kind] if not _is_given(getattr(command, name))]
    if lacking:
        raise Incomplete(f"{command.kind} needs {', '.join(lacking)}")
    if command.kind in ("mute", "unmute") and not any(
        _is_given(getattr(command, name)) for name in MUTABLE
    ):
        raise Incomplete(f"{command.kind} needs one of {', '.join(MUTABLE)}")
    if command.kind == "override_score" and not 0 <= (command.value or 0) <= 1:
        raise Incomplete(f"override_score needs a value from 0 to 1, got {command.value}")
    if command.kind == "set_budget" and (command.value or 0) < 0:
        raise Incomplete(f"set_budget needs alerts a day, 0 or more, got {command.value}")
    for name, value in command.corrections.items():
        try:
            corrections.read(name, json.loads(value))
        except ValueError as error:  # no JSON, or no value for the field
            raise Incomplete(f"corrections.{name}: {error}") from error


def _is_given(value: object) -> bool:
    return value not in (None, "", [], {})
