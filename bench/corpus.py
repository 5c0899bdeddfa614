"""Texts to measure with: as long as the model reads, no two alike."""

import random
from collections.abc import Iterator, Sequence

SENTENCES_PER_ARTICLE = 16
"""About 300 tokens: more than the 256 that the encoder reads."""


def shuffled_articles(bodies: Sequence[str], count: int, seed: int = 7) -> Iterator[str]:
    """Articles put together from the sentences of `bodies`; nonsense to people, text to a model."""
    sentences = [s.strip() for body in bodies for s in body.split(". ") if len(s) > 40]
    chance = random.Random(seed)
    for _ in range(count):
        yield ". ".join(chance.sample(sentences, SENTENCES_PER_ARTICLE)) + "."
