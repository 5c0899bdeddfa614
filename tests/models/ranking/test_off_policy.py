"""Estimates of a ranking change from logged propensities."""

import numpy as np
import pytest

from models.ranking.off_policy import snips


def logged(count: int, seed: int = 1):
    """Two items shown with 0.8 and 0.2; they earn 0.1 and 0.3."""
    chance = np.random.default_rng(seed)
    second = chance.random(count) < 0.2
    rewards = (chance.random(count) < np.where(second, 0.3, 0.1)).astype(float)
    return rewards, np.where(second, 0.2, 0.8), second


def test_the_other_rankings_reward_is_found():
    rewards, shown, second = logged(40_000)
    found = snips(rewards, shown, np.where(second, 0.9, 0.1))
    assert found.low < 0.1 * 0.1 + 0.9 * 0.3 < found.high
    assert found.high - found.low < 0.03
    assert found.logged == pytest.approx(0.14, abs=0.01)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    hits = 0
    for seed in range(200):
        rewards, shown, second = logged(2000, seed)
        found = snips(rewards, shown, np.where(second, 0.9, 0.1))
        hits += found.low <= 0.28 <= found.high
    assert 180 <= hits <= 200


def test_large_weights_are_cut_and_told():
    rewards, shown = np.array([1.0, 0.0, 0.0]), np.array([0.001, 0.5, 0.5])
    found = snips(rewards, shown, np.full(3, 0.5), clip=10)
    assert found.clipped == pytest.approx(1 / 3)
    assert found.value == pytest.approx(10 / 12)
    assert found.effective < 2


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [([0.0], [0.5]), ([1.5], [0.5]), ([0.5], [-0.1]), ([0.5], [0.0]), ([], [])],
    ids=["never logged", "over 1", "negative", "shows none of them", "nothing"],
)
def test_what_cannot_be_told_is_refused(shown, wanted):
    with pytest.raises(ValueError, match=r"propensity|nothing|expected"):
        snips(np.zeros(len(shown)), np.array(shown), np.array(wanted))
