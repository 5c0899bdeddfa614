"""Whether the server lives, whether it can answer, and what Prometheus asks."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from serving.asking import Parts, reader, visitor_of

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """Whether the server can answer, and which parts are away: some answers depend on them."""

    ready: bool
    away: list[str]


class Status(Health):
    """`problems` says in words what is wrong with a part."""

    problems: dict[str, str]


@router.get("/healthz")
async def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"model": Health}})
async def ready(services: Parts, response: Response) -> Health:
    """Whether what was there at the start has been read, and what is away."""
    found = Health(ready=services.is_ready, away=sorted(await services.problems()))
    if not found.ready:
        response.status_code = 503
    return found


@router.get("/v1/status", dependencies=[Depends(reader)])
async def status(services: Parts) -> Status:
    """The same for those we know, in words."""
    problems = await services.problems()
    return Status(ready=services.is_ready, away=sorted(problems), problems=problems)


@router.get("/metrics", response_class=Response)
async def metrics(request: Request, services: Parts) -> Any:
    """For Prometheus, in its text format."""
    if not services.settings.metrics_public:
        await visitor_of(request)
    text = services.metrics.text(services.gauges(), services.lag())
    return Response(text, media_type=CONTENT_TYPE_LATEST)
