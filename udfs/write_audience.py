"""Comments, moods and moderators' cases to Redis."""

from redis.asyncio.client import Pipeline

from schemas.audience import AudienceMood
from schemas.comment import EnrichedComment
from schemas.moderation import ModerationItem
from schemas.record import Record
from schemas.redis_keys import (
    REPLACE_UNLESS_OLDER,
    audience_key,
    author_key,
    comment_key,
    moderation_key,
    moderation_queue_key,
    record_fields,
    thread_key,
)
from schemas.topics import AUDIENCE_SENTIMENT, COMMENTS_ENRICHED, MODERATION_QUEUE
from udfs.write_records import WriteRecords

THREAD_KEPT = 2_000
"""Comments of an article whose ids are kept, the newest."""

WAITING = ("queued", "escalated")


def replace(pipeline: Pipeline, key: str, record: Record, ttl_s: int) -> None:
    """Add the commands that put a record in the place of the hash that was there."""
    pipeline.delete(key)
    pipeline.hset(key, mapping=record_fields(record))
    pipeline.expire(key, ttl_s)


class WriteComments(WriteRecords[EnrichedComment]):
    """Comments to `comment:{id}`, their ids to `comments:{article}` and `author:{key}`."""

    topic = COMMENTS_ENRICHED

    def queue(self, pipeline: Pipeline, comment: EnrichedComment) -> None:
        key, thread = comment_key(comment.comment_id), thread_key(comment.article_id)
        if comment.deleted:
            pipeline.delete(key)
            pipeline.zrem(thread, comment.comment_id)
            return
        arguments: list = [comment.published_ms, comment.ingested_ms, self._ttl_s]
        for field in record_fields(comment).items():
            arguments += field
        pipeline.eval(REPLACE_UNLESS_OLDER, 1, key, *arguments)
        pipeline.zadd(thread, {comment.comment_id: comment.published_ms})
        pipeline.zremrangebyrank(thread, 0, -THREAD_KEPT - 1)
        pipeline.expire(thread, self._ttl_s)
        author = author_key(comment.author_key)
        pipeline.sadd(author, comment.comment_id)
        pipeline.expire(author, self._ttl_s)


class WriteMoods(WriteRecords[AudienceMood]):
    """Moods to `audience:{subject}`."""

    topic = AUDIENCE_SENTIMENT

    def queue(self, pipeline: Pipeline, mood: AudienceMood) -> None:
        replace(pipeline, audience_key(mood.subject), mood, self._ttl_s)


class WriteCases(WriteRecords[ModerationItem]):
    """Queued comments to `moderation:{comment}`, their ids to `moderation-queue:{desk}`."""

    topic = MODERATION_QUEUE

    def queue(self, pipeline: Pipeline, case: ModerationItem) -> None:
        key, waiting = moderation_key(case.comment_id), moderation_queue_key(case.desk)
        if case.state == "withdrawn":
            pipeline.delete(key)
        else:
            replace(pipeline, key, case, self._ttl_s)
        if case.state in WAITING:
            pipeline.zadd(waiting, {case.comment_id: case.score})
            pipeline.expire(waiting, self._ttl_s)
        else:
            pipeline.zrem(waiting, case.comment_id)
