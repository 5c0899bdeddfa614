"""Stories, and which article belongs to which, to Redis."""

from redis.asyncio.client import Pipeline

from models.breaking.rank import rank
from schemas.redis_keys import (
    REPLACE_UNLESS_NEWER,
    article_story_key,
    record_fields,
    story_key,
    top_stories_key,
)
from schemas.story import Story, StoryArticle
from schemas.topics import STORIES, STORIES_ARTICLES
from udfs.write_records import WriteRecords


class WriteStories(WriteRecords[Story]):
    """Stories to `story:{id}`, unless a newer state is there; scored ones to `stories:top:{desk}`.

    What is merged, expired or retracted leaves the list.
    """

    topic = STORIES

    def __init__(self, *, top: int, **connection: object) -> None:
        super().__init__(**connection)  # type: ignore[arg-type]
        self._top = top

    def queue(self, pipeline: Pipeline, record: Story) -> None:
        arguments: list[object] = ["updated_ms", record.updated_ms, self._ttl_s]
        for field in record_fields(record).items():
            arguments += field
        pipeline.eval(REPLACE_UNLESS_NEWER, 1, story_key(record.story_id), *arguments)
        for desk in (score.desk for score in record.scores):
            top = top_stories_key(desk)
            if record.status != "active":
                pipeline.zrem(top, record.story_id)
                continue
            pipeline.zadd(top, {record.story_id: rank(record, desk)})
            pipeline.zremrangebyrank(top, 0, -self._top - 1)
            pipeline.expire(top, self._ttl_s)


class WritePlacements(WriteRecords[StoryArticle]):
    """The story of each article to `article_story:{article_id}`."""

    topic = STORIES_ARTICLES

    def queue(self, pipeline: Pipeline, record: StoryArticle) -> None:
        pipeline.set(article_story_key(record.article_id), record.story_id, ex=self._ttl_s)
