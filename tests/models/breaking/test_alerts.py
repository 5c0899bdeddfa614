"""Budget, alert states, surprise and the baselines."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.breaking import baselines, budget, surprise
from models.breaking.alerting import AlertState, Policy, Status, step
from models.breaking.budget import DAY_MS, Peaks

quick = settings(max_examples=25, deadline=None)
"""A busy machine is no failure."""

POLICY = Policy(threshold=0.6)


def walk(*moments: tuple[int, float, int]) -> list[Status | None]:
    """What is told at moments (ms, score, sources), of 100 sources wanted."""
    state, told = AlertState(), []
    for now_ms, score, sources in moments:
        state, news = step(
            state, POLICY, now_ms=now_ms, score=score, sources=sources, reach=sources / 100
        )
        told.append(news)
    return told


def test_alert_opens_once_and_escalates_once():
    told = walk((0, 0.5, 9), (1, 0.7, 10), (2, 0.9, 19), (3, 0.9, 20), (4, 0.9, 80))
    assert told == [None, Status.OPENED, None, Status.ESCALATED, None]


def test_score_that_wavers_around_the_threshold_raises_one_alert():
    assert walk((0, 0.61, 10), (1, 0.59, 11), (2, 0.61, 12)) == [Status.OPENED, None, None]


def test_closed_alert_opens_again_after_the_cooldown_only():
    told = walk((0, 0.7, 10), (1, 0.1, 10), (2, 0.9, 11), (1 + POLICY.cooldown_ms, 0.9, 12))
    assert told == [Status.OPENED, Status.CLOSED, None, Status.OPENED]


def test_first_alert_of_a_story_that_has_nearly_broken_is_no_warning():
    assert walk((0, 0.99, 96)) == [None]


PRIOR = Peaks((0, 1), ((0.9, 0.7, 0.5, 0.3), (0.8, 0.6, 0.4)))


def test_new_desk_begins_at_the_threshold_of_the_prior():
    assert budget.threshold(Peaks(), 2, prior=PRIOR) == 0.6
    assert budget.threshold(Peaks(), 1, prior=PRIOR) == 0.8


def test_first_stories_of_a_day_hardly_move_the_threshold_of_the_prior():
    seen = budget.observe(Peaks(), 10 * DAY_MS, 0.2)
    an_hour_later = 10 * DAY_MS + DAY_MS // 24
    assert budget.threshold(seen, 2, prior=PRIOR, now_ms=an_hour_later) == 0.6


def test_what_a_desk_has_seen_outweighs_the_prior_in_time():
    seen = Peaks()
    for day in range(10):
        for peak in (0.3, 0.2, 0.1):
            seen = budget.observe(seen, day * DAY_MS, peak)
    assert budget.threshold(seen, 2, prior=PRIOR, now_ms=10 * DAY_MS) == 0.3


@quick
@given(st.lists(st.tuples(st.integers(0, 20), st.floats(0, 1)), max_size=60), st.integers(1, 9))
def test_threshold_keeps_the_budget_on_the_days_seen(stories, alerts):
    peaks = Peaks()
    for day, peak in stories:
        peaks = budget.observe(peaks, day * DAY_MS, peak)
    level = budget.threshold(peaks, alerts)
    passed = sum(score >= level for day in peaks.scores for score in day)
    assert passed <= alerts * len(peaks.days)
    assert len(peaks.days) <= budget.DAYS_KEPT


@quick
@given(st.lists(st.tuples(st.integers(0, 20), st.floats(0, 1)), max_size=30))
def test_peaks_survive_json(stories):
    peaks = Peaks()
    for day, peak in stories:
        peaks = budget.observe(peaks, day * DAY_MS, peak)
    assert budget.from_state(json.loads(json.dumps(budget.to_state(peaks)))) == peaks


@quick
@given(st.integers(1, 60), st.floats(0.1, 50), st.floats(0.05, 0.95))
def test_tail_is_that_of_the_negative_binomial(count, shape, p):
    from scipy.stats import nbinom

    expected = nbinom.logsf(count - 1, shape, p) / math.log(10)
    if expected > -9:  # SciPy itself loses digits beyond
        assert surprise.tail_log10(count, shape, p) == pytest.approx(expected, abs=1e-5)


def test_story_is_judged_by_itself_once_it_is_old():
    prior = surprise.Shares(shape=1.0, rate=1000.0)
    young = surprise.judge(prior, 5, 100.0, past=0, past_exposure=0.0)
    busy = surprise.judge(prior, 5, 100.0, past=500, past_exposure=10_000.0)
    assert young.tail_log10 < -2
    assert busy.expected == pytest.approx(100 * 501 / 11_000)
    assert busy.tail_log10 > -1


def test_shares_of_stories_are_found_by_moments():
    shares = surprise.fit([0, 0, 10, 0, 0, 30, 0, 0], [100.0] * 8)
    assert shares.shape / shares.rate == pytest.approx(40 / 800)
    assert shares.shape < 1
    assert surprise.fit([], []).shape > 0


def test_automaton_enters_a_burst_and_leaves_it():
    slow = [minute * 10 * 60_000 for minute in range(10)]
    fast = [slow[-1] + second * 5_000 for second in range(1, 30)]
    after = [fast[-1] + minute * 10 * 60_000 for minute in range(1, 10)]
    automaton, weights = baselines.Kleinberg(), []
    for at_ms in (*slow, *fast, *after):
        automaton = baselines.advance(automaton, at_ms, per_minute=0.1)
        weights.append(baselines.burst_weight(automaton))
    assert weights[9] < 0 < weights[38]
    assert weights[-1] < weights[38]
