"""The bench of polling: every kind of feed is told apart, and the figures add up."""

import pytest

from bench.ingest import KINDS, Mix, measure


def test_kinds_of_feeds_are_told_apart_and_a_polls_cost_is_that_of_all_by_their_number():
    found = measure(len(KINDS), 2.0, 3.0, Mix(latency_ms=5.0))
    assert found.late_s.keys() == found.latest_s.keys() == set(KINDS)
    assert found.polls > 0
    used_s = found.core_share * found.seconds
    assert found.cpu_ms * found.polls / 1000 == pytest.approx(used_s, rel=0.05, abs=0.01)
