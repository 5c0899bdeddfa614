"""What editors tell the jobs, and what became of it."""

from typing import Literal

from pydantic import Field

from schemas.record import Record

CommandKind = Literal[
    "confirm",
    "dismiss",
    "mute",
    "unmute",
    "pin",
    "unpin",
    "set_budget",
    "override_score",
    "clear_override",
    "merge",
    "split",
    "retract",
    "correct_article",
    "moderate",
    "undo",
]
Verdict = Literal["approve", "remove", "escalate"]


class EditorialCommand(Record):
    """A command of an editor; `schemas/avro/editorial_command` says which field goes with which."""

    command_id: str = Field(min_length=1)
    kind: CommandKind
    author: str = Field(min_length=1)
    issued_ms: int
    desk: str | None = None
    alert_id: str | None = None
    story_id: str | None = None
    other_story_id: str | None = None
    article_ids: list[str] = Field(default_factory=list)
    article_id: str | None = None
    comment_id: str | None = None
    undoes: str | None = None
    entity: str | None = None
    source: str | None = None
    until_ms: int | None = None
    value: float | None = None
    verdict: Verdict | None = None
    corrections: dict[str, str] = Field(default_factory=dict)
    reason: str | None = None


class AuditEntry(Record):
    """What became of a command; `schemas/avro/audit_entry` documents the fields."""

    command_id: str = Field(min_length=1)
    kind: CommandKind
    author: str
    issued_ms: int
    applied_ms: int
    job: str
    desk: str | None = None
    subject: str
    outcome: Literal["applied", "repeated", "refused"]
    detail: str
