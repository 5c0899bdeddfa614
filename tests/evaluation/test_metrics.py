"""Metrics against scikit-learn, SciPy, rouge-score and figures worked out by hand."""

import numpy as np
import pytest
from rouge_score.rouge_scorer import RougeScorer
from scipy.stats import spearmanr
from sklearn import metrics as sklearn_metrics

from evaluation.metrics import (
    auroc,
    calibration_error,
    char_f1,
    class_metrics,
    entity_scores,
    entity_spans,
    grouped_mean,
    mean_of,
    measure,
    point,
    rouge,
    spearman,
)

CHANCE = np.random.default_rng(7)
ROWS, LABELS = 200, 5
PROBABILITIES = CHANCE.dirichlet(np.ones(LABELS), ROWS)
TRUE = CHANCE.integers(0, LABELS, ROWS)
FOUND = np.where(CHANCE.random(ROWS) < 0.6, TRUE, PROBABILITIES.argmax(axis=1))
SEVERAL_TRUE = CHANCE.random((ROWS, LABELS)) < 0.3
SEVERAL_FOUND = SEVERAL_TRUE ^ (CHANCE.random((ROWS, LABELS)) < 0.1)


def one_hot(labels, width=LABELS):
    return np.eye(width, dtype=np.bool_)[labels]


@pytest.mark.parametrize("width", [LABELS, LABELS + 3], ids=["all occur", "some never occur"])
def test_class_metrics_are_scikit_learns(width):
    ours = point(class_metrics(one_hot(TRUE, width), one_hot(FOUND, width)), ROWS)
    assert ours == pytest.approx(
        {
            "accuracy": sklearn_metrics.accuracy_score(TRUE, FOUND),
            "micro_f1": sklearn_metrics.f1_score(TRUE, FOUND, average="micro"),
            "macro_f1": sklearn_metrics.f1_score(TRUE, FOUND, average="macro"),
            "macro_recall": sklearn_metrics.recall_score(TRUE, FOUND, average="macro"),
        }
    )


def test_metrics_of_several_labels_are_scikit_learns():
    ours = point(class_metrics(SEVERAL_TRUE, SEVERAL_FOUND), ROWS)
    f1 = {
        average: sklearn_metrics.f1_score(SEVERAL_TRUE, SEVERAL_FOUND, average=average)
        for average in ("micro", "macro")
    }
    assert ours["accuracy"] == sklearn_metrics.accuracy_score(SEVERAL_TRUE, SEVERAL_FOUND)
    assert (ours["micro_f1"], ours["macro_f1"]) == pytest.approx((f1["micro"], f1["macro"]))


@pytest.mark.parametrize("digits", [1, 8], ids=["ties", "no ties"])
def test_auroc_is_scikit_learns(digits):
    scores = PROBABILITIES.round(digits)
    ours = point({"auroc": auroc(one_hot(TRUE), scores)}, ROWS)["auroc"]
    of_labels = [sklearn_metrics.roc_auc_score(c == TRUE, scores[:, c]) for c in range(LABELS)]
    assert ours == pytest.approx(np.mean(of_labels))


def test_auroc_of_one_class_is_not_defined():
    assert np.isnan(point({"auroc": auroc(one_hot([0, 0], 2), np.zeros((2, 2)))}, 2)["auroc"])


def test_auroc_leaves_out_a_label_that_a_resample_has_no_rows_of():
    expected, scores = (
        one_hot([0, 0, 1], 3),
        np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [0.4, 0.6, 0]]),
    )
    expected[0, 2] = True
    weights = np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 1.0], [0.0, 2.0, 0.0]])
    all_three, without_the_third, undefined = auroc(expected, scores)(weights)
    assert all_three == pytest.approx((1 / 2 + 1 / 2 + 1 / 2) / 3)
    assert without_the_third == pytest.approx(0.0)
    assert np.isnan(undefined)


def test_interval_of_auroc_is_that_of_resamples_with_both_classes():
    expected, scores = one_hot([0] * 20 + [1], 2), np.zeros((21, 2))
    scores[20, 1] = 1.0
    scores[:20, 0] = 1.0
    measured = measure({"auroc": auroc(expected, scores)}, 21)["auroc"]
    assert (measured.low, measured.value, measured.high) == (1.0, 1.0, 1.0)


def test_weighted_metrics_are_those_of_repeated_rows():
    weights = CHANCE.integers(0, 3, (1, ROWS)).astype(float)
    rows = np.repeat(np.arange(ROWS), weights[0].astype(int))
    true, found = TRUE[rows], FOUND[rows]
    for name, metric in class_metrics(one_hot(TRUE), one_hot(FOUND)).items():
        repeated = class_metrics(one_hot(true), one_hot(found))[name]
        assert metric(weights)[0] == pytest.approx(repeated(np.ones((1, len(rows))))[0])
    area = auroc(one_hot(TRUE), PROBABILITIES)(weights)[0]
    assert area == pytest.approx(
        sklearn_metrics.roc_auc_score(true, PROBABILITIES[rows], multi_class="ovr")
    )
    first, second = PROBABILITIES[:, 0].round(1), PROBABILITIES[:, 1].round(1)
    correlation = spearman(first, second)(weights)[0]
    assert correlation == pytest.approx(spearmanr(first[rows], second[rows]).statistic)


