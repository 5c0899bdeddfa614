"""An article as the console shows it, with what editors corrected in place of the models."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.enriched_article import EnrichedArticle, TopicScore
from schemas.story import StoryArticle
from serving.console import words
from serving.corrections import applied
from serving.views import Correction


@dataclass(frozen=True)
class ArticleView:
    """An article in a list, or opened to be corrected.

    title       None where the article itself is not at hand
    href        None where its URL is none that a page may link to
    corrected   field to who corrected it
    """

    article_id: str
    title: str | None
    source: str
    href: str | None
    published_ms: int
    language: str
    copy_of: str | None = None
    lead: bool = False
    topics: tuple[TopicScore, ...] | None = None
    tags: tuple[str, ...] | None = None
    sentiment: str | None = None
    importance: float | None = None
    summary: str | None = None
    corrected: Mapping[str, Correction] = field(default_factory=dict)


def view(
    article: EnrichedArticle | None,
    placed: StoryArticle | None,
    corrections: Mapping[str, Correction],
    lead: bool = False,
) -> ArticleView:
    """An article, or what its place in a story alone tells of it. One of the two is given."""
    if article is None:
        if placed is None:
            raise ValueError("neither an article nor its place; expected one")
        return ArticleView(
            article_id=placed.article_id,
            title=None,
            source=placed.source,
            href=None,
            published_ms=placed.published_ms,
            language="und",
            copy_of=placed.copy_of,
            lead=lead,
            corrected=corrections,
        )
    said, changed = applied(article, {name: each.value for name, each in corrections.items()})
    return ArticleView(
        article_id=article.article_id,
        title=article.title,
        source=article.source,
        href=words.web_address(article.url),
        published_ms=article.published_ms,
        language=article.language.code,
        copy_of=placed.copy_of if placed else None,
        lead=lead,
        topics=None if said.topics is None else tuple(said.topics),
        tags=None if said.tags is None else tuple(said.tags),
        sentiment=said.sentiment.label if said.sentiment else None,
        importance=said.importance,
        summary=article.summary,
        corrected={name: each for name, each in corrections.items() if name in changed},
    )
