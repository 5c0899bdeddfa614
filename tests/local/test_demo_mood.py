"""The mood of the demo's breaking story, as the shipped models and the job's rules have it."""

import asyncio
from datetime import UTC, datetime

import pytest

from cli.demo import JOBS
from jobs.runtime.audience_settings import AudienceSettings
from jobs.runtime.settings import load
from local.demo.comments import CALM_MS, CAMPAIGN_MS, END_MS, planned
from local.demo.corpus import BREAKING, articles
from models.audience.comments import enriched
from models.audience.mood import MoodPolicy, mood
from models.audience.voices import voice
from models.comment_analyzer import CommentAnalyzer
from models.keyring import Secret, pseudonym
from models.manifest import SHIPPED, read
from schemas.comment import Comment

STORY = {article.article_id for article in articles() if article.story == BREAKING}
SECRET = Secret(1, datetime.now(UTC), bytes(32))
SETTINGS = load(AudienceSettings, environment={}, overrides=JOBS["audience"])
POLICY = MoodPolicy(
    SETTINGS.mood_half_life_s, SETTINGS.mood_author_weight, SETTINGS.mood_comments_max
)


async def heard():
    """(planned comment, its voice) of what is said under the story and not taken back."""
    analyzer = CommentAnalyzer(read(SHIPPED), SETTINGS.inference())
    said = {each.comment_id: each for each in planned(0) if each.article_id in STORY}
    found = []
    for each in said.values():
        if each.text is None:
            continue
        comment = Comment(
            comment_id=each.comment_id,
            article_id=each.article_id,
            author_key=pseudonym(each.author, SECRET),
            text=each.text,
            published_ms=each.published_ms,
        )
        analysis = await analyzer.analyze(each.text)
        record = enriched(
            comment,
            each.text,
            [],
            analysis,
            truncated=False,
            desk="d",
            ingested_ms=0,
            enriched_ms=0,
        )
        found.append((each, voice(record)))
    analyzer.close()
    return found


@pytest.fixture(scope="module")
def voices():
    return asyncio.run(heard())


def mood_of(voices, at_ms):
    said = {each.comment_id: one for each, one in voices}
    return mood("story/s1", said, at_ms, POLICY, late_ignored=0, updated_ms=0)


def test_mood_turns_when_the_danger_is_over(voices):
    assert mood_of(voices, CALM_MS).sentiment.high < 0
    turned = mood_of(voices, END_MS)
    assert turned.sentiment.mean > 0.1
    assert turned.turned == "better"
    assert CALM_MS < turned.turned_ms < END_MS


def test_campaign_does_not_move_the_mood(voices):
    of_readers = [(each, one) for each, one in voices if not each.campaign]
    for at_ms in (CAMPAIGN_MS + 60_000, CAMPAIGN_MS + 120_000, END_MS):
        with_campaign, without = mood_of(voices, at_ms), mood_of(of_readers, at_ms)
        assert with_campaign.sentiment.mean == pytest.approx(without.sentiment.mean, abs=0.1)
        assert with_campaign.turned_ms == without.turned_ms
    assert with_campaign.near_copies >= 39
    assert with_campaign.capped_authors == 1
