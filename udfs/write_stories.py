"""Stories, and which article belongs to which, to Redis."""

from collections.abc import Iterable, Mapping

from redis.client import Pipeline

from models.breaking.rank import ranks
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
    """Writes stories to `story:{id}`, unless a newer state is there; scored and pinned ones to
    `stories:top:{desk}`; the story of each article to `article_story:{article_id}`.

    What is merged, expired or retracted leaves the list. Writes are absolute: a replay is harmless.
    """

    def __init__(self, *, redis_url: str, ttl_s: int, retry_s: float, top: int) -> None:
        self._redis = PatientRedis(redis_url, retry_s=retry_s)
        self._ttl_s = ttl_s
        self._top = top

    def write(
        self,
        stories: Iterable[Story],
        homes: Mapping[str, str],
        pins: Mapping[str, Mapping[str, int | None]],
    ) -> None:
        """Stories as they stand, the story of each article, and by story that was ever pinned the
        end of its pin at each desk, in one pipeline.
        """
        told = list(stories)

        def queue(pipeline: Pipeline) -> None:
            for story in told:
                self._queue_story(pipeline, story, pins.get(story.story_id, {}))
            for article_id, story_id in homes.items():
                pipeline.set(article_story_key(article_id), story_id, ex=self._ttl_s)

        self._redis.write(queue)

    def close(self) -> None:
        """End the connection."""
        self._redis.close()

    def _queue_story(
        self, pipeline: Pipeline, story: Story, pins: Mapping[str, int | None]
    ) -> None:
        arguments: list[object] = ["updated_ms", story.updated_ms, self._ttl_s]
        for field in record_fields(story).items():
            arguments += field
        pipeline.eval(REPLACE_UNLESS_NEWER, 1, story_key(story.story_id), *arguments)
        for desk, rank in ranks(story, pins).items():
            top = top_stories_key(desk)
            if rank is None:
                pipeline.zrem(top, story.story_id)
                continue
            pipeline.zadd(top, {story.story_id: rank})
            pipeline.zremrangebyrank(top, 0, -self._top - 1)
            pipeline.expire(top, self._ttl_s)
