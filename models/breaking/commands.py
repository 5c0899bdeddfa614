"""Editors' commands: which of them this job answers, where each goes, what each must say."""

import math
from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

from models.packing import pack, unpack
from schemas.editorial import AuditEntry, EditorialCommand
from schemas.errors import CommandRefused

JOB = "breaking"


class Place(StrEnum):
    """Who applies a command: the desks, the neighbourhoods of stories, or the telling of one."""

    DESK = "desk"
    STORIES = "stories"
    TELLING = "telling"


PLACES: dict[str, tuple[Place, ...]] = {
    "confirm": (Place.DESK,),
    "dismiss": (Place.DESK,),
    "mute": (Place.DESK,),
    "unmute": (Place.DESK,),
    "set_budget": (Place.DESK,),
    "override_score": (Place.DESK,),
    "clear_override": (Place.DESK,),
    "retract": (Place.TELLING, Place.DESK),
    "pin": (Place.TELLING,),
    "unpin": (Place.TELLING,),
    "merge": (Place.STORIES, Place.TELLING),
    "split": (Place.STORIES, Place.TELLING),
}
"""Kind of a command to who hears it; other kinds are for other jobs.

Of a merge or split the telling only refuses stories that are not there: neighbourhoods keep silent
about those that they do not know.
"""


class Addressed(NamedTuple):
    """A command on its way; of an undo, `command` is what is taken back and `undo` the order."""

    place: Place
    key: str
    command: EditorialCommand
    undo: EditorialCommand | None = None


class Seen(NamedTuple):
    """State of a command id: the command, if it was one, and its undos that were let through."""

    command: EditorialCommand | None = None
    undos: tuple[str, ...] = ()


class Accepted(NamedTuple):
    """What a command leads to at once."""

    seen: Seen
    addressed: list[Addressed]
    answers: list[AuditEntry]


def gate_key(command: EditorialCommand) -> str:
    """An undo waits at the gate of the command that it takes back."""
    return command.undoes or command.command_id


def accept(
    past: Seen, command: EditorialCommand, *, desks: Collection[str], slots: int, at_ms: int
) -> Accepted:
    """Let a command through once; wrong ones are refused, those for other jobs left to them."""

    def answered(outcome: str, detail: str, seen: Seen) -> Accepted:
        return Accepted(seen, [], [audited(command, outcome, detail, at_ms=at_ms)])

    is_undo = command.kind == "undo"
    wanted = past.command if is_undo else command
    if wanted is not None and wanted.kind not in PLACES and not (is_undo and not past.command):
        return Accepted(past if is_undo else past._replace(command=command), [], [])
    if command.command_id in past.undos or (not is_undo and past.command is not None):
        return answered("repeated", "the command was given before", past)
    refused = past if is_undo else past._replace(command=command)
    try:
        check(command, desks)
        if is_undo:
            _check_undo(command, past, desks)
        assert wanted is not None
        addressed = _addressed(command, wanted, desks, slots)
    except CommandRefused as refusal:
        return answered("refused", str(refusal), refused)
    undos = (*past.undos, command.command_id) if is_undo else ()  # earlier ones were refused
    return Accepted(Seen(wanted, undos), addressed, [])


def _check_undo(undo: EditorialCommand, past: Seen, desks: Collection[str]) -> None:
    """Raises CommandRefused for an undo of what cannot be taken back, or was itself refused."""
    wanted = past.command
    if wanted is None:
        raise CommandRefused(
            f"{undo.undoes} cannot be taken back: it is an undo, or no such command was given"
        )
    if past.undos or wanted.kind not in UNDOABLE:
        raise CommandRefused(f"{wanted.kind} {wanted.command_id} cannot be taken back")
    try:
        check(wanted, desks)
    except CommandRefused as refusal:
        raise CommandRefused(
            f"{wanted.kind} {wanted.command_id} cannot be taken back: {refusal}"
        ) from None


def _addressed(
    command: EditorialCommand, wanted: EditorialCommand, desks: Collection[str], slots: int
) -> list[Addressed]:
    undo = command if command is not wanted else None
    found = []
    for place in PLACES[wanted.kind]:
        keys = {
            Place.DESK: lambda: desks_of(wanted, desks),
            Place.STORIES: lambda: [str(slot) for slot in range(slots)],
            Place.TELLING: lambda: [str(wanted.story_id)],
        }[place]()
        found += [Addressed(place, key, wanted, undo) for key in keys]
    return found


