"""Scores of tokens become whole, valid entities."""

import time
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.mentions import Mention, Scheme, mentions, viterbi

COARSE = ("person", "organisation", "place", "other")
LABELS = ("O", *(f"{p}-{t}" for t in COARSE for p in "BI"))
SMALL = ("O", "B-x", "I-x", "B-y")


def random(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32) * 3


def weight(path, emissions, labels, transitions):
    """Weight of a path, -inf when it breaks BIO."""
    steps = [len(labels), *path, len(labels) + 1]
    total = sum(emissions[t, y] for t, y in enumerate(path))
    for a, b in pairwise(steps):
        if b < len(labels) and labels[b][0] == "I":
            before = labels[a] if a < len(labels) else "O"
            if before[2:] != labels[b][2:]:
                return -np.inf
        total += transitions[a, b]
    return total


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.booleans())
def test_path_is_the_best_of_all_valid_ones(seed, tokens, learned):
    emissions = random(seed, tokens, len(SMALL))
    transitions = random(seed + 1, 6, 6) if learned else None
    weights = transitions if learned else np.zeros((6, 6))
    path = viterbi(emissions, SMALL, transitions).tolist()
    best = max(weight(p, emissions, SMALL, weights) for p in product(range(4), repeat=tokens))
    assert weight(path, emissions, SMALL, weights) == pytest.approx(best, abs=1e-4)


def plain_viterbi(emissions, labels, transitions):
    """Weight of the best path, every label at every token."""
    inside = [i for i, label in enumerate(labels) if label[0] == "I"]
    steps = transitions.astype(np.float64)
    steps[:, inside] = -np.inf
    for i in inside:
        for before in (labels.index(f"B-{labels[i][2:]}"), i):
            steps[before, i] = transitions[before, i]
    count = len(labels)
    totals = steps[count, :count] + emissions[0]
    for of_token in emissions[1:]:
        totals = (totals[:, None] + steps[:count, :count]).max(0) + of_token
    return (totals + steps[:count, count + 1]).max()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(1, 40),
    st.sampled_from([0.1, 1.0, 5.0]),
    st.sampled_from([0.0, 0.1, 1.0]),
)
def test_labels_that_are_ruled_out_beforehand_are_in_no_best_path(seed, tokens, sure, coupled):
    emissions = random(seed, tokens, len(LABELS)) * sure
    transitions = random(seed + 1, 11, 11) * coupled
    path = viterbi(emissions, LABELS, transitions).tolist()
    best = plain_viterbi(emissions, LABELS, transitions)
    assert weight(path, emissions, LABELS, transitions) == pytest.approx(best, abs=1e-3)


def test_text_without_words_has_an_empty_path():
    assert viterbi(np.zeros((0, len(LABELS)), np.float32), LABELS).tolist() == []


def one_hot(*labels):
    scores = np.full((len(labels), len(LABELS)), -5, np.float32)
    for row, label in enumerate(labels):
        scores[row, LABELS.index(label)] = 5
    return scores


def test_entities_of_one_type_in_a_row_stay_apart():
    scores = one_hot("B-person", "B-person", "I-person", "O", "B-place")
    found = mentions(scores, [(i, i + 1) for i in range(5)], np.arange(5), Scheme(LABELS))
    assert [(m.start, m.end, m.type) for m in found] == [
        (0, 1, "person"),
        (1, 3, "person"),
        (4, 5, "place"),
    ]
    assert all(m.score > 0.99 for m in found)


def test_a_word_is_never_cut():
    scores = one_hot("O", "B-place", "O", "B-person", "I-place", "O", "O")
    offsets = [(0, 0), (0, 4), (4, 6), (6, 9), (10, 11), (12, 15), (0, 0)]
    words = np.array([-1, 0, 0, 0, 1, 2, -1])
    (found,) = mentions(scores, offsets, words, Scheme(LABELS))
    assert (found.start, found.end, found.type) == (0, 11, "place")


def test_fine_type_is_one_of_the_coarse_type():
    scheme = Scheme(LABELS, ("river", "singer", "judge"), ("place", "person", "person"))
    fine = np.array([[9, 2, 0], [9, 0, 3]], np.float32)
    scores = one_hot("B-person", "I-person")
    offsets, words = [(0, 3), (4, 9)], np.arange(2)
    (found,) = mentions(scores, offsets, words, scheme, fine_scores=fine)
    assert found.fine_type == "judge"
    (found,) = mentions(one_hot("B-other", "I-other"), offsets, words, scheme, fine_scores=fine)
    assert found.fine_type is None


def test_nothing_is_found_in_nothing():
    empty = np.zeros((0, len(LABELS)), np.float32)
    assert mentions(empty, [], np.zeros(0, np.int64), Scheme(LABELS)) == []
    special = np.zeros((2, len(LABELS)), np.float32)
    assert mentions(special, [(0, 0)] * 2, np.array([-1, -1]), Scheme(LABELS)) == []


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 60))
def test_entities_are_in_order_and_apart(seed, tokens):
    rng = np.random.default_rng(seed)
    words = np.cumsum(rng.integers(0, 2, tokens))
    offsets = [(2 * i, 2 * i + 2) for i in range(tokens)]
    found = mentions(random(seed, tokens, len(LABELS)), offsets, words, Scheme(LABELS))
    edges = [edge for m in found for edge in (m.start, m.end)]
    assert edges == sorted(edges)
    assert all(isinstance(m, Mention) and m.start < m.end and 0 < m.score <= 1 for m in found)
    for m in found:  # whole words
        first, last = m.start // 2, m.end // 2 - 1
        assert first == 0 or words[first - 1] != words[first]
        assert last == tokens - 1 or words[last + 1] != words[last]


def test_decoding_costs_little():
    emissions, transitions = random(1, 256, len(LABELS)), random(2, 11, 11)
    took = []
    for _ in range(30):
        started = time.process_time()
        viterbi(emissions, LABELS, transitions)
        took.append(time.process_time() - started)
    assert min(took) < 0.003
