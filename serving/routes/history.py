"""What happened, from the database: alerts, decisions, labels, and who asked for what."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from sqlalchemy import select

from schemas.alert import Alert
from serving import tables
from serving.answers import LATEST_MS, Answer
from serving.asking import Parts, admin, editor, reader

router = APIRouter(prefix="/v1/history", tags=["history"])

From = Annotated[int, Query(ge=0, le=LATEST_MS, description="Milliseconds since 1970.")]
To = Annotated[int, Query(ge=0, le=LATEST_MS)]
Limit = Annotated[int, Query(ge=1, le=10_000)]


class Label(Answer):
    """A correction: what an editor says of a text, and what the model had said."""

    command_id: str
    article_id: str
    field: str
    value: Any
    before: Any
    text: str | None
    language: str | None
    author: str
    at_ms: int


class Action(Answer):
    """A line of the server's own audit."""

    at_ms: int
    who: str
    role: str
    via: str
    action: str
    subject: str
    outcome: str
    detail: str
    request_id: str
    address: str


@router.get("/alerts", dependencies=[Depends(reader)])
async def alerts(
    services: Parts, from_ms: From = 0, to_ms: To = LATEST_MS, limit: Limit = 1_000
) -> list[Alert]:
    """Every state of the alerts raised in a time, the oldest first."""
    found = tables.alerts
    rows = await services.history.rows(
        select(found.c.record)
        .where(found.c.raised_ms.between(from_ms, to_ms))
        .order_by(found.c.raised_ms, found.c.alert_id, found.c.sequence)
        .limit(limit)
    )
    return [Alert.model_validate(row["record"]) for row in rows]


@router.get("/labels", dependencies=[Depends(editor)])
async def labels(
    services: Parts, from_ms: From = 0, to_ms: To = LATEST_MS, limit: Limit = 1_000
) -> list[Label]:
    """Corrections that stand, the oldest first: labels for training."""
    found = tables.labels
    query = (
        select(*(found.c[name] for name in Label.model_fields))
        .where(found.c.at_ms.between(from_ms, to_ms), found.c.undone.is_(False))
        .order_by(found.c.at_ms, found.c.command_id, found.c.field)
        .limit(limit)
    )
    return [Label(**row) for row in await services.history.rows(query)]


@router.get("/actions", dependencies=[Depends(admin)])
async def actions(
    services: Parts, from_ms: From = 0, to_ms: To = LATEST_MS, limit: Limit = 1_000
) -> list[Action]:
    """Who asked the server for what, the newest first."""
    found = tables.actions
    query = (
        select(*(found.c[name] for name in Action.model_fields))
        .where(found.c.at_ms.between(from_ms, to_ms))
        .order_by(found.c.id.desc())
        .limit(limit)
    )
    return [Action(**row) for row in await services.history.rows(query)]
