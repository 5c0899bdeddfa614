"""An article as the console shows it, with what editors corrected in place of the models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.enriched_article import EnrichedArticle
from schemas.story import StoryArticle
from serving.console import words
from serving.views import Correction

SENTIMENTS = ("negative", "neutral", "positive")
CORRECTABLE = ("topics", "tags", "sentiment", "importance")


@dataclass(frozen=True)
class Topic:
    """A concept of the IPTC Media Topics."""

    code: str
    name: str


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
    topics: tuple[Topic, ...] | None = None
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
    said = {name: corrections[name].value for name in CORRECTABLE if name in corrections}
    return ArticleView(
        article_id=article.article_id,
        title=article.title,
        source=article.source,
        href=words.web_address(article.url),
        published_ms=article.published_ms,
        language=article.language.code,
        copy_of=placed.copy_of if placed else None,
        lead=lead,
        topics=_topics(article, said),
        tags=_tags(article, said),
        sentiment=_sentiment(article, said),
        importance=_importance(article, said),
        summary=article.summary,
        corrected=corrections,
    )


def _topics(article: EnrichedArticle, said: Mapping[str, Any]) -> tuple[Topic, ...] | None:
    """Corrected topics are TopicScores as JSON; a bare code is taken too."""
    if isinstance(said.get("topics"), list):
        names = {topic.code: topic.name for topic in article.topics or []}
        return tuple(_topic(entry, names) for entry in said["topics"])
    if article.topics is None:
        return None
    return tuple(Topic(topic.code, topic.name) for topic in article.topics)


def _topic(entry: Any, names: Mapping[str, str]) -> Topic:
    if isinstance(entry, dict):
        code = str(entry.get("code", ""))
        return Topic(code, str(entry.get("name") or names.get(code, code)))
    return Topic(str(entry), names.get(str(entry), str(entry)))


def _tags(article: EnrichedArticle, said: Mapping[str, Any]) -> tuple[str, ...] | None:
    tags: Sequence[Any] | None = said.get("tags", article.tags)
    return tuple(str(tag) for tag in tags) if isinstance(tags, list) else None


def _sentiment(article: EnrichedArticle, said: Mapping[str, Any]) -> str | None:
    value = said.get("sentiment")
    if isinstance(value, dict):
        value = value.get("label")
    if value in SENTIMENTS:
        return str(value)
    return article.sentiment.label if article.sentiment else None


def _importance(article: EnrichedArticle, said: Mapping[str, Any]) -> float | None:
    value = said.get("importance", article.importance)
    return float(value) if isinstance(value, int | float) else None