def to_bytes(addressed: Addressed) -> bytes:
    """Packed, for a stream."""
    undo = addressed.undo
    return pack(
        [
            str(addressed.place),
            addressed.key,
            addressed.command.model_dump(),
            undo and undo.model_dump(),
        ]
    )


def from_bytes(packed: bytes) -> Addressed:
    """What `to_bytes` gave."""
    place, key, command, undo = unpack(packed)
    return Addressed(
        Place(place),
        key,
        EditorialCommand.model_validate(command),
        undo and EditorialCommand.model_validate(undo),
    )


def seen_to_bytes(seen: Seen) -> bytes:
    """Packed, for a state."""
    return pack([seen.command and seen.command.model_dump(), list(seen.undos)])


def seen_from_bytes(packed: bytes) -> Seen:
    """What `seen_to_bytes` gave."""
    command, undos = unpack(packed)
    return Seen(command and EditorialCommand.model_validate(command), tuple(undos))


UNDOABLE = frozenset({"confirm", "dismiss", "mute", "unmute", "set_budget", "override_score",
                      "clear_override", "pin", "unpin", "retract"})  # fmt: skip
"""A merge or a split is taken back by its opposite."""


def check(command: EditorialCommand, desks: Collection[str]) -> None:
    """Raises CommandRefused for a command that says too little, or what cannot be."""
    if command.desk is not None and command.desk not in desks:
        raise CommandRefused(f"no desk {command.desk!r}; there are: {', '.join(sorted(desks))}")
    needed = {
        "confirm": command.alert_id,
        "dismiss": command.alert_id,
        "mute": command.story_id or command.entity or command.source or command.desk,
        "unmute": command.story_id or command.entity or command.source or command.desk,
        "merge": command.story_id and command.other_story_id,
        "split": command.story_id and command.article_ids,
        "undo": command.undoes,
    }
    story_alone = ("pin", "unpin", "override_score", "clear_override", "retract")
    if not needed.get(command.kind, command.story_id if command.kind in story_alone else True):
        raise CommandRefused(f"{command.kind} needs {_NEEDS.get(command.kind, 'story_id')}")
    value = command.value
    if command.kind == "set_budget" and not (value is not None and 0 <= value < math.inf):
        raise CommandRefused(f"value is {value}; set_budget needs alerts a day, 0 or more")
    if command.kind == "override_score" and not (value is not None and 0 <= value <= 1):
        raise CommandRefused(f"value is {value}; override_score needs a score from 0 to 1")


def desks_of(command: EditorialCommand, desks: Collection[str]) -> list[str]:
    """The desks that a command is for: the one it names, the one of its alert, else all.

    Raises CommandRefused for an alert of no desk.
    """
    if command.alert_id is not None and command.kind in ("confirm", "dismiss"):
        desk = command.alert_id.rpartition(".")[0]
        if desk not in desks or command.desk not in (None, desk):
            raise CommandRefused(f"alert {command.alert_id} is not known")
        return [desk]
    return [command.desk] if command.desk is not None else sorted(desks)


def subject(command: EditorialCommand) -> str:
    """What a command is about, as AuditEntry.subject."""
    kinds = ("alert", "story", "entity", "source", "comment", "article")
    values = (
        command.alert_id,
        command.story_id,
        command.entity,
        command.source,
        command.comment_id,
        command.article_id,
    )
    named = next(
        (f"{kind}/{value}" for kind, value in zip(kinds, values, strict=True) if value), ""
    )
    return named or (
        f"command/{command.undoes}" if command.undoes else f"desk/{command.desk or '*'}"
    )


def audited(
    command: EditorialCommand, outcome: str, detail: str, *, at_ms: int, desk: str | None = None
) -> AuditEntry:
    """What became of a command: applied, repeated or refused."""
    return AuditEntry.model_validate(
        {
            "command_id": command.command_id,
            "kind": command.kind,
            "author": command.author,
            "issued_ms": command.issued_ms,
            "applied_ms": at_ms,
            "job": JOB,
            "desk": desk,
            "subject": subject(command),
            "outcome": outcome,
            "detail": detail,
        }
    )


_NEEDS = {
    "confirm": "alert_id",
    "dismiss": "alert_id",
    "mute": "story_id, entity, source or desk",
    "unmute": "story_id, entity, source or desk",
    "merge": "story_id and other_story_id",
    "split": "story_id and article_ids",
    "undo": "undoes",
}
