"""Scores of a document's sentences, and the summary that they make together."""

import numpy as np
import pytest

from models import document_scorer
from models.document_scorer import (
    FEATURES,
    MOST_READ,
    MOST_TOLD,
    POOL,
    DocumentScorer,
    DocumentScores,
    best_together,
    features,
    subsets,
)
from models.encoder import Tokens
from schemas.errors import InferenceError

TOLD = (
    "The river rose three metres in the north on Monday .",
    "Two bridges were closed and 400 people left their homes .",
    "he said : `` we have not seen this before . ''",
    "The river rose in the north , and two bridges closed .",
)


class WordEncoder:
    """A sentence's vector tells how many letters it has."""

    def __init__(self):
        self.sizes = []

    def tokenize(self, text):
        return Tokens([1] * len(text), np.zeros((len(text), 2)), np.zeros(len(text)))

    def run(self, batch):
        self.sizes.append(len(batch))
        return [
            InferenceError("told to fail") if not len(tokens)
            else {document_scorer.VECTOR_OUTPUT: np.full(4, len(tokens), np.float32)}
            for tokens in batch
        ]  # fmt: skip


class Graph:
    """Likes long sentences, and no two of them."""

    def run(self, inputs):
        scores = inputs["vectors"][..., 0]
        pairs = np.full((*scores.shape, scores.shape[1]), -1e3, np.float32)
        return {"scores": scores, "pairs": pairs, "sizes": np.zeros((1, MOST_TOLD), np.float32)}


def scores(alone, pairs=None, sizes=None):
    count = len(alone)
    return DocumentScores(
        np.array(alone, np.float32),
        np.zeros((count, count), np.float32) if pairs is None else np.array(pairs, np.float32),
        np.zeros(MOST_TOLD, np.float32) if sizes is None else np.array(sizes, np.float32),
    )


def test_vectors_keep_the_order_of_the_sentences():
    encoder = WordEncoder()
    sentences = ["x" * size for size in (9, 3, 7, 1, 5) * 7]
    vectors = document_scorer.sentence_vectors(encoder, sentences)
    assert vectors[:, 0].tolist() == [9, 3, 7, 1, 5] * 7
    assert max(encoder.sizes) < len(sentences)


def test_sentences_behind_those_that_are_read_are_never_chosen():
    scorer = DocumentScorer(WordEncoder(), Graph())
    sentences = ["a b"] * (MOST_READ - 1) + ["as long as it is"] + ["the longest of them all"]
    assert best_together(scorer.score(sentences)) == [MOST_READ - 1]


def test_failure_of_the_encoder_is_told():
    with pytest.raises(InferenceError, match="told to fail"):
        DocumentScorer(WordEncoder(), Graph()).score(["a", ""])


def test_two_that_say_the_same_are_not_told_together():
    apart = [[0, -9, 0], [-9, 0, 0], [0, 0, 0]]
    assert best_together(scores([3, 2.9, 1], apart)) == [0, 2]


def test_size_of_a_summary_counts():
    assert best_together(scores([3, 2, 1], sizes=[0, -9, -9, -9, -9])) == [0]
    assert best_together(scores([3, -1, -1], sizes=[-9, -9, 0, 0, 0])) == [0, 1, 2]


def test_summary_is_ordered_and_never_too_long():
    draw = np.random.default_rng(0)
    for count in (1, 2, POOL - 1, POOL, MOST_READ):
        pairs = draw.normal(size=(count, count))
        found = scores(draw.normal(size=count), pairs + pairs.T, draw.normal(size=MOST_TOLD))
        chosen = best_together(found)
        assert chosen == sorted(set(chosen))
        assert 1 <= len(chosen) <= min(count, MOST_TOLD)
        assert len(best_together(found, longest=1)) == 1


def test_every_choice_is_tried_once():
    choices = subsets(4, 2)
    assert len({tuple(row) for row in choices.tolist()}) == len(choices) == 4 + 6
    assert set(choices.sum(axis=1).tolist()) == {1.0, 2.0}


def test_features_tell_what_a_sentence_adds():
    length, _, _, _, place, *_ = features(TOLD).T
    assert place.tolist() == [0, 0.25, 0.5, 0.75]
    assert length[2] > 0
    earlier, new = features(TOLD)[:, 10], features(TOLD)[:, 12]
    assert earlier[3] > earlier[1] == 0
    assert new[0] == 1 > new[3]
    numbers, quoted, leaning = features(TOLD)[:, 13:16].T
    assert np.flatnonzero(numbers).tolist() == [1]
    assert np.flatnonzero(quoted).tolist() == np.flatnonzero(leaning).tolist() == [2]


@pytest.mark.parametrize(
    "sentences", [["."], [""], ["🙂🙃"], ["שלום abc", "12 %"], ["word " * 9_000], ["a b ."] * 999]
)
def test_any_sentence_has_finite_features(sentences):
    found = features(sentences)
    assert found.shape == (min(len(sentences), MOST_READ), FEATURES)
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 20


def test_features_do_not_depend_on_capitals():
    assert features(TOLD).tolist() == features([text.upper() for text in TOLD]).tolist()
