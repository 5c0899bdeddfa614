"""An enriched article from an article and what the models say of its text."""

from collections.abc import Sequence

from models.analyzer import Analysis
from models.heads import FoundEntity
from models.text import ArticleText, Locator
from schemas.article import Article
from schemas.enriched_article import EnrichedArticle, Entity


def enriched(
    article: Article, text: ArticleText, analysis: Analysis, *, ingested_ms: int, enriched_ms: int
) -> EnrichedArticle:
    """The record of articles.enriched; entities are found again in the article as it was given."""
    answers = dict(analysis.answers)
    if "entities" in answers:
        answers["entities"] = located(article, text, answers["entities"])
    return EnrichedArticle(
        article_id=article.article_id,
        url=article.url,
        source=article.source,
        owner=article.owner,
        title=article.title,
        published_ms=article.published_ms,
        ingested_ms=ingested_ms,
        enriched_ms=enriched_ms,
        content_hash=text.content_hash,
        language=analysis.language,
        model_versions=dict(analysis.model_versions),
        **answers,
    )


def located(article: Article, text: ArticleText, found: Sequence[FoundEntity]) -> list[Entity]:
    """Entities with their offsets in the article's own fields, markup and all.

    A name that runs from the title into the body is none.
    """
    read = max((entity.mention.end for entity in found), default=0)
    locator = Locator(article, text, max(read, len(text.title)))
    entities = []
    for entity in found:
        mention = entity.mention
        cut = locator.locate(mention.start, mention.end)
        if cut is not None:
            entities.append(
                Entity(
                    text=cut.text,
                    type=mention.type,
                    fine_type=mention.fine_type,
                    field=cut.field,
                    start=cut.start,
                    end=cut.end,
                    score=mention.score,
                    wikidata_id=entity.wikidata_id,
                    sentiment=entity.sentiment,
                )
            )
    return entities
