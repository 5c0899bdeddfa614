"""The calibration finds what tells, and thresholds keep the precision they state."""

import tomllib

import numpy as np

from models.topics.assigner import FEATURES, Calibration
from models.topics.mappings import UNKNOWN
from training import fit_topics
from training.embed_topics import logistic
from training.fit_topics import NEVER, Judged, fit_weights, least_score, score, thresholds, toml


def judged(articles: int = 60, concepts: int = 120) -> Judged:
    """Articles whose concepts are right when they are similar."""
    draw = np.random.default_rng(5)
    features = draw.normal(size=(articles, concepts, len(FEATURES)))
    features[:, :, FEATURES.index("named")] = 0
    odds = 3 * features[:, :, 0] - 2
    truth = (draw.random(odds.shape) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    truth[0, :5] = UNKNOWN
    return Judged(features, truth, np.arange(articles) % fit_topics.FOLDS)


def test_newtons_method_finds_the_weights() -> None:
    draw = np.random.default_rng(1)
    inputs = np.concatenate([draw.normal(size=(4_000, 2)), np.ones((4_000, 1))], axis=1)
    likely = 1 / (1 + np.exp(-(inputs @ [2.0, -1.0, 0.5])))
    found = logistic(inputs, draw.random(4_000) < likely, np.ones(4_000), ridge=1e-3)
    np.testing.assert_allclose(found, [2.0, -1.0, 0.5], atol=0.2)


def test_what_tells_gets_the_weight() -> None:
    numbers = judged()
    everyone, columns = np.ones(60, bool), np.ones(120, bool)
    weights = fit_weights(numbers, everyone, columns).weights
    assert weights["similarity"] > 2
    assert abs(weights["gap"]) < 0.3


def test_scores_of_an_article_come_from_the_other_folds() -> None:
    numbers = judged()
    is_top = np.arange(120) < 20
    scores = fit_topics.cross_scores(numbers, is_top)
    rest = numbers.folds != 0
    top, other = fit_weights(numbers, rest, is_top), fit_weights(numbers, rest, ~is_top)
    np.testing.assert_array_equal(scores[~rest], score(numbers, top, other, is_top)[~rest])


def test_a_threshold_needs_enough_assignments() -> None:
    scores, truth = np.linspace(1, 0, 9), np.ones(9, np.int64)
    assert least_score(scores, truth, 0.8) == NEVER


def test_thresholds_keep_their_precision_at_every_depth() -> None:
    numbers = judged()
    depth = np.arange(120) % fit_topics.DEPTHS
    scores = fit_topics.cross_scores(numbers, np.arange(120) < 20)
    for threshold in thresholds(scores, numbers.truth, depth):
        for one, least in enumerate(threshold.scores):
            chosen = (scores >= least) & (depth == one) & (numbers.truth != UNKNOWN)
            assert (numbers.truth[chosen] == 1).mean() >= threshold.precision - 0.01


def test_the_calibration_reads_back() -> None:
    numbers = judged()
    everyone = np.ones(60, bool)
    calibration = Calibration(
        head="a head",
        top=fit_weights(numbers, everyone, np.arange(120) < 20),
        other=fit_weights(numbers, everyone, np.arange(120) >= 20),
        thresholds=thresholds(
            score_everything(numbers), numbers.truth, np.arange(120) % fit_topics.DEPTHS
        ),
    )
    assert Calibration.model_validate(tomllib.loads("\n".join(toml(calibration)))) == calibration


def score_everything(numbers: Judged) -> np.ndarray:
    return fit_topics.cross_scores(numbers, np.arange(120) < 20)
