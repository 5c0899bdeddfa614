"""What moderators decide about a comment, and what becomes of it."""

from typing import Literal, NamedTuple

import msgpack

from schemas.editorial import AuditEntry, EditorialCommand, Verdict
from schemas.moderation import ModerationItem, ModerationState

STATES: dict[Verdict, ModerationState] = {
    "approve": "approved",
    "remove": "removed",
    "escalate": "escalated",
}


class Gate(NamedTuple):
    """What is kept of a command id: the comment that it is about, and undos that came before it."""

    comment_id: str | None = None
    waiting: tuple[bytes, ...] = ()


def address(
    gate: Gate, command: EditorialCommand, payload: bytes
) -> tuple[Gate, list[tuple[str, bytes]]]:
    """Which comments' cases hear of a command, (comment_id, payload) each.

    An undo names only the command that it takes back: it goes where that one went. One of a command
    for another job waits here until it is forgotten.
    """
    if command.kind != "undo":
        comment_id = command.comment_id or ""
        heard = [(comment_id, each) for each in (payload, *gate.waiting)]
        return Gate(comment_id), heard
    if gate.comment_id is None:
        return gate._replace(waiting=(*gate.waiting, payload)), []
    return gate, [(gate.comment_id, payload)]


COMMANDS_KEPT = 50
"""Ids of commands about one comment that are known when they come again."""


class Case(NamedTuple):
    """What is kept of a comment in or near a queue.

    item        as it stands; None while it was not queued
    version_ms  newest version that is known: an item of an older one comes too late
    deleted     nothing can be queued any more
    commands    ids of the commands that were answered
    before      item before the last decision, which an undo brings back
    """

    item: ModerationItem | None = None
    version_ms: int | None = None
    deleted: bool = False
    commands: tuple[str, ...] = ()
    before: ModerationItem | None = None


class Outcome(NamedTuple):
    """The case from now on, the item to publish if it changed, and the answer to a command."""

    case: Case
    item: ModerationItem | None = None
    audit: AuditEntry | None = None


def queue(case: Case, item: ModerationItem) -> Outcome:
    """A comment is queued; what was queued before, or has been edited since, stays as it is."""
    outdated = case.version_ms is not None and item.published_ms < case.version_ms
    known = case.item is not None and case.item.published_ms >= item.published_ms
    if case.deleted or outdated or known:
        return Outcome(case)
    return Outcome(case._replace(item=item, version_ms=item.published_ms), item)


def supersede(case: Case, version_ms: int, *, deleted: bool, at_ms: int) -> Outcome:
    """The comment has a newer version, or was deleted: an item of an older one is withdrawn."""
    newest = max(version_ms, case.version_ms or version_ms)
    case = case._replace(version_ms=newest, deleted=case.deleted or deleted)
    item = case.item
    if item is None or item.state == "withdrawn":
        return Outcome(case)
    if not deleted and item.published_ms >= version_ms:
        return Outcome(case)
    withdrawn = item.model_copy(
        update={
            "state": "withdrawn",
            "at_ms": at_ms,
            "author_key": "",
            "text": "",
            "masked_text": "",
            "spans": [],
        }
    )
    return Outcome(case._replace(item=withdrawn, before=None), withdrawn)


def decide(case: Case, command: EditorialCommand, *, job: str, at_ms: int) -> Outcome:
    """A moderator's command, or the undo of one; what came before changes nothing."""
    item, verdict = case.item, command.verdict
    if command.command_id in case.commands:
        return Outcome(case, audit=_audit(command, job, at_ms, "repeated", "was applied before"))
    case = case._replace(commands=(*case.commands, command.command_id)[-COMMANDS_KEPT:])
    if command.kind == "undo":
        return _take_back(case, command, job=job, at_ms=at_ms)
    if refusal := _refusal(item, command):
        return Outcome(case, audit=_audit(command, job, at_ms, "refused", refusal))
    assert item is not None
    assert verdict is not None
    state = STATES[verdict]
    decided = item.model_copy(
        update={
            "state": state,
            "at_ms": at_ms,
            "command_id": command.command_id,
            "by": command.author,
            "note": command.reason,
        }
    )
    told = f"{item.state} before, {state} now"
    return Outcome(
        case._replace(item=decided, before=item),
        decided,
        _audit(command, job, at_ms, "applied", told),
    )


def _take_back(case: Case, command: EditorialCommand, *, job: str, at_ms: int) -> Outcome:
    """Only the last decision can be taken back."""
    item, before = case.item, case.before
    if item is None or before is None or item.command_id != command.undoes:
        detail = f"command {command.undoes} is not the last decision"
        return Outcome(case, audit=_audit(command, job, at_ms, "refused", detail))
    restored = before.model_copy(update={"at_ms": at_ms})
    told = f"{item.state} before, {restored.state} again"
    return Outcome(
        case._replace(item=restored, before=None),
        restored,
        _audit(command, job, at_ms, "applied", told, restored.comment_id),
    )


def packed(case: Case) -> bytes:
    """A case as msgpack: the items as maps, then the other fields."""
    items = [None if each is None else each.model_dump() for each in (case.item, case.before)]
    data: bytes = msgpack.packb([*items, case.version_ms, case.deleted, list(case.commands)])
    return data


def unpacked(data: bytes) -> Case:
    """What `packed` made."""
    *items, version_ms, deleted, commands = msgpack.unpackb(data)
    item, before = (None if each is None else ModerationItem.model_validate(each) for each in items)
    return Case(item, version_ms, deleted, tuple(commands), before)


def gate_bytes(gate: Gate) -> bytes:
    """A gate as msgpack: its fields in order."""
    data: bytes = msgpack.packb([gate.comment_id, list(gate.waiting)])
    return data


def gate_from(data: bytes) -> Gate:
    """What `gate_bytes` made."""
    comment_id, waiting = msgpack.unpackb(data)
    return Gate(comment_id, tuple(waiting))


def _refusal(item: ModerationItem | None, command: EditorialCommand) -> str | None:
    """Why a command cannot be followed, None where it can."""
    if not command.comment_id:
        return "the command names no comment_id"
    if command.verdict is None:
        return "the command names no verdict; expected approve, remove or escalate"
    if item is None:
        return f"comment {command.comment_id} is in no queue"
    if item.state == "withdrawn":
        return f"comment {command.comment_id} was deleted or edited"
    if command.desk is not None and command.desk != item.desk:
        return f"comment {command.comment_id} is in the queue of desk {item.desk}"
    return None


def _audit(
    command: EditorialCommand,
    job: str,
    at_ms: int,
    outcome: Literal["applied", "repeated", "refused"],
    detail: str,
    comment_id: str | None = None,
) -> AuditEntry:
    return AuditEntry(
        command_id=command.command_id,
        kind=command.kind,
        author=command.author,
        issued_ms=command.issued_ms,
        applied_ms=at_ms,
        job=job,
        desk=command.desk,
        subject=f"comment/{comment_id or command.comment_id or ''}",
        outcome=outcome,
        detail=detail,
    )
