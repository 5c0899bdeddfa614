"""The records of a topic to Redis."""

from typing import Any, ClassVar, Generic, TypeVar

from pyflink.common import Row
from pyflink.datastream import RuntimeContext
from pyflink.datastream.functions import AsyncFunction
from redis.asyncio.client import Pipeline

from schemas.codec import RecordCodec
from schemas.record import Record
from schemas.registry import open_registry
from schemas.topics import Topic
from udfs.gauges import expose_value
from udfs.lifeline import end_with_task_manager
from udfs.redis_pipelines import RedisPipelines

R = TypeVar("R", bound=Record)


class WriteRecords(AsyncFunction, Generic[R]):
    """Writes the records of one topic to Redis, in pipelines; emits nothing.

    In: Row(key, value) of `topic`. No key, no state: writes are absolute, so a replay is harmless.
    A lost Redis is waited for (`retry_s`), then the job restarts.
    """

    topic: ClassVar[Topic]

    def __init__(
        self,
        *,
        redis_url: str,
        ttl_s: int,
        retry_s: float,
        registry_url: str | None,
        registry_auth: str | None,
    ) -> None:
        self._url = redis_url
        self._ttl_s = ttl_s
        self._retry_s = retry_s
        self._registry = (registry_url, registry_auth)

    def open(self, runtime_context: RuntimeContext) -> None:
        end_with_task_manager()
        self._codec: RecordCodec[R] = RecordCodec(self.topic, open_registry(*self._registry))
        self._pipelines: RedisPipelines[R] = RedisPipelines(
            self._url, self.queue, retry_s=self._retry_s
        )
        self._written = 0
        group = runtime_context.get_metrics_group().add_group("wiredesk")
        expose_value(group, "written", lambda: self._written)
        expose_value(group, "pipelines", lambda: self._pipelines.sent)

    async def async_invoke(self, value: Row) -> list[Row]:
        self.count(await self._pipelines.write(self._codec.decode(bytes(value[1]))))
        return []

    def queue(self, pipeline: Pipeline, record: R) -> None:
        """Add the commands that write a record."""
        raise NotImplementedError

    def count(self, answers: list[Any]) -> None:
        """Count a record, given what Redis answered to each of its commands."""
        self._written += 1
