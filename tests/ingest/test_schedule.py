from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from ingest.schedule import (
    Limits,
    Rhythm,
    after_answer,
    after_failure,
    max_age_s,
    retry_after_s,
    wait_s,
)

LIMITS = Limits(fewest_s=60, most_s=3600, first_s=300)


def polled(news, *, start=None):
    """A rhythm after polls that brought so many items each, as far apart as it asked for."""
    rhythm, now_ms = start or Rhythm(), 0
    for new in news:
        rhythm = after_answer(rhythm, LIMITS, new=new, now_ms=now_ms)
        now_ms += int(rhythm.interval_s * 1000)
    return rhythm


def test_busy_source_is_asked_as_often_as_allowed():
    assert polled([5] * 10).interval_s == 60


def test_quiet_source_is_asked_as_seldom_as_allowed():
    assert polled([0] * 40).interval_s == 3600


def test_interval_stays_below_half_of_the_usual_gap():
    rhythm = polled([1, 0, 0, 0] * 40)
    assert rhythm.interval_s <= max(60.0, rhythm.gap_s * 0.5) * 1.001


@given(st.lists(st.integers(0, 30), max_size=50), st.floats(0, 1))
def test_wait_is_always_within_the_limits(news, chance):
    waited = wait_s(polled(news), LIMITS, chance=chance)
    assert 0.95 * LIMITS.fewest_s <= waited <= 1.05 * LIMITS.most_s


def test_publisher_may_ask_for_more_time_up_to_the_most_we_wait():
    assert after_answer(Rhythm(), LIMITS, new=9, now_ms=0, asked_s=1800).interval_s == 1800
    assert after_answer(Rhythm(), LIMITS, new=9, now_ms=0, asked_s=10**9).interval_s == 3600


def test_failures_double_the_wait_up_to_hours_and_success_ends_it():
    rhythm, waits = polled([1]), []
    for _ in range(20):
        rhythm = after_failure(rhythm)
        waits.append(wait_s(rhythm, LIMITS, chance=1.0))
    assert waits[:3] == [120, 240, 480]
    assert waits[-1] == LIMITS.after_errors_s
    assert after_answer(rhythm, LIMITS, new=0, now_ms=0).failures == 0


def test_chance_spreads_retries_over_half_of_the_wait():
    rhythm = after_failure(Rhythm())
    assert [wait_s(rhythm, LIMITS, chance=c) for c in (0.0, 1.0)] == [60, 120]


def test_retry_after_is_kept_up_to_a_day():
    assert wait_s(Rhythm(failures=1), LIMITS, chance=0, retry_after_s=7200) == 7200
    assert wait_s(Rhythm(failures=1), LIMITS, chance=0, retry_after_s=1e9) == 86_400


def test_headers_that_say_nothing_ask_for_nothing():
    now = datetime(2026, 3, 2, tzinfo=UTC)
    assert [retry_after_s(v, now) for v in ("", "soon", "-5", "Mon, 02 Mar 2020 08:00:00 GMT")] == [
        0
    ] * 4
    assert [max_age_s(v) for v in ("", "no-store", "max-age=x", "public")] == [0] * 4
