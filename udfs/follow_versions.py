"""Versions of comments: the one that holds goes on, what it replaces is taken back."""

from collections.abc import Iterator
from dataclasses import dataclass

from pyflink.common import Row, Time, Types
from pyflink.datastream import KeyedProcessFunction, OutputTag, RuntimeContext
from pyflink.datastream.state import ValueStateDescriptor

from models.audience.comments import deletion
from models.audience.versions import Known, Step, delete, follow, packed, unpacked
from schemas.codec import RecordCodec
from schemas.registry import open_registry
from schemas.topics import COMMENTS_ENRICHED
from udfs.collector import spare_what_is_loaded
from udfs.comment_rows import GONE, SAID, SUPERSEDED, candidates_tag, cases_tag, voices_tag
from udfs.gauges import Numbers, expose
from udfs.state_ttl import expiring


@dataclass
class VersionStats(Numbers):
    """What the operator has done since it was opened."""

    new: int = 0
    edited: int = 0
    deleted: int = 0
    outdated: int = 0


class FollowVersions(KeyedProcessFunction):
    """Keyed by comment_id. State: versions.Known as msgpack, for `memory_s`. No timers.

    In: the version of a `comment_type`. Out: Row(key, value) of comments.enriched. Side outputs:
    voices (for moods), candidates (for the queue) and cases (an older version that was a candidate
    is superseded).
    """

    def __init__(
        self, *, memory_s: int, registry_url: str | None, registry_auth: str | None
    ) -> None:
        self._memory_s = memory_s
        self._registry = (registry_url, registry_auth)
        self._voices, self._candidates, self._cases = voices_tag(), candidates_tag(), cases_tag()

    def open(self, runtime_context: RuntimeContext) -> None:
        spare_what_is_loaded()
        self._enriched = RecordCodec(COMMENTS_ENRICHED, open_registry(*self._registry))
        described = ValueStateDescriptor("known", Types.PICKLED_BYTE_ARRAY())
        described.enable_time_to_live(expiring(Time.seconds(self._memory_s)))
        self._known = runtime_context.get_state(described)
        self._stats = VersionStats()
        expose(runtime_context.get_metrics_group().add_group("wiredesk"), self._stats)

    def process_element(
        self, value: Row, ctx: KeyedProcessFunction.Context
    ) -> Iterator[Row | tuple[OutputTag, Row]]:
        comment_id = ctx.get_current_key()
        article_id, published_ms, ingested_ms, queue, record, voice = value
        stored = self._known.value()
        known = unpacked(bytes(stored)) if stored else None
        if record:
            version = Known(article_id, published_ms, ingested_ms, bool(queue), deleted=False)
            step = follow(known, version)
        else:
            step = delete(known, ingested_ms)
        if step.known is not None and step.known != known:
            self._known.update(packed(step.known))
        self._count(step)
        if step.left is not None:
            yield self._voices, Row(step.left, GONE, comment_id, 0, b"", "")
        if step.change in ("edited", "deleted") and known is not None and known.queued:
            gone = step.change == "deleted"
            yield self._cases, Row(comment_id, SUPERSEDED, published_ms, gone, b"")
        if step.change == "deleted" and step.known is not None:
            taken_back = deletion(comment_id, step.known, at_ms=ingested_ms)
            yield Row(step.known.article_id.encode(), self._enriched.encode(taken_back))
        elif step.change != "nothing":
            event_ms = min(published_ms, ingested_ms)
            yield self._voices, Row(article_id, SAID, comment_id, event_ms, voice, "")
            if queue:
                yield self._candidates, Row(queue, ingested_ms, record)
            yield Row(article_id.encode(), record)

    def _count(self, step: Step) -> None:
        name = "outdated" if step.change == "nothing" else step.change
        setattr(self._stats, name, getattr(self._stats, name) + 1)
