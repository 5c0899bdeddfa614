"""Texts are embedded once, concepts by the mean of their prompts."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from models.encoder import Outputs
from models.topics import concepts
from schemas.errors import InferenceError
from training.embed_topics import EMBEDDING, Embedder, StandIn, prompts


class FakeEncoder:
    """Embeds a text as its length; counts how often it ran."""

    def __init__(self) -> None:
        self.runs = 0

    def tokenize(self, text: str) -> int:
        return len(text)

    def run(self, batch: Sequence[int]) -> list[Outputs | InferenceError]:
        self.runs += 1
        return [
            {EMBEDDING: np.array([size], np.float32), "topics": np.array([0.0, size], np.float32)}
            if size != 13
            else InferenceError("unlucky")
            for size in batch
        ]


def embedder(output: str | None = None, cache: Path | None = None) -> Embedder:
    return Embedder(FakeEncoder(), "fake-1", output, 2.0, cache)  # type: ignore[arg-type]


def test_embeddings_keep_the_order_of_the_texts() -> None:
    texts = ["x" * (40 - length) for length in range(40) if length != 27]
    found, probabilities = embedder().embed(texts)
    assert found[:, 0].tolist() == [len(text) for text in texts]
    assert probabilities is None


def test_the_heads_logits_become_probabilities() -> None:
    _, probabilities = embedder("topics").embed(["xx"])
    assert probabilities is not None
    np.testing.assert_allclose(probabilities, [[0.5, 1 / (1 + np.exp(-1))]], rtol=1e-6)


def test_kept_embeddings_are_not_computed_again(tmp_path: Path) -> None:
    first, again = embedder("topics", tmp_path), embedder("topics", tmp_path)
    expected = first.embed(["a", "bb"])
    found = again.embed(["a", "bb"])
    assert again.encoder.runs == 0  # type: ignore[attr-defined]
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])  # type: ignore[arg-type]


def test_a_failing_text_raises() -> None:
    with pytest.raises(InferenceError, match="unlucky"):
        embedder().embed(["x" * 13])


def test_prompts_name_the_concept_and_what_is_broader() -> None:
    topics = concepts.read()
    concept = topics.named("global warming")
    texts = [prompt(concept) for prompt in prompts(topics, {concept.code: "A definition"})]
    assert texts[0] == "global warming"
    assert texts[2] == "global warming (climate change, environment): A definition"
    assert all("global warming" in text for text in texts)


def test_the_stand_in_gives_probabilities() -> None:
    weights = np.zeros((385, 3), np.float32)
    weights[-1] = [0, 5, -5]
    found = StandIn(weights).probabilities(np.zeros((2, 384), np.float32))
    np.testing.assert_allclose(found, [[0.5, 0.99331, 0.00669]] * 2, atol=1e-4)
