"""GraphQL over the same resolvers as REST; its types follow the records."""

import dataclasses
from collections.abc import Mapping
from functools import cache
from itertools import islice
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin

import strawberry
from graphql import GraphQLError
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from strawberry.asgi import GraphQL
from strawberry.extensions import (
    MaskErrors,
    MaxAliasesLimiter,
    MaxTokensLimiter,
    QueryDepthLimiter,
)
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, Info

from schemas.alert import Alert
from schemas.errors import ServiceError
from serving.access import Visitor
from serving.answers import Explanation, StoryAnswer, StoryDetail
from serving.errors import NotFound, Refusal
from serving.routes import alerts, analyze, articles, feed, stories
from serving.services import Services
from serving.streams import wish

_MOST = 200
_DEPTH, _TOKENS, _ALIASES = 8, 2_000, 15

Long = NewType("Long", int)
"""GraphQL's Int ends at 32 bits; milliseconds do not."""


@dataclasses.dataclass
class Context:
    """What resolvers are given."""

    services: Services
    visitor: Visitor


@cache
def type_of(model: type[BaseModel]) -> Any:
    """The GraphQL type of a record or answer, with its fields; vectors are left out."""
    fields = [
        (name, _annotation(name, field.annotation))
        for name, field in model.model_fields.items()
        if not field.exclude and bytes not in {field.annotation, *get_args(field.annotation)}
    ]
    made = dataclasses.make_dataclass(model.__name__.removesuffix("Answer"), fields)
    return strawberry.type(made, description=(model.__doc__ or "").split("\n")[0])


def _annotation(name: str, given: Any) -> Any:
    """A field's type in GraphQL's words."""
    origin, arguments = get_origin(given), get_args(given)
    if origin in (Union, UnionType):
        (inner,) = (one for one in arguments if one is not NoneType)
        return _annotation(name, inner) | None if inner is not Any else JSON
    if origin is list:
        return list[_annotation(name, arguments[0])]  # type: ignore[misc]
    if origin in (dict, Mapping) or given in (Any, dict):
        return JSON
    if origin is Literal:
        return str
    if given is int:
        return Long
    if isinstance(given, type) and issubclass(given, BaseModel):
        return type_of(given)
    return given


Article = type_of(articles.ArticleAnswer)
AlertType = type_of(Alert)
ExplanationType = type_of(Explanation)
Story = type_of(StoryAnswer)
StoryWithArticles = type_of(StoryDetail)
FeedType = type_of(feed.FeedAnswer)
HitsType = type_of(analyze.Hits)

Names = Annotated[list[str], strawberry.argument(description="None: all.")]


@strawberry.type
class Query:
    """What REST answers below /v1, in one request."""

    @strawberry.field(description="An article, joined with story, mood and corrections.")
    async def article(self, info: Info, id: str, user: str | None = None) -> Article | None:
        """None where there is no such article."""
        try:
            return await articles.found(_services(info), id, user)
        except NotFound:
            return None

    @strawberry.field(description="Active stories, the one that changed last first.")
    def stories(
        self,
        info: Info,
        desks: Names = (),  # type: ignore[assignment]
        languages: Names = (),  # type: ignore[assignment]
        entities: Names = (),  # type: ignore[assignment]
        min_score: float = 0,
        limit: int = 20,
    ) -> list[Story]:
        """Filtered as in REST."""
        wanted = wish(["story"], desks, languages, entities, min_score)
        return list(islice(stories.listed(_services(info), wanted), _bounded(limit)))

    @strawberry.field(description="A story with its articles.")
    async def story(self, info: Info, id: str) -> StoryWithArticles | None:
        """None where there is no such story."""
        try:
            return await stories.detailed(_services(info), id)
        except NotFound:
            return None

    @strawberry.field(description="Alerts as they stand, the one that changed last first.")
    def alerts(
        self,
        info: Info,
        desks: Names = (),  # type: ignore[assignment]
        languages: Names = (),  # type: ignore[assignment]
        entities: Names = (),  # type: ignore[assignment]
        min_score: float = 0,
        open_only: bool = False,
        limit: int = 20,
    ) -> list[AlertType]:
        """Filtered as in REST."""
        wanted = wish(["alert"], desks, languages, entities, min_score)
        found = alerts.listed(_services(info), wanted, open_only=open_only)
        return list(islice(found, _bounded(limit)))

    @strawberry.field(description="Why there is an alert.")
    async def explanation(self, info: Info, alert_id: str) -> ExplanationType | None:
        """None where there is no such alert."""
        try:
            return await alerts.explained(_services(info), alert_id)
        except NotFound:
            return None

    @strawberry.field(description="A reader's feed, each item explained.")
    async def feed(
        self,
        info: Info,
        user: str,
        languages: Names = (),  # type: ignore[assignment]
        desks: Names = (),  # type: ignore[assignment]
        limit: int = 20,
    ) -> FeedType:
        """As in REST."""
        fields = await feed.served_to(_services(info), user, languages, desks, _bounded(limit))
        return feed.FeedAnswer.model_validate(fields)

    @strawberry.field(description="Fresh articles by meaning and by words.")
    async def search(
        self,
        info: Info,
        query: str,
        languages: Names = (),  # type: ignore[assignment]
        limit: int = 20,
    ) -> HitsType:
        """As in REST, with the filter that is used most."""
        body = analyze.SearchBody(query=query, languages=list(languages), limit=_bounded(limit))
        return await analyze.searched(_services(info), body)


class Schema(strawberry.Schema):
    """Logs what is a defect, not what a caller is told anyway."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        super().process_errors([e for e in errors if _is_defect(e)], execution_context)


async def answer(request: Request, context: Context) -> Response:
    """The answer to a query; there is no page to try it."""
    answered: Response = await view().run(request, context=context)
    return answered


@cache
def view() -> GraphQL[Context, None]:
    """What reads queries and writes answers."""
    return GraphQL(_schema(), graphql_ide=None, allow_queries_via_get=False)


@cache
def _schema() -> Schema:
    return Schema(
        query=Query,
        config=StrawberryConfig(
            scalar_map={Long: strawberry.scalar(name="Long", description="64 bits.")}
        ),
        extensions=[
            lambda: QueryDepthLimiter(max_depth=_DEPTH),
            lambda: MaxTokensLimiter(max_token_count=_TOKENS),
            lambda: MaxAliasesLimiter(max_alias_count=_ALIASES),
            lambda: MaskErrors(should_mask_error=_is_defect),
        ],
    )


def _services(info: Info) -> Services:
    services: Services = info.context.services
    return services


def _bounded(limit: int) -> int:
    if not 1 <= limit <= _MOST:
        raise GraphQLError(f"limit {limit} is not from 1 to {_MOST}")
    return limit


def _is_defect(error: GraphQLError) -> bool:
    """What a caller is not told."""
    cause = error.original_error
    return cause is not None and not isinstance(cause, Refusal | ServiceError | GraphQLError)
