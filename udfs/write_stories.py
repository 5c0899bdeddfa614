"""Stories, and which article belongs to which, to Redis."""

from collections.abc import Iterable, Mapping

from redis.client import Pipeline

from models.breaking.rank import rank
from schemas.redis_keys import (
    REPLACE_UNLESS_NEWER,
    article_story_key,
    record_fields,
    story_key,
    top_stories_key,
)
from schemas.story import Story
from udfs.patient_redis import PatientRedis


class StoriesInRedis:
    """Writes stories to `story:{id}`, unless a newer state is there; scored ones to
    `stories:top:{desk}`; the story of each article to `article_story:{article_id}`.

    What is merged, expired or retracted leaves the list. Writes are absolute: a replay is harmless.
    """

    def __init__(self, *, redis_url: str, ttl_s: int, retry_s: float, top: int) -> None:
        self._redis = PatientRedis(redis_url, retry_s=retry_s)
        self._ttl_s = ttl_s
        self._top = top

    def write(self, stories: Iterable[Story], homes: Mapping[str, str]) -> None:
        """Stories as they stand, and the story of each article, in one pipeline."""
        told = list(stories)

        def queue(pipeline: Pipeline) -> None:
            for story in told:
                self._queue_story(pipeline, story)
            for article_id, story_id in homes.items():
                pipeline.set(article_story_key(article_id), story_id, ex=self._ttl_s)

        self._redis.write(queue)

    def close(self) -> None:
        """End the connection."""
        self._redis.close()

    def _queue_story(self, pipeline: Pipeline, story: Story) -> None:
        arguments: list[object] = ["updated_ms", story.updated_ms, self._ttl_s]
        for field in record_fields(story).items():
            arguments += field
        pipeline.eval(REPLACE_UNLESS_NEWER, 1, story_key(story.story_id), *arguments)
        for desk in (score.desk for score in story.scores):
            top = top_stories_key(desk)
            if story.status != "active":
                pipeline.zrem(top, story.story_id)
                continue
            pipeline.zadd(top, {story.story_id: rank(story, desk)})
            pipeline.zremrangebyrank(top, 0, -self._top - 1)
            pipeline.expire(top, self._ttl_s)
