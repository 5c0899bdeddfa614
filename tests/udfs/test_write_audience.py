"""Comments, moods and cases in Redis: whole, and gone when they are."""

import asyncio
import json

import cloudpickle
import pytest
from pyflink.common import Row

from models.audience.comments import deletion
from models.audience.versions import Known
from schemas.audience import AudienceMood
from schemas.codec import RecordCodec
from schemas.comment import EnrichedComment
from schemas.enriched_article import Language
from schemas.moderation import ModerationItem
from udfs.write_audience import WriteCases, WriteComments, WriteMoods

AUTHOR = "1." + "a" * 22


def comment(comment_id="c1", published_ms=5, text="Hello"):
    return EnrichedComment(
        comment_id=comment_id,
        article_id="a1",
        author_key=AUTHOR,
        desk="audience",
        published_ms=published_ms,
        ingested_ms=6,
        enriched_ms=7,
        content_hash="c0ffee",
        text=text,
        masked_text=text,
        language=Language(code="en", confidence=0.9),
        model_versions={},
    )


def item(state="queued"):
    return ModerationItem(
        comment_id="c1",
        article_id="a1",
        author_key=AUTHOR,
        desk="sport",
        language="en",
        state=state,
        at_ms=9,
        published_ms=5,
        queued_ms=9,
        text="you fool",
        masked_text="you ••••",
        score=0.75,
        threshold=0.5,
        reasons=["insult"],
        model_versions={},
    )


@pytest.fixture
def write(redis_process, new_runtime_context):
    async def written(writer_type, *records):
        writer = cloudpickle.loads(
            cloudpickle.dumps(
                writer_type(
                    redis_url=redis_process.url,
                    ttl_s=3600,
                    retry_s=5.0,
                    registry_url=None,
                    registry_auth=None,
                )
            )
        )
        writer.open(new_runtime_context())
        codec = RecordCodec(writer_type.topic)
        rows = [Row(b"k", codec.encode(record)) for record in records]
        assert await asyncio.gather(*map(writer.async_invoke, rows)) == [[]] * len(rows)
        return redis_process.client

    return written


async def test_comment_is_written_with_its_thread_and_its_author(write):
    client = await write(WriteComments, comment("c1", 5), comment("c2", 4))
    assert client.hget("comment:c1", "text") == b"Hello"
    assert json.loads(client.hget("comment:c1", "language"))["code"] == "en"
    assert client.zrange("comments:a1", 0, -1) == [b"c2", b"c1"]
    assert client.smembers(f"author:{AUTHOR}") == {b"c1", b"c2"}
    assert 0 < client.ttl("comment:c1") <= 3600


async def test_older_version_does_not_replace_a_newer_one(write):
    client = await write(
        WriteComments, comment(published_ms=5), comment(published_ms=4, text="old")
    )
    assert client.hget("comment:c1", "text") == b"Hello"


async def test_deleted_comment_is_gone(write):
    known = Known("a1", 5, 6, queued=False, deleted=True)
    client = await write(WriteComments, comment(), deletion("c1", known, at_ms=9))
    assert client.exists("comment:c1") == 0
    assert client.zcard("comments:a1") == 0


async def test_mood_is_written_by_its_subject(write):
    mood = AudienceMood(
        subject="story/s1",
        at_ms=1,
        half_life_s=3600,
        comments=3,
        authors=2,
        effective_size=1.5,
        capped_authors=0,
        near_copies=0,
        late_ignored=0,
        updated_ms=2,
    )
    client = await write(WriteMoods, mood)
    assert client.hget("audience:story/s1", "comments") == b"3"


@pytest.mark.parametrize(
    ("state", "waits", "kept"),
    [
        ("queued", 1, 1),
        ("escalated", 1, 1),
        ("approved", 0, 1),
        ("removed", 0, 1),
        ("withdrawn", 0, 0),
    ],
)
async def test_queue_holds_who_waits(write, state, waits, kept):
    client = await write(WriteCases, item(), item(state))
    assert client.zcard("moderation-queue:sport") == waits
    assert client.exists("moderation:c1") == kept