def test_spearman_of_a_constant_is_0():
    assert point({"spearman": spearman(np.zeros(3), np.arange(3.0))}, 3) == {"spearman": 0.0}


def test_grouped_mean_counts_groups_alike():
    values = np.array([1.0, 1.0, 1.0, 0.0])
    metric = grouped_mean(lambda rows: mean_of(values[rows]), ["de", "de", "de", "fr"])
    assert point({"m": metric}, 4) == {"m": 0.5}


def test_grouped_mean_leaves_out_a_group_that_a_resample_has_no_rows_of():
    expected = one_hot([0, 1, 1])
    metric = grouped_mean(
        lambda rows: class_metrics(expected[rows], expected[rows])["macro_f1"], ["de", "de", "fr"]
    )
    assert metric(np.array([[2.0, 1.0, 0.0], [1.0, 1.0, 1.0]])).tolist() == [1.0, 1.0]


def test_interval_is_that_of_the_normal_approximation():
    values = (np.arange(1000) < 800).astype(float)
    measured = measure({"accuracy": mean_of(values)}, 1000)["accuracy"]
    half = 1.96 * np.sqrt(0.8 * 0.2 / 1000)
    assert measured.value == 0.8
    assert (measured.low, measured.high) == pytest.approx((0.8 - half, 0.8 + half), abs=0.003)


def test_equal_seeds_give_equal_intervals():
    metrics = {"accuracy": mean_of([1.0, 0.0, 1.0, 1.0])}
    assert measure(metrics, 4) == measure(metrics, 4)


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ([], set()),
        (["O", "O"], set()),
        (["B-A", "B-A"], {("A", 0, 1), ("A", 1, 2)}),
        (["B-A", "I-A", "I-B"], {("A", 0, 2), ("B", 2, 3)}),
        (["I-A", "O", "I-A"], {("A", 0, 1), ("A", 2, 3)}),
    ],
)
def test_entity_spans_are_those_of_the_conll_script(tags, spans):
    assert entity_spans(tags) == spans


def test_entity_counts_when_boundaries_and_type_are_right():
    true = [["B-PER", "I-PER", "O", "B-LOC"], ["B-ORG", "O"]]
    found = [["B-PER", "O", "O", "B-LOC"], ["B-PER", "B-ORG"]]  # 1 of 4 found, of 3 true
    scores = entity_scores(true, found)
    assert scores["entity_precision"] == pytest.approx(1 / 4)
    assert scores["entity_recall"] == pytest.approx(1 / 3)
    assert scores["entity_f1"] == pytest.approx(2 / 7)


def test_different_numbers_of_sentences_are_refused():
    with pytest.raises(ValueError, match="zip"):
        entity_scores([["O"]], [])


@pytest.mark.parametrize(
    ("true", "found", "f1"),
    [({1, 2, 3}, {2, 3, 4}, 2 / 3), ((), (), 1.0), ({1}, (), 0.0), ((), {1}, 0.0)],
)
def test_character_f1_is_that_of_semeval(true, found, f1):
    assert char_f1(true, found) == pytest.approx(f1)


def test_rouge_is_the_librarys_and_a_figure_by_hand():
    reference, summary = "the cats sat\non the mat", "a cat sat\nnear the mat"
    scores = rouge([reference], [summary])
    library = RougeScorer(["rougeLsum"], use_stemmer=True).score(reference, summary)
    assert scores["rouge1"][0] == pytest.approx(4 / 6)  # cat, sat, the, mat of six and six
    assert scores["rouge2"][0] == pytest.approx(2 / 5)  # "cat sat" and "the mat"
    assert scores["rougeL"][0] == library["rougeLsum"].fmeasure


def test_calibration_error_by_hand():
    # Bin (14/15, 1]: said 0.96, true 0.5, of two; bin (7/15, 8/15]: said 0.5, true 1, of one.
    found = calibration_error(np.array([0.95, 0.97, 0.5]), np.array([1.0, 0.0, 1.0]))
    assert found.error == pytest.approx((2 * 0.46 + 0.5) / 3)
    assert (found.counts[14], found.counts[7], sum(found.counts)) == (2, 1, 3)


def test_error_by_chance_is_that_of_probabilities_without_fault():
    chance = np.random.default_rng(0)
    said = chance.uniform(0.4, 1.0, 400)
    seen = [calibration_error(said, (chance.random(400) < said) * 1.0) for _ in range(300)]
    assert np.mean([c.error for c in seen]) == pytest.approx(seen[0].by_chance, rel=0.05)


def test_nothing_decided_is_nothing_off():
    nothing = calibration_error(np.zeros(0), np.zeros(0))
    assert (nothing.error, nothing.by_chance) == (0.0, 0.0)


def test_probabilities_of_0_and_1_have_their_bins():
    found = calibration_error(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    assert found.error == 0.0
    assert (found.counts[0], found.counts[-1]) == (1, 1)
