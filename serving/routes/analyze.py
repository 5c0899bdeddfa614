"""A text in, the enriched record out; and search over fresh articles."""

import asyncio
import base64
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Body, Depends
from pydantic import BaseModel, ConfigDict, Field

from models.ranking.article import FeedArticle
from schemas.enriched_article import EnrichedArticle
from schemas.errors import InferenceError
from serving.analysis import article_of
from serving.answers import LATEST_MS, Answer
from serving.asking import Parts, reader
from serving.errors import Unavailable, Unprocessable
from serving.search import search
from serving.services import Services

router = APIRouter(prefix="/v1", tags=["articles"], dependencies=[Depends(reader)])


class AnalyzeBody(BaseModel):
    """A text: an article, or a part of one. Texts may hold markup."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(default="", max_length=2_000)
    body: str = Field(default="", max_length=1_000_000)
    article_id: str | None = Field(default=None, min_length=1, max_length=200)
    url: str = Field(default="", max_length=4_000)
    source: str | None = Field(default=None, min_length=1, max_length=200)
    published_ms: int | None = Field(default=None, ge=0, le=LATEST_MS)


class AnalyzeAnswer(EnrichedArticle):
    """The enriched record; `embedding` is base64 of float16 little-endian."""

    embedding: str | None = None  # type: ignore[assignment]


class SearchBody(BaseModel):
    """A query, and what results must be like; empty lists want everything."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(min_length=1, max_length=2_000)
    languages: list[str] = Field(default_factory=list, max_length=100)
    sources: list[str] = Field(default_factory=list, max_length=100)
    topics: list[str] = Field(
        default_factory=list, max_length=100, description="IPTC codes; those below them count."
    )
    entities: list[str] = Field(
        default_factory=list, max_length=100, description="Wikidata ids or names."
    )
    story_id: str | None = Field(default=None, max_length=200)
    min_importance: float = Field(default=0, ge=0, le=1)
    published_from_ms: int = Field(default=0, ge=0, le=LATEST_MS)
    published_to_ms: int = Field(default=LATEST_MS, ge=0, le=LATEST_MS)
    limit: int = Field(default=20, ge=1, le=200)


class Hit(Answer):
    """An article that answers a query.

    score     0..1, the larger of the two that follow
    semantic  cosine with the query; null where the article's language has no vectors
    words     share of the query's words that it has, rare ones count more
    """

    article_id: str
    title: str
    source: str
    url: str
    published_ms: int
    language: str
    summary: str | None
    story_id: str | None
    score: float
    semantic: float | None
    words: float


class Hits(Answer):
    """Results, the best first; `semantic` says whether meaning was compared, or words alone."""

    semantic: bool
    note: str | None
    hits: list[Hit]


@router.post("/analyze")
async def analyze(body: AnalyzeBody, services: Parts) -> AnalyzeAnswer:
    """What the models say of a text, as the job `enrich` would; calls share batches.

    503 says why no model answers.
    """
    now_ms = services.now_ms()
    try:
        article = article_of(**body.model_dump(), now_ms=now_ms)
        found = await services.models().analyze(article, now_ms=now_ms)
    except InferenceError as error:
        raise Unprocessable(error.detail) from error
    embedding = base64.b64encode(found.embedding).decode() if found.embedding else None
    fields = {name: getattr(found, name) for name in EnrichedArticle.model_fields}
    return AnalyzeAnswer.model_construct(**fields | {"embedding": embedding})


@router.post("/search")
async def find(body: Annotated[SearchBody, Body()], services: Parts) -> Hits:
    """Fresh articles by meaning and by words, filtered."""
    return await searched(services, body)


async def searched(services: Services, body: SearchBody) -> Hits:
    """The articles that answer a query."""
    vector, note = None, None
    try:
        vector = await services.models().vector(body.query)
    except Unavailable as error:
        note = f"compared by words alone: {error}"
    except InferenceError as error:
        note = f"compared by words alone: {error.detail}"
    shelf = services.shelf
    found = await asyncio.to_thread(
        search,
        shelf.fresh,
        shelf.words,
        query=body.query,
        vector=vector,
        wanted=lambda article: _wanted(body, article),
        since_ms=body.published_from_ms,
        limit=body.limit,
    )
    hits = [
        Hit(
            **asdict(card),
            story_id=one.article.story_id,
            score=one.score,
            semantic=one.semantic,
            words=one.words,
        )
        for one in found
        if (card := shelf.card(one.article.article_id)) is not None
    ]
    return Hits(semantic=vector is not None, note=note, hits=hits)


def _wanted(body: SearchBody, article: FeedArticle) -> bool:
    entities = {name.casefold() for name in body.entities}
    return (
        (not body.languages or article.language in body.languages)
        and (not body.sources or article.source in body.sources)
        and (not body.topics or not article.topics.keys().isdisjoint(body.topics))
        and (
            not entities
            or any(
                key.casefold() in entities or name.casefold() in entities
                for key, name in article.entities.items()
            )
        )
        and body.story_id in (None, article.story_id)
        and (article.importance or 0) >= body.min_importance
        and article.published_ms <= body.published_to_ms
    )
