"""Traffic and rhythm: the stream around a story."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.breaking import rhythm, traffic
from models.breaking.rhythm import HOUR_MS, WEEK_H, Rhythm
from models.breaking.traffic import MINUTE_MS, Traffic

quick = settings(max_examples=25, deadline=None)
"""A busy machine is no failure."""

moments = st.lists(st.integers(0, 20 * MINUTE_MS), min_size=1, max_size=60)


@quick
@given(moments, st.randoms(use_true_random=False))
def test_traffic_does_not_depend_on_order_within_what_is_kept(at_ms, chance):
    shuffled = list(at_ms)
    chance.shuffle(shuffled)
    one, other = Traffic(), Traffic()
    for moment, same in zip(sorted(at_ms), shuffled, strict=True):
        one, other = traffic.count(one, moment), traffic.count(other, same)
    assert one == other


def test_only_full_minutes_are_counted():
    stream = Traffic()
    for moment in (0, MINUTE_MS, MINUTE_MS + 1, 2 * MINUTE_MS):
        stream = traffic.count(stream, moment)
    assert traffic.in_last(stream, 1, 2 * MINUTE_MS) == 2
    assert traffic.in_last(stream, 5, 2 * MINUTE_MS) == 3
    assert traffic.in_last(stream, 5, 30 * MINUTE_MS) == 0


def test_average_hour_leaves_out_the_time_before_the_stream_began():
    stream = traffic.count(traffic.count(Traffic(), 100 * HOUR_MS, 6), 101 * HOUR_MS, 4)
    assert traffic.an_hour(stream, 102 * HOUR_MS) == 5.0
    assert traffic.an_hour(Traffic(), 0) == 0.0


def test_unseen_week_is_flat():
    week = rhythm.profile(Rhythm())
    assert rhythm.expected(week, 0, 5 * HOUR_MS) == pytest.approx(5.0)


def test_hour_seen_on_one_day_tells_of_that_hour_on_other_days():
    state = Rhythm()
    for hour in range(24):
        state = rhythm.observe(state, hour * HOUR_MS, 100 if hour == 9 else 10)
    week = rhythm.profile(state)

    def of(hour: int) -> float:
        return rhythm.expected(week, hour * HOUR_MS, (hour + 1) * HOUR_MS)

    assert of(9) > of(24 + 9) > of(24 + 8) > 0
    assert of(9) < 100


@quick
@given(st.integers(0, 10**12), st.integers(0, 10**9), st.integers(0, 10**9))
def test_expectation_adds_up_over_time(start, one, other):
    state = rhythm.observe(Rhythm(), 0, 50)
    week = rhythm.profile(state)
    whole = rhythm.expected(week, start, start + one + other)
    parts = rhythm.expected(week, start, start + one) + rhythm.expected(
        week, start + one, start + one + other
    )
    assert math.isclose(whole, parts, rel_tol=1e-6, abs_tol=1e-6)
    assert whole >= 0


def test_week_repeats():
    week = rhythm.profile(rhythm.observe(Rhythm(), 3 * HOUR_MS, 50))
    a_week_ms = WEEK_H * HOUR_MS
    assert rhythm.expected(week, 0, HOUR_MS * 7) == pytest.approx(
        rhythm.expected(week, a_week_ms, a_week_ms + 7 * HOUR_MS)
    )
