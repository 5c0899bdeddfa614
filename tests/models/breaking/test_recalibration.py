"""Verdicts teach the score, within bounds, and only where that wins."""

import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.breaking import recalibration, watch
from models.breaking.calibration import Probability
from models.breaking.recalibration import (
    MOST_INTERCEPT,
    MOST_SLOPE,
    Recalibration,
    Shift,
    Verdict,
    all_moved,
    fitted,
    moved,
    observe,
    shifted,
    stepped,
    trial,
)
from models.breaking.watch import Cusum

quick = settings(max_examples=25, deadline=None)
"""A busy machine is no failure."""

scores = st.floats(0, 1)
shifts = st.builds(Shift, st.floats(0.5, 2), st.floats(-2, 2))


def verdicts(count: int, true: Shift, seed: int = 1) -> list[Verdict]:
    """Alerts whose truth is the score moved by a shift."""
    chance = random.Random(seed)
    found = []
    for at_ms in range(count):
        score = chance.betavariate(4, 2)
        found.append(Verdict(at_ms, score, chance.random() < moved(true, score)))
    return found


@quick
@given(shifts, scores, scores)
def test_shift_keeps_the_order_of_scores(shift, one, other):
    low, high = sorted((one, other))
    assert moved(shift, low) <= moved(shift, high)


@quick
@given(shifts, st.lists(scores, min_size=1, max_size=9))
def test_many_scores_move_as_one_by_one(shift, some):
    alone = [moved(shift, score) for score in some]
    assert np.allclose(all_moved(shift, np.array(some)), alone)


@quick
@given(shifts, st.builds(Verdict, st.just(0), scores, st.booleans()))
def test_one_verdict_moves_a_shift_by_a_bounded_step(shift, verdict):
    after = stepped(shift, verdict)
    assert abs(after.intercept - shift.intercept) <= 0.15 + 0.01 * MOST_INTERCEPT + 1e-9
    assert abs(after.slope - shift.slope) <= 0.05 + 0.01 * (MOST_SLOPE - 1) + 1e-9
    assert abs(after.intercept) <= MOST_INTERCEPT
    assert 1 / MOST_SLOPE <= after.slope <= MOST_SLOPE


def test_bounds_move_with_the_probability():
    low, value, high = sorted(shifted(Shift(1.2, -0.5), Probability(0.7, 0.6, 0.8)))
    assert low < value < high


def test_challenger_replaces_a_champion_that_is_wrong():
    state, changes = Recalibration(), 0
    for verdict in verdicts(300, Shift(1.0, -1.5)):
        state, replaced = observe(state, verdict)
        changes += replaced
    assert changes >= 1
    assert state.champion.intercept < -0.5


def test_champion_that_is_right_stays():
    changes = 0
    for seed in range(10):
        state = Recalibration()
        for verdict in verdicts(200, Shift(), seed):
            state, replaced = observe(state, verdict)
            changes += replaced
    assert changes <= 2


def test_few_verdicts_change_nothing():
    state = Recalibration()
    for verdict in verdicts(recalibration.FEWEST - 1, Shift(1.0, -3.0)):
        state, replaced = observe(state, verdict)
        assert not replaced
    assert state.champion == Shift()


def test_fit_finds_the_shift_and_wins_on_later_verdicts():
    found = fitted(verdicts(2000, Shift(1.0, -1.0)))
    assert found.intercept == pytest.approx(-1.0, abs=0.3)
    result = trial(Shift(), found, verdicts(500, Shift(1.0, -1.0), seed=2))
    assert result.won()
    assert not trial(Shift(), found, verdicts(500, Shift(), seed=2)).won()


def test_state_survives_json():
    state = Recalibration()
    for verdict in verdicts(40, Shift(1.0, -1.0)):
        state, _ = observe(state, verdict)
    told = json.loads(json.dumps(recalibration.to_state(state)))
    assert recalibration.from_state(told) == state


def alarm_after(true: Shift, seed: int, most: int = 4000) -> int:
    state = Cusum()
    for number, verdict in enumerate(verdicts(most, true, seed), start=1):
        state = watch.add(state, verdict)
        if watch.alarmed(state):
            return number
    return most


def test_calibrated_score_is_trusted_for_long_and_a_wrong_one_is_not():
    trusted = sorted(alarm_after(Shift(), seed) for seed in range(15))
    too_high = sorted(alarm_after(Shift(1.0, -1.1), seed) for seed in range(15))
    too_low = sorted(alarm_after(Shift(1.0, 1.1), seed) for seed in range(15))
    assert trusted[7] > 500
    assert too_high[7] < 120
    assert too_low[7] < 120


def test_alarm_is_a_signal_in_words():
    state = Cusum()
    assert watch.signal(state, desk="world", raised_ms=1) is None
    while not watch.alarmed(state):
        state = watch.add(state, Verdict(0, 0.9, False))
    told = watch.signal(state, desk="world", raised_ms=7)
    assert told is not None
    assert (told.kind, told.subject, told.raised_ms) == ("calibration_drift", "breaking/world", 7)
    assert told.observed == 0
    assert told.expected == pytest.approx(0.9)
    assert "too high" in told.detail
