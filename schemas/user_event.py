"""What a reader did, or asks of their profile."""

from typing import Literal

from pydantic import Field

from schemas.record import Record

EventKind = Literal["impression", "click", "dwell", "share", "hide", "subscribe", "erase"]


class UserEvent(Record):
    """An event of a reader; `schemas/avro/user_event` documents the fields."""

    event_id: str = Field(min_length=1)
    user_key: str = Field(min_length=1)
    kind: EventKind
    ts_ms: int
    consent: bool
    article_id: str | None = None
    target: str | None = None
    dwell_ms: int | None = Field(default=None, ge=0)
    position: int | None = Field(default=None, ge=0)
    session: str | None = None
    request_id: str | None = None
    strategy: str | None = None
    propensity: float | None = Field(default=None, ge=0, le=1)
