"""`wiredesk bench feed`."""

from bench import feed


def test_a_small_newsroom_is_found_and_ranked():
    cost = feed.measure(1500)
    assert cost.kind == "flat"
    assert cost.recall > 0.99
    assert 0 < cost.recall_p50_ms <= cost.recall_p99_ms
    assert 0 < cost.feed_p50_ms <= cost.feed_p99_ms
