"""Who is told of alerts: webhooks, Slack, Teams, mail."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from serving.answers import Answer
from serving.asking import Admin, Parts, admin
from serving.channels import NotDelivered, Subscription
from serving.errors import NotFound
from serving.messages import Kind
from serving.streams import wish

router = APIRouter(prefix="/v1/subscriptions", tags=["subscriptions"])

_Id = Annotated[str, Path(max_length=40)]
_Names = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=100)]


class SubscriptionBody(BaseModel):
    """Where to tell of which alerts; empty lists want all."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    target: str = Field(max_length=2_000, description="Address of the web, or of mail.")
    desks: _Names = Field(default_factory=list)
    languages: _Names = Field(default_factory=list)
    entities: _Names = Field(default_factory=list)
    min_score: float = Field(default=0, ge=0, le=1)


class SubscriptionAnswer(Answer):
    """A subscription; the secret of a webhook is shown once, when it is made."""

    id: str
    kind: Kind
    target: str
    desks: list[str]
    languages: list[str]
    entities: list[str]
    min_score: float
    created_ms: int
    secret: str | None = None


class DeliveryAnswer(Answer):
    """One state of an alert on its way: waiting, delivered or dead."""

    id: int
    alert_id: str
    sequence: int
    state: str
    attempts: int
    next_ms: int
    created_ms: int
    ended_ms: int | None
    error: str | None


class TestAnswer(Answer):
    """What came of a test; `error` says why it was not delivered."""

    delivered: bool
    error: str | None


@router.get("", dependencies=[Depends(admin)])
async def subscriptions(services: Parts) -> list[SubscriptionAnswer]:
    """Every subscription, the oldest first."""
    return [_answer(subscription) for subscription in services.deliveries.all()]


@router.post("", status_code=201)
async def subscribe(
    body: SubscriptionBody, request: Request, services: Parts, visitor: Admin
) -> SubscriptionAnswer:
    """Tell someone of alerts from now on; a webhook is signed with the secret in the answer."""
    wanted = wish(["alert"], body.desks, body.languages, body.entities, body.min_score)
    made = await services.deliveries.subscribe(body.kind, body.target, wanted, by=visitor.name)
    await services.act(visitor, "subscribe", f"subscription/{made.id}", "done", body.kind, request)
    return _answer(made).model_copy(update={"secret": made.secret})


@router.delete("/{subscription_id}", status_code=204)
async def unsubscribe(
    subscription_id: _Id, request: Request, services: Parts, visitor: Admin
) -> None:
    """Tell someone no more."""
    if not await services.deliveries.unsubscribe(subscription_id):
        raise NotFound(f"there is no subscription {subscription_id}")
    subject = f"subscription/{subscription_id}"
    await services.act(visitor, "unsubscribe", subject, "done", "", request)


@router.get("/{subscription_id}/deliveries", dependencies=[Depends(admin)])
async def deliveries(
    subscription_id: _Id, services: Parts, limit: Annotated[int, Query(ge=1, le=1_000)] = 100
) -> list[DeliveryAnswer]:
    """What was and is to be delivered, the newest first; `dead` was tried too often."""
    rows = await services.deliveries.shown(subscription_id, limit)
    shown = DeliveryAnswer.model_fields
    return [DeliveryAnswer(**{name: row[name] for name in shown}) for row in rows]


@router.post("/deliveries/{delivery_id}/retry", status_code=202)
async def retry(
    delivery_id: Annotated[int, Path(ge=1, le=2**31 - 1)],
    request: Request,
    services: Parts,
    visitor: Admin,
) -> None:
    """Try a dead delivery again."""
    if not await services.deliveries.revive(delivery_id):
        raise NotFound(f"there is no dead delivery {delivery_id}")
    await services.act(visitor, "retry", f"delivery/{delivery_id}", "done", "", request)


@router.post("/{subscription_id}/test")
async def test(
    subscription_id: _Id, request: Request, services: Parts, visitor: Admin
) -> TestAnswer:
    """Send an alert that says that it is a test, once, and tell what came of it."""
    try:
        await services.deliveries.test(subscription_id)
        error = None
    except NotDelivered as refused:
        error = str(refused)
    outcome = "failed" if error else "done"
    subject = f"subscription/{subscription_id}"
    await services.act(visitor, "test", subject, outcome, error or "", request)
    return TestAnswer(delivered=error is None, error=error)


def _answer(subscription: Subscription) -> SubscriptionAnswer:
    wanted = subscription.wish
    return SubscriptionAnswer(
        id=subscription.id,
        kind=subscription.kind,
        target=subscription.target,
        desks=sorted(wanted.desks),
        languages=sorted(wanted.languages),
        entities=sorted(wanted.entities),
        min_score=wanted.min_score,
        created_ms=subscription.created_ms,
    )
