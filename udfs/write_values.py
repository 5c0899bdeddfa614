"""Values to Redis, in pipelines, without AsyncFunction."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pyflink.common import Row, Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import ListStateDescriptor
from redis.client import Pipeline

from udfs.gauges import Numbers, expose
from udfs.patient_redis import PatientRedis

Values = dict[str, tuple[bytes | None, int]]
"""By Redis key: the value, None to delete it, and seconds to live."""

END_OF_INPUT = 2**63 - 1
"""Event time that every stream reaches when it ends, and no other does."""


@dataclass
class WriteStats(Numbers):
    """What the operator has done since it was opened."""

    written: int = 0
    deleted: int = 0
    pipelines: int = 0


class WriteValues(KeyedProcessFunction):
    """Keyed by a shard of the Redis keys. SETs each value with a lifetime, DELs where it is null.

    entry  of an incoming row: Redis key, value or None, seconds to live

    State: what waits, a list of such entries in pickled plain values; a processing-time timer
    writes it `every_ms` after the first in one pipeline, the newest value of a key only. Nothing
    is held outside state, so a failure loses nothing; values are absolute, so a repeat is harmless.
    At the end of the input an event-time timer writes the rest. A lost Redis is waited for
    (`retry_s`), then the job restarts. Emits nothing.

    Thread mode has no AsyncFunction (PyFlink 2.3); in process mode WriteArticles is the shape.
    """

    def __init__(
        self,
        entry: Callable[[Row], tuple[str, bytes | None, int]],
        *,
        redis_url: str,
        retry_s: float,
        every_ms: int,
    ) -> None:
        self._entry = entry
        self._url = redis_url
        self._retry_s = retry_s
        self._every_ms = every_ms

    def open(self, runtime_context: RuntimeContext) -> None:
        self._waiting = runtime_context.get_list_state(
            ListStateDescriptor("waiting", Types.PICKLED_BYTE_ARRAY())
        )
        self._armed: set[int] = set()  # shards with a timer; a forgotten one is only set again
        self._redis = PatientRedis(self._url, retry_s=self._retry_s)
        self._stats = WriteStats()
        expose(runtime_context.get_metrics_group().add_group("wiredesk"), self._stats)

    def close(self) -> None:
        self._redis.close()

    def process_element(self, value: Row, ctx: KeyedProcessFunction.Context) -> Iterator[Row]:
        self._waiting.add(self._entry(value))
        shard = ctx.get_current_key()
        if shard not in self._armed:
            self._armed.add(shard)
            timers = ctx.timer_service()
            timers.register_processing_time_timer(timers.current_processing_time() + self._every_ms)
            timers.register_event_time_timer(END_OF_INPUT)
        yield from ()

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[Row]:
        self._armed.discard(ctx.get_current_key())
        newest = {key: (value, ttl_s) for key, value, ttl_s in self._waiting.get()}
        if newest:
            self._redis.write(lambda pipeline: queue_values(pipeline, newest))
            deleted = sum(value is None for value, _ in newest.values())
            self._stats.deleted += deleted
            self._stats.written += len(newest) - deleted
            self._stats.pipelines += 1
            self._waiting.clear()
        yield from ()


def queue_values(pipeline: Pipeline, values: Values) -> None:
    """SET each value with its lifetime, DEL where there is none."""
    for key, (value, ttl_s) in values.items():
        if value is None:
            pipeline.delete(key)
        else:
            pipeline.set(key, value, ex=ttl_s)
