"""Signed pushes of publishers."""

from typing import Annotated

from fastapi import APIRouter, Header, Request

from serving.asking import Parts, address_of
from serving.errors import BadSignature
from serving.push import PushBody, Pushed

router = APIRouter(tags=["ingest"])

PATH = "/v1/ingest"

_SCHEMA = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": PushBody.model_json_schema()}},
    }
}
_Header = Annotated[str, Header(max_length=500)]


@router.post(PATH, status_code=202, openapi_extra=_SCHEMA)
async def push(
    request: Request,
    services: Parts,
    wiredesk_publisher: _Header = "",  # noqa: ARG001  documented here, read with the others
    webhook_id: _Header = "",  # noqa: ARG001
    webhook_timestamp: _Header = "",  # noqa: ARG001
    webhook_signature: _Header = "",  # noqa: ARG001
) -> Pushed:
    """Articles of a publisher's CMS, signed as Standard Webhooks 1.0.0 says; no key is needed.

    They are normalised as articles of feeds are, and go to articles.raw. 503 when Kafka is away:
    push again.
    """
    try:
        return await services.push.take(
            request.headers, await request.body(), now_ms=services.now_ms()
        )
    except BadSignature:
        services.limits.take(f"push {address_of(request)}", _GUESSES_PER_MINUTE)
        raise


_GUESSES_PER_MINUTE = 60
