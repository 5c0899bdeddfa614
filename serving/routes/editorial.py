"""What editors tell the jobs."""

import json
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from schemas.editorial import EditorialCommand
from schemas.errors import ServiceError
from serving.access import Visitor
from serving.answers import CommandBody, Told
from serving.asking import Editor, Parts, reader
from serving.commands import new_id
from serving.errors import Incomplete, NotFound
from serving.services import Services
from serving.views import Given

router = APIRouter(prefix="/v1/editorial", tags=["editorial"], dependencies=[Depends(reader)])


@router.post("/commands", status_code=202)
async def give(
    body: CommandBody,
    request: Request,
    services: Parts,
    visitor: Editor,
    wait_s: Annotated[float, Query(ge=0, le=30, description="Wait for a job's answer.")] = 0,
) -> Told:
    """Give a command. 202: Kafka has it; `outcome` tells whether a job has answered already.

    503 when Kafka is away: then the command was not given, and may be sent again.
    """
    command = command_of(body, visitor, services.now_ms())
    await send(services, command, visitor, request)
    given = await services.commands.answered(command.command_id, wait_s) if wait_s else None
    return told(given or Given(command))


@router.get("/commands")
async def commands(
    services: Parts, limit: Annotated[int, Query(ge=1, le=1_000)] = 100
) -> list[Told]:
    """Commands of the last weeks with what became of them, the newest first."""
    found = (g for g in reversed(services.wall.commands.values()) if g.command is not None)
    return [told(given) for given in islice(found, limit)]


@router.get("/commands/{command_id}")
async def command(command_id: Annotated[str, Path(max_length=100)], services: Parts) -> Told:
    """A command with what became of it."""
    given = services.commands.state(command_id)
    if given is None:
        raise NotFound(f"no command {command_id} was seen")
    return told(given)


async def send(
    services: Services, command: EditorialCommand, visitor: Visitor, request: Request
) -> None:
    """Give a command to the jobs, and write down who did, also when it failed."""
    subject = subject_of(command)
    try:
        await services.commands.send(command)
    except (ServiceError, Incomplete) as error:
        await services.act(visitor, command.kind, subject, "refused", str(error), request)
        raise
    await services.act(visitor, command.kind, subject, "given", command.command_id, request)


def command_of(body: CommandBody, visitor: Visitor, now_ms: int) -> EditorialCommand:
    """The command of a visitor. Raises Incomplete."""
    corrections = {name: json.dumps(value) for name, value in body.corrections.items()}
    return EditorialCommand(
        **body.model_dump(exclude={"command_id", "corrections"}),
        command_id=body.command_id or new_id(),
        corrections=corrections,
        author=visitor.name,
        issued_ms=now_ms,
    )


def subject_of(command: EditorialCommand) -> str:
    """What a command is about, as the audit names it.

    >>> given = {"command_id": "c", "author": "a", "issued_ms": 0}
    >>> subject_of(EditorialCommand(kind="pin", story_id="s", **given))
    'story/s'
    """
    named = {
        "alert": command.alert_id,
        "story": command.story_id,
        "article": command.article_id,
        "comment": command.comment_id,
        "command": command.undoes,
        "entity": command.entity,
        "source": command.source,
        "desk": command.desk,
    }
    return next((f"{kind}/{name}" for kind, name in named.items() if name), "every desk")


def told(given: Given) -> Told:
    """A command as it is shown."""
    known = given.command.command_id if given.command else given.answers[0].command_id
    return Told(
        command_id=known,
        outcome=given.outcome,
        undone_by=given.undone_by,
        command=given.command,
        answers=given.answers,
    )
