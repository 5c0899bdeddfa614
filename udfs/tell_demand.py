"""Counted windows to records of stories.demand."""

import json
from collections.abc import Sequence

from pyflink.common import Row
from pyflink.datastream import ProcessFunction, RuntimeContext

from models.profiles.demand import demand
from schemas.codec import RecordCodec
from schemas.registry import open_registry
from schemas.topics import STORIES_DEMAND
from udfs.wall_clock import wall_clock_ms


class TellDemand(ProcessFunction):
    """In: Row(end of a window in seconds since 1970, readers by story as JSON). Out: Row(key,
    value) of stories.demand. No key, no state, no timers.
    """

    def __init__(
        self, *, every_s: int, most: int, registry_url: str | None, registry_auth: str | None
    ) -> None:
        self._every_s = every_s
        self._most = most
        self._registry = (registry_url, registry_auth)

    def open(self, runtime_context: RuntimeContext) -> None:
        self._encode = RecordCodec(STORIES_DEMAND, open_registry(*self._registry)).encode

    def process_element(self, value: Row, ctx: ProcessFunction.Context) -> Sequence[Row]:
        end_s, readers = value
        record = demand(
            json.loads(readers),
            begin_ms=1000 * (end_s - self._every_s),
            end_ms=1000 * end_s,
            told_ms=wall_clock_ms(),
            most=self._most,
        )
        return [Row(record.key.encode(), self._encode(record))]
