"""A summary is sentences of the article, each said once."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.summary import choose, is_sentence

STORY = [
    "A fire closed the harbour of Harbourville on Monday.",
    "Nobody was hurt, the mayor told reporters later.",
    "The harbour of Harbourville was closed on Monday by a fire.",
    "Ferries will not run before the end of the week.",
    "Insurers expect damages of twelve million dollars.",
]


def test_equal_scores_give_lead_without_repetition():
    assert choose([0.0] * 5, STORY) == [0, 1, 3]


def test_best_sentences_come_in_order_of_the_article():
    assert choose([0.1, 0.2, 0.0, 0.4, 0.9], STORY, max_sentences=2) == [3, 4]


def test_a_repetition_gives_way_to_the_next():
    assert choose([0.9, 0.1, 0.8, 0.2, 0.3], STORY) == [0, 3, 4]


def test_length_is_kept_in_sentences_and_characters():
    assert choose([5, 4, 3, 2, 1], STORY, max_sentences=1) == [0]
    assert choose([5, 4, 3, 2, 1], STORY, max_characters=60) == [0]
    assert choose([5, 4, 3, 2, 1], STORY, max_characters=20) == []
    assert choose([5, 4, 3, 2, 1], STORY, max_sentences=0) == []


def test_only_the_best_is_taken_below_the_minimum():
    assert choose([0.3, 0.2, 0.1, 0.1, 0.25], STORY, min_score=0.24) == [0, 4]
    assert choose([0.3, 0.2, 0.1, 0.1, 0.25], STORY, min_score=0.9) == [0]


def test_a_cut_sentence_is_told_only_for_want_of_a_whole_one():
    cut = "Ferries will not run before the end of the"
    assert choose([2, 1], [cut, STORY[1]]) == [1]
    assert choose([2], [cut]) == [0]


def test_unknown_scores_come_last():
    assert choose([float("nan"), 1, 0, 0, 2], STORY, max_sentences=2) == [1, 4]


def test_scores_and_sentences_must_match():
    with pytest.raises(ValueError, match="1 scores for 5 sentences"):
        choose([1.0], STORY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Fire!",
        "LONDON (Reuters) -",
        "Read more: Why the harbour closed for a week",
        "Photo by Jo Roe / Harbour Courier in June",
        "By Jo Roe and Ann Poe",
        "Reporting by Jo Roe; Editing by Ann Poe",
        "Sign up for our daily newsletter and never miss a story.",
        "© 2024 The Harbour Courier and its licensors.",
        "THE HARBOUR IS CLOSED UNTIL FURTHER NOTICE",
        "12:30 14:15 16:00 | 3-1 2-2 | 0.5 0.75 1.25 a b",
        "Lesen Sie auch: Warum der Hafen geschlossen wurde",
    ],
)
def test_what_is_no_sentence_is_not_told(text):
    assert not is_sentence(text)


@pytest.mark.parametrize(
    "text",
    [
        "LONDON (Reuters) - Shares fell by 3 percent on Friday.",
        "By Friday the river had risen to four metres.",
        "Watching the match was a crowd of 40,000.",
        "今日は雨が降りました。",
        "Related costs rose to $5 million last year.",
        "The image of the party suffered a lot.",
        "Related companies were closed on Monday too.",
        "Videos of the fire were seen by millions.",
    ],
)
def test_sentences_are_told(text):
    assert is_sentence(text)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(), st.sampled_from([*STORY, "", "Fire", "Photo: x", "日" * 9]))),
    st.integers(0, 5),
    st.integers(0, 300),
)
def test_summary_is_bounded_ordered_and_of_the_article(rows, count, characters):
    scores, sentences = [s for s, _ in rows], [t for _, t in rows]
    chosen = choose(scores, sentences, max_sentences=count, max_characters=characters)
    assert chosen == sorted(set(chosen))
    assert len(chosen) <= count
    assert len(" ".join(sentences[i] for i in chosen)) <= characters
    assert len({sentences[i] for i in chosen}) == len(chosen)
    assert all(is_sentence(sentences[i]) for i in chosen)


@pytest.mark.parametrize("part", ["A", "A.", "By ", "By A. ", "photo ", "@a", "a b c ", ".", "日"])
def test_hostile_sentence_takes_no_time(part):
    hostile = "By " + part * (20_000 // len(part))
    started = time.process_time()
    choose([1, 1, 1], [hostile + "x", hostile + ".", "Photo" + hostile], max_characters=10**6)
    assert time.process_time() - started < 1


def test_choosing_costs_little():
    sentences = [f"{s} {i} times as was told before." for i, s in enumerate(STORY * 4)]
    scores = np.linspace(0, 1, 20)
    choose(scores, sentences)
    started = time.process_time()
    for _ in range(20):
        choose(scores, sentences)
    assert (time.process_time() - started) / 20 < 0.002
