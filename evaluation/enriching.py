"""Articles as the job `enrich` hands them on: by the analyzer that it runs, as it runs it."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing

from models.analyzer import Analyzer
from models.enrichment import enriched as compose
from models.manifest import SHIPPED, read
from models.text import article_text
from models.usual_analyzer import usual_analyzer_config
from schemas.article import Article
from schemas.enriched_article import EMBEDDING, EnrichedArticle, Language
from schemas.errors import InferenceError, SetupError

AT_ONCE = 256
"""Articles that wait for a batch of the models together."""


def enriched(
    articles: Sequence[Article], language: str, progress: Callable[[str], None]
) -> list[EnrichedArticle]:
    """Articles of a language with all that the shipped models say of them, as they were published.

    Raises SetupError where no model gives vectors in the language, or one fails on an article.
    """
    manifest = read(SHIPPED)
    if all(route.task != EMBEDDING for route in manifest.routes_for(language)):
        raise SetupError(f"no model gives vectors of articles in {language!r}")
    analyzer = Analyzer(manifest, usual_analyzer_config(threads=1))
    known = Language(code=language, confidence=1.0)

    async def one(article: Article) -> EnrichedArticle:
        text, at_ms = article_text(article), article.published_ms
        try:
            analysis = await analyzer.analyze(text, language=known)
        except InferenceError as error:
            raise SetupError(f"a model fails on article {article.article_id}: {error}") from error
        return compose(article, text, analysis, ingested_ms=at_ms, enriched_ms=at_ms)

    async def every() -> list[EnrichedArticle]:
        found: list[EnrichedArticle] = []
        for start in range(0, len(articles), AT_ONCE):
            found += await asyncio.gather(*map(one, articles[start : start + AT_ONCE]))
            progress(f"enriching: {len(found):,} of {len(articles):,} articles")
        return found

    with closing(analyzer):
        return asyncio.run(every())
