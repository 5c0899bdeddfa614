"""What is noted of records that are read, and how a failed reader is told."""

import pytest

from bench.reading import Received, untold


def test_first_reading_of_an_expected_record_counts():
    received = Received(["a", "b"], "enrich", untold)
    received.add(["a", "stranger"], 5.0)
    received.add(["b", "a"], 7.0)
    received.wait()
    assert received.moments == {"a": 5.0, "b": 7.0}


def test_progress_is_told_how_many_have_come():
    told = []
    received = Received(["a", "b"], "enrich", told.append)
    received.add(["a"], 1.0)
    received.add(["b"], 2.0)
    assert told == [1, 2]


def test_latency_is_from_sent_to_read():
    received = Received(["a", "b"], "enrich", untold)
    received.add(["a", "b"], 10.0)
    latency = received.latency({"a": 9.5, "b": 9.0})
    assert (latency.p50_ms, round(latency.p99_ms)) == (750.0, 995)


def test_who_waits_hears_what_stopped_the_reading():
    received = Received(["a"], "enrich", untold)
    received.fail(ValueError("truncated"))
    with pytest.raises(ValueError, match="truncated"):
        received.wait()
