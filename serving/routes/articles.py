"""Articles with all that is known of them, joined."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from schemas.audience import AudienceMood
from schemas.enriched_article import EnrichedArticle, Entity, Language, Sentiment, TopicScore
from schemas.story import Story
from serving import corrections
from serving.answers import Answer, as_json
from serving.asking import Parts, reader
from serving.services import Services

router = APIRouter(prefix="/v1/articles", tags=["articles"], dependencies=[Depends(reader)])


class StoryOfArticle(Answer):
    """The story that an article belongs to."""

    story_id: str
    title: str
    status: str
    articles: int
    independent_sources: int
    probability: float
    novelty: float
    copy_of: str | None


class Corrected(Answer):
    """Who said what of a field, in place of a model."""

    by: str
    at_ms: int
    command_id: str


class ArticleAnswer(Answer):
    """An article with what the models, the stories, the readers and the editors say of it.

    breaking_score     the highest of its story, over the desks; null without a story
    personalized_rank  place in the feed of `user`, 1 is the top; null if it is not in it
    corrected          fields that an editor has corrected; their values are the editor's
    stale              Redis was away: this is what was known before
    """

    article_id: str
    url: str
    source: str
    owner: str | None
    title: str
    published_ms: int
    language: Language
    topics: list[TopicScore] | None
    tags: list[str] | None
    entities: list[Entity] | None
    sentiment: Sentiment | None
    tone_score: float | None
    summary: str | None
    summary_method: str | None
    importance: float | None
    breaking_score: float | None
    story: StoryOfArticle | None
    personalized_rank: int | None
    audience_mood: AudienceMood | None
    corrected: dict[str, Corrected]
    model_versions: dict[str, str]
    stale: bool


@router.get("/{article_id}", response_model=ArticleAnswer)
async def article(
    article_id: Annotated[str, Path(max_length=200)],
    services: Parts,
    user: Annotated[
        str | None, Query(min_length=1, max_length=200, description="A reader's key.")
    ] = None,
) -> Response:
    """An article, joined with its story, the readers' mood and editors' corrections."""
    return as_json(await found(services, article_id, user))


async def found(services: Services, article_id: str, user: str | None) -> ArticleAnswer:
    """An article, joined. Raises NotFound or Unavailable."""
    known = await services.articles.get(article_id)
    rank = None
    if user:
        rank = await services.feeds.rank_of(article_id, user, now_ms=services.now_ms())
    return joined(services, known.article, rank=rank, stale=known.stale)


def joined(
    services: Services, article: EnrichedArticle, *, rank: int | None = None, stale: bool = False
) -> ArticleAnswer:
    """The answer for an article, from what is at hand."""
    wall = services.wall
    story = wall.story_of(article.article_id)
    known = wall.corrections(article.article_id)
    said, changed = corrections.applied(article, {name: c.value for name, c in known.items()})
    return ArticleAnswer.model_construct(
        **{name: getattr(said, name) for name in _FROM_ARTICLE},
        breaking_score=max((s.score for s in story.scores), default=None) if story else None,
        story=_story_of(services, article.article_id, story),
        personalized_rank=rank,
        audience_mood=wall.moods.get(f"article/{article.article_id}"),
        corrected={
            name: Corrected(by=c.by, at_ms=c.at_ms, command_id=c.command_id)
            for name, c in known.items()
            if name in changed
        },
        stale=stale,
    )


def _story_of(services: Services, article_id: str, story: Story | None) -> StoryOfArticle | None:
    placed = services.wall.placements.get(article_id)
    if story is None or placed is None:
        return None
    return StoryOfArticle(
        story_id=story.story_id,
        title=story.title,
        status=story.status,
        articles=story.articles,
        independent_sources=story.independent_sources,
        probability=placed.probability,
        novelty=placed.novelty,
        copy_of=placed.copy_of,
    )


_FROM_ARTICLE = sorted(set(ArticleAnswer.model_fields) & set(EnrichedArticle.model_fields))
