"""Commands of editors and moderators: sent on `editorial.control`, answered by a job."""

import functools
import getpass
import inspect
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.markup import escape

from cli.connection import BootstrapOption, Connection, SettingsOption, connect
from cli.reading import End, read_on, seek
from cli.terminal import printable
from schemas.editorial import AuditEntry, CommandKind, EditorialCommand
from schemas.errors import ServiceError, SetupError
from schemas.topics import EDITORIAL_AUDIT, EDITORIAL_CONTROL

if TYPE_CHECKING:
    from kafka import KafkaConsumer

out = Console()

ANSWER_S = 30.0
MORE_ANSWERS_S = 1.5
"""Every desk answers a command that names none: so long is waited after each answer."""


class Draft(NamedTuple):
    """What a command asks for; its author, time and id come when it is sent."""

    kind: CommandKind
    fields: dict[str, Any]


def draft(kind: CommandKind, **fields: Any) -> Draft:
    """A command with fields of `EditorialCommand`."""
    return Draft(kind, fields)


def sent_to(job: str) -> Callable[[Callable[..., Draft]], Callable[..., None]]:
    """Turns a function that drafts a command into one for typer that sends it and shows answers.

    It gains the options that all commands share: who gives it, how long to wait, where Kafka is.
    """

    def sending(drafting: Callable[..., Draft]) -> Callable[..., None]:
        @functools.wraps(drafting)
        def run(
            *,
            author: str | None,
            wait_s: float,
            bootstrap: str | None,
            settings: Path | None,
            **arguments: Any,
        ) -> None:
            kind, fields = drafting(**arguments)
            command = EditorialCommand(
                command_id=uuid.uuid4().hex,
                kind=kind,
                author=author or getpass.getuser(),
                issued_ms=time.time_ns() // 1_000_000,
                **fields,
            )
            _tell(command, job, wait_s, connect(bootstrap, settings))

        own = inspect.signature(drafting)
        run.__signature__ = own.replace(  # type: ignore[attr-defined]
            parameters=[*own.parameters.values(), *_SHARED], return_annotation=None
        )
        return run

    return sending


def _shared(
    *,
    author: Annotated[
        str | None, typer.Option("--author", "--as", help="Who says so. Default: your login name.")
    ] = None,
    wait_s: Annotated[
        float,
        typer.Option("--wait", metavar="S", min=0, help="Seconds to wait for the job's answer."),
    ] = ANSWER_S,
    bootstrap: BootstrapOption = None,
    settings: SettingsOption = None,
) -> None:
    """The options that every command has; never called."""


_SHARED = tuple(inspect.signature(_shared).parameters.values())


def _tell(command: EditorialCommand, job: str, wait_s: float, connection: Connection) -> None:
    """Send a command and print what the job makes of it.

    Raises ServiceError when nobody answers, SetupError when every answer is a refusal.
    """
    with connection.consumer() as consumer:
        seek(consumer, (EDITORIAL_AUDIT.name,), End())
        _send(connection, command)
        out.print(f"{command.kind} {command.command_id}", style="dim", highlight=False)
        if not wait_s:
            return
        answers = list(_answers(connection, consumer, command.command_id, wait_s))
    if not answers:
        raise ServiceError(
            f"the command was sent, but no job answered within {wait_s:g} s; does `{job}` run? "
            f"It will be applied once it does: `wiredesk tail {EDITORIAL_AUDIT.name}`"
        )
    for answer in answers:
        style = "red" if answer.outcome == "refused" else "green"
        told = escape(printable(f"{answer.desk or answer.subject}: {answer.detail}"))
        line = f"[{style}]{answer.outcome}[/] {told}"
        out.print(line, highlight=False, soft_wrap=True)
    if all(answer.outcome == "refused" for answer in answers):
        raise SetupError("refused")


def _send(connection: Connection, command: EditorialCommand) -> None:
    from ingest.send import ArticleSender

    value = connection.codec(EDITORIAL_CONTROL).encode(command)
    with ArticleSender(connection.client(), registry=connection.registry()) as sender:
        sender.send_raw(command.command_id.encode(), value, topic=EDITORIAL_CONTROL.name)


def _answers(
    connection: Connection, consumer: "KafkaConsumer", command_id: str, wait_s: float
) -> Iterator[AuditEntry]:
    """Answers to a command: the first within `wait_s`, the rest shortly after each other."""
    codec = connection.codec(EDITORIAL_AUDIT)
    ends = time.monotonic() + wait_s
    while (left := ends - time.monotonic()) > 0:
        for record in read_on(consumer, idle_s=min(left, MORE_ANSWERS_S)):
            if (record.key or b"") == command_id.encode():
                yield codec.decode(record.value)
                ends = min(ends, time.monotonic() + MORE_ANSWERS_S)
            if time.monotonic() >= ends:
                return
