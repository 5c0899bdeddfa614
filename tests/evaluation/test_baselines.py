"""Baselines on rows a few words long."""

import numpy as np
import pytest

from evaluation import baselines
from evaluation.metrics import entity_scores
from evaluation.rows import TagRow, TargetRow, TextRow

LABELS = ("Sports", "World")
TRAIN = [
    TextRow("goal match team", ("Sports",)),
    TextRow("team wins match", ("Sports",)),
    TextRow("goal wins team", ("Sports",)),
    TextRow("treaty minister vote", ("World",)),
    TextRow("minister signs treaty", ("World",)),
]


def test_tfidf_learns_words():
    asked = [TextRow("treaty vote", ("World",)), TextRow("team goal", ("Sports",))]
    given = baselines.tfidf_classes(TRAIN, asked, LABELS, several=False)
    assert given.tolist() == [[False, True], [True, False]]


def test_tfidf_decides_several_labels_and_none():
    train = [
        *TRAIN * 3,
        *[TextRow("goal minister treaty team", ("Sports", "World"))] * 9,
        *[TextRow("rain cloud rain", ())] * 9,
    ]
    asked = [TextRow("minister treaty team goal", ()), TextRow("rain cloud", ())]
    given = baselines.tfidf_classes(train, asked, LABELS, several=True)
    assert given.tolist() == [[True, True], [False, False]]


def test_tfidf_of_texts_without_a_common_term_learns_each_of_them():
    train = [TextRow("goal match", ("Sports",)), TextRow("treaty vote", ("World",))]
    given = baselines.tfidf_classes(train, train, LABELS, several=False)
    assert given.tolist() == [[True, False], [False, True]]
    targets = [TargetRow("good", 0, 4, "positive"), TargetRow("bad", 0, 3, "negative")]
    assert baselines.tfidf_targets(targets, targets) == ["positive", "negative"]
    found = baselines.tfidf_scores([("war", 1.0), ("cat", 0.0)], ["cat", "war"])
    assert found[1] > found[0]


def test_tfidf_of_texts_without_words_gives_what_most_have():
    train = [TextRow("!", ("World",)), TextRow("?", ("World",)), TextRow("", ("Sports",))]
    given = baselines.tfidf_classes(train, TRAIN[:1], LABELS, several=False)
    assert given.tolist() == [[False, True]]
    given = baselines.tfidf_classes(train, TRAIN[:1], LABELS, several=True)
    assert given.tolist() == [[False, True]]
    assert baselines.tfidf_scores([("!", 1.0), ("?", 0.0)], ["war", "cat"]).tolist() == [0.5, 0.5]


def test_tfidf_of_one_row_gives_what_it_has():
    train = [TextRow("goal", ("Sports",))]
    for several in (False, True):
        given = baselines.tfidf_classes(train, TRAIN[-1:], LABELS, several=several)
        assert given.tolist() == [[True, False]]
    assert baselines.tfidf_scores([("war", 0.7)], ["cat"]).tolist() == pytest.approx([0.7])


@pytest.mark.parametrize(
    ("labels", "given"),
    [
        ([("Sports",), ("Sports",)], [True, False]),
        ([(), ()], [False, False]),
        ([("Sports",), ()], [True, False]),
    ],
    ids=["all have one", "none has any", "one label in use"],
)
def test_tfidf_of_several_labels_of_which_few_are_in_use(labels, given):
    train = [TextRow(t, of) for t, of in zip(("goal match", "rain"), labels, strict=True)] * 4
    asked = [TextRow("goal match", ()), TextRow("regen", (), "de")]
    found = baselines.tfidf_classes(train, asked, LABELS, several=True)
    assert found.tolist() == [given, [any(labels), False]]


def test_language_without_training_rows_gets_the_most_frequent_label():
    train = [TextRow(row.text, row.labels, "eng_Latn") for row in TRAIN]
    asked = [TextRow("treaty minister", ("World",), "en"), TextRow("vertrag", ("World",), "de")]
    given = baselines.tfidf_classes(train, asked, LABELS, several=False)
    assert given.tolist() == [[False, True], [True, False]]


def test_label_of_the_model_without_training_rows_is_never_given():
    given = baselines.tfidf_classes(TRAIN, TRAIN, (*LABELS, "Business"), several=False)
    assert not given[:, 2].any()


def test_tfidf_of_targets_is_blind_to_the_target():
    rows = [
        TargetRow("good good day", 0, 4, "positive"),
        TargetRow("bad bad day", 0, 3, "negative"),
    ]
    assert baselines.tfidf_targets(rows * 2, rows) == ["positive", "negative"]


def test_tfidf_of_scores_ranks():
    train = [("war war", 1.0), ("war treaty", 0.9), ("cat cat", 0.1), ("cat dog", 0.0)]
    found = baselines.tfidf_scores(train, ["cat", "war"])
    assert found.dtype == np.float64
    assert found[1] > found[0]


def test_gazetteer_takes_the_longest_entity_and_its_most_frequent_type():
    train = [
        TagRow(("New", "York", "won"), ("B-LOC", "I-LOC", "O")),
        TagRow(("New", "York", "Times"), ("B-ORG", "I-ORG", "I-ORG")),
        TagRow(("New", "York"), ("B-ORG", "I-ORG")),
        TagRow(("New", "York"), ("B-LOC", "I-LOC")),
        TagRow(("New", "York"), ("B-LOC", "I-LOC")),
    ]
    tag = baselines.gazetteer(train)
    assert tag(["the", "New", "York", "Times", "of", "New", "York", "York"]) == [
        "O", "B-ORG", "I-ORG", "I-ORG", "O", "B-LOC", "I-LOC", "O",
    ]  # fmt: skip


def test_gazetteer_of_nothing_finds_nothing():
    assert baselines.gazetteer([])(["New", "York"]) == ["O", "O"]


@pytest.mark.parametrize(("labels", "most"), [(["b", "a", "b"], "b"), (["b", "a"], "a")])
def test_majority(labels, most):
    assert baselines.majority(labels) == most


def test_gazetteer_finds_the_entities_it_was_made_of():
    rows = [TagRow(("Ada", "in", "Oslo"), ("B-PER", "O", "B-LOC"))]
    found = [baselines.gazetteer(rows)(row.tokens) for row in rows]
    assert entity_scores([row.tags for row in rows], found)["entity_f1"] == 1.0
