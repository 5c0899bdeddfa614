"""Shapes of the answers, where they are more than a record."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from schemas.alert import (
    Alert,
    AlertArticle,
    AlertEntity,
    AlertReaders,
    AlertRelated,
    AlertSource,
    AlertStatus,
    AlertWindow,
)
from schemas.audience import AudienceMood
from schemas.editorial import AuditEntry, CommandKind, EditorialCommand, Verdict
from schemas.story import Story, StoryArticle, StoryMoment

LATEST_MS = 253_402_300_799_999
"""The end of the year 9999."""


class Answer(BaseModel):
    """A shape of ours."""

    model_config = ConfigDict(frozen=True)


def as_json(answer: BaseModel) -> Response:
    """The answer, written as it is: for paths that are asked often. FastAPI would check it again,
    which costs as much as to make it.
    """
    return Response(answer.__pydantic_serializer__.to_json(answer), media_type="application/json")


class Alerts(Answer):
    """Alerts as they stand, the one that changed last first."""

    alerts: list[Alert]


class AlertState(Answer):
    """One step in an alert's course."""

    sequence: int
    state: AlertStatus
    at_ms: int
    score: float
    by: str | None
    note: str | None


class Told(Answer):
    """A command with what became of it; `outcome` is pending until a job answers."""

    command_id: str
    outcome: Literal["pending", "applied", "refused"]
    undone_by: str | None = None
    command: EditorialCommand | None
    answers: list[AuditEntry]


class Explanation(Answer):
    """Why there is an alert: in words, and the evidence behind the words."""

    alert_id: str
    story_id: str
    desk: str
    why: list[str]
    score: float
    low: float
    high: float
    threshold: float
    unadjusted_score: float | None
    caution: str | None
    calibration: str
    windows: list[AlertWindow]
    timeline: list[StoryMoment]
    sources: list[AlertSource]
    independent_sources: int
    copies_discounted: int
    entities: list[AlertEntity]
    lead_articles: list[AlertArticle]
    in_other_languages: list[AlertRelated]
    readers: AlertReaders | None
    states: list[AlertState]
    decisions: list[Told]
    model_versions: dict[str, str]


class StoryAnswer(Story):
    """A story as it stands, with the readers' mood and its alerts."""

    embedding: bytes | None = Field(default=None, exclude=True)
    mood: AudienceMood | None = None
    alerts: list[str] = Field(default_factory=list)


class Stories(Answer):
    """Stories as they stand."""

    stories: list[StoryAnswer]


class StoryDetail(StoryAnswer):
    """A story with its articles at hand; `history` is its timeline, `bursts` its bursts."""

    members: list[StoryArticle] = Field(default_factory=list)


class CommandBody(BaseModel):
    """A command as an editor gives it; who gives it and when is the server's to say.

    command_id  choose one, and the same command may be sent again without harm
    """

    model_config = ConfigDict(extra="forbid")

    kind: CommandKind
    command_id: str | None = Field(default=None, min_length=1, max_length=100)
    desk: str | None = Field(default=None, max_length=200)
    alert_id: str | None = Field(default=None, max_length=200)
    story_id: str | None = Field(default=None, max_length=200)
    other_story_id: str | None = Field(default=None, max_length=200)
    article_ids: list[str] = Field(default_factory=list, max_length=1_000)
    article_id: str | None = Field(default=None, max_length=200)
    comment_id: str | None = Field(default=None, max_length=200)
    undoes: str | None = Field(default=None, max_length=100)
    entity: str | None = Field(default=None, max_length=200)
    source: str | None = Field(default=None, max_length=200)
    until_ms: int | None = Field(default=None, ge=0, le=LATEST_MS)
    value: float | None = Field(default=None, allow_inf_nan=False)
    verdict: Verdict | None = None
    corrections: dict[str, Any] = Field(
        default_factory=dict, description="Field of the article to its value."
    )
    reason: str | None = Field(default=None, max_length=2_000)
