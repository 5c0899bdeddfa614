"""Verdicts teach a desk: bounded, the same for the same verdicts, and as if never given if undone."""

import random

import pytest

from models.breaking import lessons, recalibration
from models.breaking.lessons import KEPT, PROBATION, RECALIBRATED, Lessons, Standing
from models.breaking.recalibration import Shift, Verdict, moved
from models.packing import pack, unpack

WRONG = Shift(1.0, -1.6)
"""What comes true where scores are much too high."""

NOTHING = Lessons("s")


def verdicts(count: int, truth: Shift, seed: int = 1) -> list[tuple[str, Verdict]]:
    chance = random.Random(seed)
    scores = [chance.uniform(0.4, 0.95) for _ in range(count)]
    return [
        (f"world.{n}", Verdict(n, score, chance.random() < moved(truth, score)))
        for n, score in enumerate(scores)
    ]


def taught(given, past=NOTHING):
    signals = []
    for alert_id, verdict in given:
        past, more = lessons.learned(past, alert_id, verdict, desk="world", raised_ms=5)
        signals += more
    return past, signals


def test_scores_that_are_too_high_raise_a_signal_and_come_down():
    state, signals = taught(verdicts(250, WRONG))
    kinds = [signal.kind for signal in signals]
    assert kinds[0] == "calibration_drift"
    assert RECALIBRATED in kinds
    assert {signal.subject for signal in signals} == {"breaking/world"}
    assert moved(state.shift, 0.8) < 0.7


def test_score_is_not_trusted_until_a_challenger_has_won():
    given = verdicts(250, WRONG)
    trusted = []
    state = Lessons("s")
    for one in given:
        state, signals = taught([one], state)
        trusted.append((not state.now.caution, [signal.kind for signal in signals]))
    alarmed = next(n for n, (_, kinds) in enumerate(trusted) if "calibration_drift" in kinds)
    won = next(n for n, (_, kinds) in enumerate(trusted) if RECALIBRATED in kinds)
    assert all(is_trusted for is_trusted, _ in trusted[:alarmed])
    assert trusted[won][0]
    assert alarmed == won or not trusted[alarmed][0]


def test_distrust_ends_when_verdicts_agree_again():
    distrusted = Lessons("s", Standing(caution="too high"))
    state, signals = taught(verdicts(PROBATION, Shift()), distrusted)
    assert (state.now.caution, signals) == ("", [])


def test_right_scores_stay_as_they_are():
    state, signals = taught(verdicts(200, Shift()))
    assert (state.shift, signals) == (Shift(), [])


@pytest.mark.parametrize("count", [40, KEPT + 40])
def test_verdict_that_is_taken_back_counts_as_never_given(count):
    given = verdicts(count, WRONG)
    undone = given[-20]
    state, _ = taught([*given, (undone[0], None)])
    never, _ = taught([one for one in given if one is not undone])
    assert state.now.recalibration.challenger == pytest.approx(never.now.recalibration.challenger)
    assert state.shift == pytest.approx(never.shift)


def test_last_verdict_on_an_alert_counts():
    given = verdicts(30, WRONG)
    alert_id, verdict = given[7]
    other = verdict._replace(came_true=not verdict.came_true)
    changed, _ = taught([*given, (alert_id, other)])
    moved_last, _ = taught([*given[:7], *given[8:], (alert_id, other)])
    assert changed == moved_last


def test_one_verdict_moves_the_challenger_a_bounded_step():
    state, _ = taught([("world.1", Verdict(0, 0.99, came_true=False))])
    step = state.now.recalibration.challenger.intercept
    assert -recalibration.STEP <= step < 0
    assert state.shift == Shift()


def test_state_is_restored_exactly():
    given = verdicts(KEPT + 30, WRONG)
    half, _ = taught(given[: KEPT + 10])
    restored = lessons.from_state(unpack(pack(lessons.to_state(half))))
    assert restored == half
    assert taught(given[KEPT + 10 :], restored) == taught(given[KEPT + 10 :], half)


def test_memory_is_bounded():
    state, _ = taught(verdicts(KEPT + 25, WRONG))
    assert len(state.verdicts) == KEPT
