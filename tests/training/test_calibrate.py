"""Thresholds that hold on rows that they were not fitted on."""

import numpy as np
import pytest

MISSING = "needs the extra `training`"
pytest.importorskip("torch", reason=MISSING)
calibrate = pytest.importorskip("training.calibrate", reason=MISSING)


def rows(count, low, high):
    """Probabilities of a label whose `count` rows have `high`, among 200 with `low`."""
    probabilities, targets = np.full(200, low), np.zeros(200, np.int64)
    probabilities[:count], targets[:count] = high, 1
    return probabilities, targets


@pytest.fixture
def columns():
    """A frequent label, a rare one told at lower probabilities, and one that no row has."""
    found = [rows(90, 0.2, 0.8), rows(1, 0.01, 0.05), rows(0, 0.1, 0.1)]
    return [np.stack(column, axis=1) for column in zip(*found, strict=True)]


def test_rare_label_takes_most_of_its_threshold_from_all_together(columns):
    common = calibrate._best(columns[0].ravel(), columns[1].ravel())
    frequent, rare, absent = calibrate.pulled_thresholds(*columns)
    assert absent == pytest.approx(common, abs=1e-3)
    assert 0.03 < rare < common
    assert abs(rare - common) < abs(rare - 0.03)
    assert frequent == pytest.approx(0.5, abs=0.05)


def test_thresholds_are_probabilities_where_a_label_is_certain():
    probabilities, targets = np.ones((30, 1)), np.ones((30, 1), np.int64)
    (threshold,) = calibrate.pulled_thresholds(probabilities, targets)
    assert 0 < threshold <= 1


@pytest.mark.parametrize(
    ("said", "true"),
    [((0.5, 0.9), (0.5, 0.9)), ((0.5, 0.99), (0.5, 0.9)), ((0.6, 0.8), (0.3, 0.9))],
)
def test_mentions_become_as_sure_as_they_are_right(said, true):
    right = np.concatenate([np.arange(1000) < 1000 * share for share in true])
    shares = np.repeat(said, 1000)
    temperature, bias = calibrate.mention_calibration(shares, right)
    found = calibrate.calibrated(np.array(said), temperature, bias)
    assert found == pytest.approx(true, abs=0.002)
