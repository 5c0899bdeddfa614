"""A text in, the enriched record out: the models of the jobs, in this process.

What runs them is imported with them, in a thread: the server answers meanwhile, and one without
models does without.
"""

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ingest import addresses
from models.manifest import SHIPPED, Manifest, read
from models.ranking.article import Vector
from models.text import article_text, clean
from schemas.article import Article
from schemas.enriched_article import EMBEDDING, EnrichedArticle
from schemas.errors import ModelFileError
from serving.errors import NoText, Unavailable

if TYPE_CHECKING:
    from models.analyzer import Analyzer

log = logging.getLogger(__name__)


class Analysis:
    """The analyzer, opened in the background; concurrent calls share its batches.

    waiting  texts that may be in work at once
    """

    def __init__(
        self, *, manifest: Path | None, threads: int, non_commercial: bool, waiting: int
    ) -> None:
        self._file = manifest or SHIPPED
        self._non_commercial = non_commercial
        self._threads = threads
        self._waiting = waiting
        self._in_work = 0
        self._opened: tuple[Manifest, Analyzer] | None = None
        self.problem: str | None = "the models are being loaded"
        """Why nothing can be analysed; None when it can."""

    async def open(self) -> None:
        """Load the models; what is wrong with them is said to who asks."""
        try:
            await asyncio.to_thread(self._open)
        except (ModelFileError, ImportError) as error:
            self.problem = f"no model can answer: {error}"
            log.error("%s", self.problem)

    def close(self) -> None:
        """End the inference threads."""
        if self._opened is not None:
            self._opened[1].close()

    async def analyze(self, article: Article, *, now_ms: int) -> EnrichedArticle:
        """The enriched article. Raises Unavailable, NoText, or InferenceError."""
        from models.enrichment import enriched

        _, analyzer = self._ready()
        text = article_text(article)
        if not text:
            raise NoText("title and body hold no text")
        self._in_work += 1
        try:
            analysis = await analyzer.analyze(text)
        finally:
            self._in_work -= 1
        return enriched(article, text, analysis, ingested_ms=now_ms, enriched_ms=now_ms)

    async def vector(self, text: str) -> tuple[Vector, str, frozenset[str]]:
        """A text's unit vector, its encoder's version, and the languages it is good for.

        Raises Unavailable.
        """
        manifest, analyzer = self._ready()
        routes = [r for r in manifest.job_routes if r.task == EMBEDDING]
        if not routes:
            raise Unavailable("no model gives embeddings")
        route = routes[0]
        tokens = analyzer.encoders[route.model].tokenize(clean(text))
        outputs = await analyzer.batchers[route.model].submit(tokens)
        vector = np.asarray(outputs[route.output], np.float32)
        unit = vector / max(float(np.linalg.norm(vector)), 1e-9)
        return unit, manifest.label(route.model), route.languages

    def _ready(self) -> tuple[Manifest, "Analyzer"]:
        if self._opened is None:
            raise Unavailable(self.problem)
        if self._in_work >= self._waiting:
            raise Unavailable(f"{self._in_work} texts are in work; no more are taken just now")
        return self._opened

    def _open(self) -> None:
        from models.analyzer import Analyzer
        from models.usual_analyzer import usual_analyzer_config

        manifest = read(self._file, non_commercial=self._non_commercial)
        analyzer = Analyzer(manifest, usual_analyzer_config(self._threads))
        analyzer.warm_up()
        self._opened, self.problem = (manifest, analyzer), None


def article_of(
    *,
    title: str,
    body: str,
    article_id: str | None,
    url: str,
    source: str | None,
    published_ms: int | None,
    now_ms: int,
) -> Article:
    """The article that a caller gives; what they leave out is derived."""
    return Article(
        article_id=article_id or addresses.article_id(url, title, body),
        url=url,
        source=source or addresses.host_of(url) or addresses.UNKNOWN_SOURCE,
        title=title,
        body=body,
        published_ms=now_ms if published_ms is None else published_ms,
        fetched_ms=now_ms,
    )
