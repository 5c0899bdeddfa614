"""Readers' profiles, the events of a moment at a time."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pyflink.common import Row, Time, Types
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import KeyedProcessFunction, OutputTag, RuntimeContext
from pyflink.datastream.state import ListStateDescriptor, MapStateDescriptor

from models.keyring import KeyringFile
from models.profiles import passage
from models.profiles.fold import Erasure, Event, Folded, FoldRules, fold
from models.profiles.profile import Profile, recorded, restored
from models.profiles.update import Fate
from models.sealing import Sealed, close, unseal
from schemas.codec import RecordCodec
from schemas.redis_keys import profile_key
from schemas.registry import open_registry
from schemas.topics import USERS_EMBEDDINGS
from udfs.gauges import Numbers, expose
from udfs.patient_redis import PatientRedis
from udfs.state_ttl import expiring
from udfs.write_values import Values, queue_values

Closed = tuple[int, int, bytes, bytes]
"""A sealed profile in state: updated_ms, key version, nonce, sealed."""


def click_type() -> TypeInformation:
    """`models.profiles.fold.Click`."""
    return Types.ROW_NAMED(
        ["language", "article_id", "read_before", "at_ms", "came_to"],
        [Types.STRING(), Types.STRING(), Types.STRING(), Types.LONG(), Types.STRING()],
    )


def clicks_tag() -> OutputTag:
    """Side output of clicks for the lists, `click_type`; none names a reader."""
    return OutputTag("clicks", click_type())


@dataclass
class ProfileStats(Numbers):
    """What the operator has done since it was opened."""

    written: int = 0
    without_article: int = 0
    key_retired: int = 0
    events: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Fate, 0))


class UpdateProfiles(KeyedProcessFunction):
    """Keyed by shard of the readers. In: Row(shard, list of events as `models.profiles.passage`
    packs them), all that came in a moment; out: (key, value) of users.embeddings, null erases.
    Writes the same to Redis.

    Each reader's profile is opened and sealed once for all of their events of the moment, and Redis
    is written in one pipeline. Nothing is held outside state, so a failure loses nothing and counts
    nothing twice. A lost Redis is waited for (`retry_s`), then the job restarts. Clicks leave by
    `clicks_tag`.

    State, in pickled plain values: `readers`, by user key (Erasure, Closed), each None where there
    is none, for the profiles' retention after the last write; `erased`, by user key the event time
    until which an erasure matters, when a timer drops it: everything that waited in the job has
    come; `waiting`, what a savepoint of version 0.6 or older was gathering, until its timers fire.
    """

    def __init__(
        self,
        *,
        keys_file: Path,
        rules: FoldRules,
        redis_url: str,
        retry_s: float,
        registry_url: str | None,
        registry_auth: str | None,
    ) -> None:
        self._keys_file = keys_file
        self._rules = rules
        self._redis_url = redis_url
        self._retry_s = retry_s
        self._registry = (registry_url, registry_auth)
        self._clicks = clicks_tag()

    def open(self, runtime_context: RuntimeContext) -> None:
        retention_ms = self._rules.profile.retention_ms
        self._lifetime_s = retention_ms // 1000
        self._keys = KeyringFile(self._keys_file)
        self._encode = RecordCodec(USERS_EMBEDDINGS, open_registry(*self._registry)).encode_fields
        self._redis = PatientRedis(self._redis_url, retry_s=self._retry_s)
        pickled = Types.PICKLED_BYTE_ARRAY()
        readers = MapStateDescriptor("readers", Types.STRING(), pickled)
        readers.enable_time_to_live(expiring(Time.milliseconds(retention_ms)))
        self._readers = runtime_context.get_map_state(readers)
        self._waiting = runtime_context.get_list_state(ListStateDescriptor("waiting", pickled))
        self._erased = runtime_context.get_map_state(
            MapStateDescriptor("erased", Types.STRING(), Types.LONG())
        )
        self._stats = ProfileStats()
        expose(runtime_context.get_metrics_group().add_group("wiredesk"), self._stats)

    def close(self) -> None:
        self._redis.close()

    def process_element(
        self, value: Row, ctx: KeyedProcessFunction.Context
    ) -> Iterator[Row | tuple[OutputTag, Row]]:
        _, moment = value
        return self._count(moment, ctx)

    def on_timer(
        self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext
    ) -> Iterator[Row | tuple[OutputTag, Row]]:
        yield from self._count(self._waiting.get(), ctx)
        self._waiting.clear()
        self._drop_erasures(ctx.timer_service().current_watermark())

    def _count(
        self, moment: Iterable[bytes], ctx: KeyedProcessFunction.Context
    ) -> Iterator[Row | tuple[OutputTag, Row]]:
        """What came in a moment into the profiles of its readers."""
        gathered: dict[str, list[Event]] = {}
        for packed in moment:
            events, known = passage.unpack(packed)
            for found in events:
                gathered.setdefault(found.user_key, []).append((found, known))
        written: Values = {}
        for user_key, of_reader in gathered.items():
            yield from self._fold(user_key, of_reader, written, ctx)
        if written:
            self._redis.write(lambda pipeline: queue_values(pipeline, written))
            self._stats.written += len(written)

    def _fold(
        self,
        user_key: str,
        events: Sequence[Event],
        written: Values,
        ctx: KeyedProcessFunction.Context,
    ) -> Iterator[Row | tuple[OutputTag, Row]]:
        """A reader's events into their profile; what Redis must hold of it goes to `written`."""
        erasure, closed = self._readers.get(user_key) or (None, None)
        done = fold(
            None if closed is None else self._open(user_key, closed),
            None if erasure is None else Erasure(*erasure),
            events,
            self._rules,
            stored=closed is not None,
        )
        self._note(done)
        if not done.changed:
            return
        key, record = user_key.encode(), None
        if done.tombstone:
            written[profile_key(user_key)] = (None, 0)
            yield Row(key, None)
        if done.profile is not None:
            sealed = close(user_key, recorded(done.profile), self._keys.newest(time.monotonic()))
            record = sealed[1:]
            if done.counted:
                value = self._encode(sealed._asdict())
                written[profile_key(user_key)] = (value, self._lifetime_s)
                yield Row(key, value)
        self._readers.put(user_key, (done.erasure and tuple(done.erasure), record))
        if done.erasure is not None and done.erasure != erasure:
            self._erased.put(user_key, done.erasure.until_ms)
            ctx.timer_service().register_event_time_timer(done.erasure.until_ms)
        for click in done.clicks:
            yield self._clicks, Row(*click)

    def _note(self, done: Folded) -> None:
        self._stats.without_article += done.without_article
        for fate, count in done.fates.items():
            self._stats.events[fate] += count

    def _open(self, user_key: str, closed: Closed) -> Profile | None:
        """The profile as it was; None where its key was retired: it is forgotten, as was meant."""
        sealed = Sealed(user_key, *closed)
        secret = self._keys.secret(sealed.key_version)
        if secret is None and sealed.key_version < self._keys.newest(time.monotonic()).version:
            self._stats.key_retired += 1
            return None
        return restored(unseal(sealed, secret))

    def _drop_erasures(self, now_ms: int) -> None:
        """Forget where erasures stood that no longer matter."""
        for user_key, until_ms in list(self._erased.items()):
            if until_ms <= now_ms:
                self._erased.remove(user_key)
                _, closed = self._readers.get(user_key) or (None, None)
                if closed is None:
                    self._readers.remove(user_key)
                else:
                    self._readers.put(user_key, (None, closed))
