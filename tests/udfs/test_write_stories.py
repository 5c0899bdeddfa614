"""Stories and alerts in Redis: absolute, the newest wins, and what has ended is gone."""

import asyncio
import time

import pytest
from pyflink.common import Row

from schemas.alert import Alert
from schemas.codec import RecordCodec
from schemas.story import Story, StoryScore
from schemas.topics import ALERTS_BREAKING
from udfs.write_alerts import WriteAlerts
from udfs.write_stories import StoriesInRedis

TTL_S = 3600
NOW_MS = time.time_ns() // 1_000_000
LASTS_MS = 6 * 3_600_000
"""Longer than all tests together: the clock runs on while others run."""


@pytest.fixture
def write(redis_process):
    """Writes stories, and the story of each article, as the telling does."""

    def write_all(stories, homes=None, top=10, pins=()):
        stories_in_redis = StoriesInRedis(
            redis_url=redis_process.url, ttl_s=TTL_S, retry_s=20.0, top=top
        )
        for each in stories:
            stories_in_redis.write([each], {}, dict(pins))
        stories_in_redis.write([], homes or {}, {})
        stories_in_redis.close()
        return redis_process.client

    return write_all


@pytest.fixture
def write_alerts(redis_process, runtime_context):
    """Writes alerts as their operator does."""

    def write_all(alerts):
        operator = WriteAlerts(
            redis_url=redis_process.url,
            ttl_s=TTL_S,
            retry_s=20.0,
            registry_url=None,
            registry_auth=None,
        )
        operator.open(type(runtime_context)())
        codec = RecordCodec(ALERTS_BREAKING)

        async def all_of_them():
            for each in alerts:
                assert await operator.async_invoke(Row(b"k", codec.encode(each))) == []

        asyncio.run(all_of_them())
        return redis_process.client

    return write_all


def story(story_id="a", **changed):
    fields = {
        "status": "active",
        "title": "Bridge shut 🌉",
        "lead_article_id": "a",
        "languages": ["en"],
        "sources": [],
        "entities": [],
        "topics": [],
        "first_seen_ms": NOW_MS,
        "last_seen_ms": NOW_MS,
        "articles": 3,
        "copies": 0,
        "independent_sources": 3,
        "scores": [
            StoryScore(desk="world", score=0.5, low=0.4, high=0.6, threshold=0.9, at_ms=NOW_MS)
        ],
        "embedding": bytes(8),
        "updated_ms": 5,
    }
    return Story(story_id=story_id, **fields | changed)


def alert(sequence=1, state="opened", **changed):
    fields = {
        "alert_id": "world.1",
        "desk": "world",
        "story_id": "a",
        "at_ms": NOW_MS,
        "raised_ms": NOW_MS,
        "expires_ms": NOW_MS + LASTS_MS,
        "score": 0.9,
        "low": 0.8,
        "high": 1.0,
        "threshold": 0.7,
        "outcome": "sources=5,hours=2",
        "title": "Bridge shut",
        "languages": ["en", "de"],
        "windows": [],
        "sources": [],
        "independent_sources": 4,
        "copies_discounted": 0,
        "entities": [],
        "lead_articles": [],
        "reasons": [],
        "model_versions": {},
    }
    return Alert(sequence=sequence, state=state, **fields | changed)


def test_story_is_there_whole_and_ends_by_itself(write):
    redis = write([story()])
    assert redis.hget("story:a", "title") == "Bridge shut 🌉".encode()
    assert redis.hget("story:a", "embedding") == bytes(8)
    assert 0 < redis.ttl("story:a") <= TTL_S
    assert redis.zrange("stories:top:world", 0, -1) == [b"a"]


def test_older_state_of_a_story_does_not_replace_a_newer_one(write):
    newer, older = story(articles=4, updated_ms=9), story(articles=2, updated_ms=8)
    redis = write([newer, older])
    assert redis.hget("story:a", "articles") == b"4"


def test_list_of_a_desk_is_bounded_and_the_largest_stay(write):
    stories = [story(f"s{n}", independent_sources=2**n) for n in range(5)]
    redis = write(stories, top=3)
    assert redis.zrevrange("stories:top:world", 0, -1) == [b"s4", b"s3", b"s2"]


def test_pinned_story_is_listed_without_a_score_and_leaves_with_its_pin(write):
    pinned = story("p", scores=[], first_seen_ms=0)
    redis = write([story(), pinned], pins={"p": {"world": 6, "sport": 6, "culture": None}})
    assert redis.zrevrange("stories:top:world", 0, -1) == [b"p", b"a"]
    assert redis.zrange("stories:top:sport", 0, -1) == [b"p"]
    assert not redis.exists("stories:top:culture")
    write([pinned], pins={"p": {"world": 5, "sport": None}})
    assert redis.zrange("stories:top:world", 0, -1) == [b"a"]
    assert not redis.exists("stories:top:sport")


def test_merged_story_leaves_the_lists_where_it_was_pinned(write):
    redis = write([story("p", scores=[])], pins={"p": {"sport": 9}})
    merged = story("p", scores=[], status="merged", merged_into="b", updated_ms=6)
    write([merged], pins={"p": {"sport": 9}})
    assert not redis.exists("stories:top:sport")


def test_merged_story_points_to_the_other_and_leaves_the_list(write):
    merged = story(status="merged", merged_into="b", updated_ms=6)
    redis = write([story(), merged])
    assert redis.hget("story:a", "merged_into") == b"b"
    assert not redis.exists("stories:top:world")


def test_article_leads_to_its_story(write):
    redis = write([], homes={"x": "a", "y": "a"})
    assert redis.mget("article_story:x", "article_story:y") == [b"a", b"a"]
    assert 0 < redis.ttl("article_story:x") <= TTL_S


def test_standing_alert_overrides_feeds_until_it_ends(write_alerts):
    redis = write_alerts([alert()])
    assert redis.hget("alert:world.1", "state") == b"opened"
    for key in ("alerts:open:world", "override:en", "override:de"):
        assert redis.zrange(key, 0, -1, withscores=True) == [(b"world.1", NOW_MS + LASTS_MS)]
        assert 0 < redis.pttl(key) <= LASTS_MS


def test_closed_alert_overrides_nothing(write_alerts):
    redis = write_alerts([alert(), alert(2, "closed")])
    assert redis.hget("alert:world.1", "state") == b"closed"
    assert redis.keys("override:*") == []
    assert not redis.exists("alerts:open:world")


def test_repeated_older_state_of_an_alert_changes_nothing_in_its_hash(write_alerts):
    redis = write_alerts([alert(2, "confirmed"), alert(1)])
    assert redis.hget("alert:world.1", "state") == b"confirmed"


def test_list_lives_as_long_as_its_last_alert(write_alerts):
    longer = alert(alert_id="world.2", expires_ms=NOW_MS + 2 * LASTS_MS)
    redis = write_alerts([longer, alert()])
    assert redis.pttl("override:en") > LASTS_MS
