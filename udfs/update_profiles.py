"""Readers' profiles, an event at a time."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pyflink.common import Row, Time, Types
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import KeyedProcessFunction, OutputTag, RuntimeContext
from pyflink.datastream.state import ValueStateDescriptor

from models.keyring import KeyringFile
from models.profiles import facts, signals
from models.profiles.facts import ArticleFacts
from models.profiles.profile import Profile, recorded, restored
from models.profiles.signals import ERASE, FORGETTING, Signal
from models.profiles.update import Fate, ProfileRules, Update, update
from models.sealing import seal, unseal
from schemas.codec import RecordCodec
from schemas.reader_profile import SealedProfile
from schemas.registry import open_registry
from schemas.topics import USERS_EMBEDDINGS
from udfs.gauges import expose
from udfs.state_ttl import compacted

POPULAR, COVISITED = "popular", "covisited"
"""Lists: what is read in a language, and what the readers of an article read next."""

Closed = tuple[int, int, bytes, bytes]
"""A sealed profile in state: updated_ms, key version, nonce, sealed."""

Erasure = tuple[int, int, int]
"""Where a reader's newest erasure stood in its topic, and until when that matters: partition,
offset, event time in ms."""

_MARGIN_MS = 60 * 60 * 1000
"""Producers' clocks differ: an erased reader's late events are refused for so much longer."""


def click_type() -> TypeInformation:
    """(list, subject, article id, when it arrived): one click for a list of what is read.

    The list `popular` has a language for its subject, `covisited` an article.
    """
    return Types.ROW_NAMED(
        ["list", "subject", "article_id", "at_ms"],
        [Types.STRING(), Types.STRING(), Types.STRING(), Types.LONG()],
    )


def clicks_tag() -> OutputTag:
    """Side output of clicks for the lists, `click_type`; none names a reader."""
    return OutputTag("clicks", click_type())


@dataclass
class ProfileStats:
    """What the operator has done since it was opened."""

    erased: int = 0
    withdrawn: int = 0
    before_erasure: int = 0
    without_article: int = 0
    key_retired: int = 0
    events: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Fate, 0))


class UpdateProfiles(KeyedProcessFunction):
    """Keyed by user key. In: `signal_type`; out: (key, value) of users.embeddings, null erases.

    State, for the profiles' retention after the last write: (Erasure, Closed) in pickled plain
    values, each None where there is none. An event-time timer drops the erasure when everything
    that waited in the job has come. Clicks leave by `clicks_tag`.
    """

    def __init__(
        self,
        *,
        keys_file: Path,
        rules: ProfileRules,
        wait_ms: int,
        fresh_ms: int,
        registry_url: str | None,
        registry_auth: str | None,
    ) -> None:
        self._keys_file = keys_file
        self._rules = rules
        self._wait_ms = wait_ms
        self._fresh_ms = fresh_ms
        self._registry = (registry_url, registry_auth)
        self._clicks = clicks_tag()

    def open(self, runtime_context: RuntimeContext) -> None:
        self._keys = KeyringFile(self._keys_file)
        self._profiles = RecordCodec(USERS_EMBEDDINGS, open_registry(*self._registry))
        reader = ValueStateDescriptor("reader", Types.PICKLED_BYTE_ARRAY())
        reader.enable_time_to_live(compacted(Time.milliseconds(self._rules.retention_ms)))
        self._reader = runtime_context.get_state(reader)
        self._stats = ProfileStats()
        expose(runtime_context.get_metrics_group().add_group("wiredesk"), self._stats)

    def process_element(
        self, value: Row, ctx: KeyedProcessFunction.Context
    ) -> Iterator[Row | tuple[OutputTag, Row]]:
        found = signals.unpack(bytes(value[2]))
        erasure, closed = self._reader.value() or (None, None)
        if found.kind in FORGETTING:
            yield from self._forget(found, closed, ctx)
        elif _was_sent_before(found, erasure):
            self._stats.before_erasure += 1
        else:
            known = None if value[3] is None else facts.unpack(bytes(value[3]))
            yield from self._count(found, known, erasure, closed)

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[Row]:
        erasure, closed = self._reader.value() or (None, None)
        if erasure is not None and timestamp >= erasure[2]:
            if closed is None:
                self._reader.clear()
            else:
                self._reader.update((None, closed))
        yield from ()

    def _count(
        self,
        found: Signal,
        known: ArticleFacts | None,
        erasure: Erasure | None,
        closed: Closed | None,
    ) -> Iterator[Row | tuple[OutputTag, Row]]:
        """One event more in the profile, which goes on if it is another then."""
        self._stats.without_article += known is None and found.needs_article
        before = None if closed is None else self._open(found.user_key, closed)
        done = update(before, found, known, self._rules)
        self._stats.events[done.fate] += 1
        if not done.changed:
            return
        sealed = seal(found.user_key, recorded(done.profile), self._keys.newest(time.monotonic()))
        closed = (sealed.updated_ms, sealed.key_version, sealed.nonce, sealed.sealed)
        self._reader.update((erasure, closed))
        if done.fate is not Fate.COUNTED:
            return
        yield Row(found.user_key.encode(), self._profiles.encode(sealed))
        if known is not None and found.arrived_ms - found.at_ms <= self._fresh_ms:
            for name, subject in _lists(done, found, known.language):
                yield self._clicks, Row(name, subject, found.article_id, found.arrived_ms)

    def _forget(
        self, found: Signal, closed: Closed | None, ctx: KeyedProcessFunction.Context
    ) -> Iterator[Row]:
        """Leave nothing but where the erasure stood; every `erase` is answered by a tombstone."""
        asked = found.kind == ERASE
        self._stats.erased += asked
        self._stats.withdrawn += not asked
        until_ms = found.arrived_ms + self._wait_ms + _MARGIN_MS
        self._reader.update(((found.partition, found.offset, until_ms), None))
        ctx.timer_service().register_event_time_timer(until_ms)
        if asked or closed is not None:
            yield Row(found.user_key.encode(), None)

    def _open(self, user_key: str, closed: Closed) -> Profile | None:
        """The profile as it was; None where its key was retired: it is forgotten, as was meant."""
        updated_ms, key_version, nonce, sealed = closed
        secret = self._keys.secret(key_version)
        if secret is None and key_version < self._keys.newest(time.monotonic()).version:
            self._stats.key_retired += 1
            return None
        profile = SealedProfile.model_construct(
            user_key=user_key,
            updated_ms=updated_ms,
            key_version=key_version,
            nonce=nonce,
            sealed=sealed,
        )
        return restored(unseal(profile, secret))


def _was_sent_before(found: Signal, erasure: Erasure | None) -> bool:
    """Whether an event lay before the erasure in the topic, and came later: it waited."""
    if erasure is None:
        return False
    partition, offset, _ = erasure
    return found.partition == partition and found.offset < offset


def _lists(done: Update, found: Signal, language: str) -> Iterator[tuple[str, str | None]]:
    """The lists that a reader's first click on an article counts for, and in which of them."""
    if done.first_read:
        yield POPULAR, language
        yield COVISITED, found.article_id
        if done.read_before is not None:
            yield COVISITED, done.read_before
