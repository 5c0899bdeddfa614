"""Made-up readers, and what they click."""

import numpy as np

from evaluation.feed_rows import Impression, Rows
from models.ranking.article import FeedArticle

ARTICLES = 40
READERS = 400
SHOWN = 5


def made_up(*, personal: bool) -> tuple[Rows, np.ndarray]:
    """Readers of two kinds, who click what is like their history, or what everybody clicks."""
    chance = np.random.default_rng(4)
    kinds = np.arange(ARTICLES) % 2
    vectors = np.eye(2)[kinds] + 0.3 * chance.normal(size=(ARTICLES, 2))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    appeal = chance.normal(size=ARTICLES)
    articles = tuple(
        FeedArticle(f"n{n}", f"title number {n % 7} of paper", f"s{n % 3}", n * 3_600_000, "")
        for n in range(ARTICLES)
    )
    impressions = []
    for reader in range(READERS):
        kind = reader % 2
        history = chance.choice(np.flatnonzero(kinds == kind), 4, replace=False)
        for _ in range(3):
            shown = chance.choice(np.setdiff1d(np.arange(ARTICLES), history), SHOWN, replace=False)
            wish = 3.0 * (kinds[shown] == kind) if personal else 2 * appeal[shown]
            best = (wish + chance.gumbel(size=SHOWN)).argmax()
            impressions.append(Impression(f"u{reader}", history, shown, np.arange(SHOWN) == best))
    return Rows(articles, ("",) * ARTICLES, tuple(impressions)), vectors
