"""Rows of stories made up for tests, with the articles that models would make of them."""

from collections.abc import Sequence

import numpy as np

from evaluation.story_rows import Row
from schemas.enriched_article import EnrichedArticle, Entity, Language

WIDTH = 384


def rows(count: int = 40) -> tuple[list[Row], np.ndarray]:
    """Four events in turn, with vectors near their own."""
    chance = np.random.default_rng(0)
    centres = chance.normal(size=(4, WIDTH))
    vectors = np.stack([centres[n % 4] + 0.5 * chance.normal(size=WIDTH) for n in range(count)])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    made = [Row(str(n), f"event{n % 4} told{n}", "", "s", n, str(n % 4)) for n in range(count)]
    return made, vectors.astype(np.float32)


def articles_of(
    rows: Sequence[Row], vectors: np.ndarray, names: Sequence[Sequence[Entity]] | None = None
) -> list[EnrichedArticle]:
    """Rows as the job `enrich` would hand them on."""
    return [
        EnrichedArticle(
            article_id=row.id,
            url="",
            source=row.source,
            title=row.title,
            published_ms=row.published_ms,
            ingested_ms=row.published_ms,
            enriched_ms=row.published_ms,
            content_hash=row.id,
            language=Language(code="en", confidence=1.0),
            embedding=vector.astype("<f2").tobytes(),
            entities=list(named),
            model_versions={},
        )
        for row, vector, named in zip(rows, vectors, names or [()] * len(rows), strict=True)
    ]
