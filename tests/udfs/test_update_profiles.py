"""Events gathered by shard: one record of each reader, and nothing outside state."""

from datetime import UTC, datetime

import pytest
from pyflink.common import Row

from models.keyring import KeyringFile, new_keyring, write_keyring
from models.profiles import passage, signals
from models.profiles.fold import FoldRules
from models.profiles.signals import Signal
from models.profiles.update import ProfileRules
from models.sealing import opened_profile
from schemas.codec import RecordCodec
from schemas.redis_keys import profile_key
from schemas.topics import USERS_EMBEDDINGS
from udfs import update_profiles
from udfs.update_profiles import UpdateProfiles

NOW_MS = 1_790_000_000_000
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
EVERY_MS, SHARD = 500, 3
RULES = FoldRules(
    ProfileRules(14 * DAY_MS, 30 * MINUTE_MS, 90 * DAY_MS, 120, 50, 64),
    wait_ms=MINUTE_MS,
    fresh_ms=HOUR_MS,
)


class Entries(dict):
    """Flink's MapState."""

    def put(self, key, value):
        self[key] = value

    def remove(self, key):
        self.pop(key, None)


class Elements(list):
    """Flink's ListState."""

    def add(self, value):
        self.append(value)

    def get(self):
        return iter(list(self))


class Timers:
    """Flink's timer service, as far as the operator uses it."""

    def __init__(self):
        self.at_work, self.of_events = [], []
        self.watermark_ms = 0

    def current_processing_time(self):
        return NOW_MS

    def current_watermark(self):
        return self.watermark_ms

    def register_processing_time_timer(self, at_ms):
        self.at_work.append(at_ms)

    def register_event_time_timer(self, at_ms):
        self.of_events.append(at_ms)


class Context:
    def __init__(self):
        self.timers = Timers()

    def timer_service(self):
        return self.timers

    def get_current_key(self):
        return SHARD


class Store(dict):
    """Redis, as far as a pipeline needs it; `lost` while it is away."""

    lost = False

    def write(self, queue):
        if self.lost:
            raise ConnectionError
        queue(self)

    def set(self, key, value, ex):
        assert ex == RULES.profile.retention_ms // 1000
        self[key] = value

    def delete(self, key):
        self.pop(key, None)


class Operator:
    """The operator with state that outlives it, as Flink keeps it."""

    def __init__(self, new_runtime_context, monkeypatch, keys_file):
        self.entries, self.waiting, self.redis = {}, Elements(), Store()
        self.context = Context()
        self._new_runtime_context, self._keys_file = new_runtime_context, keys_file
        states = {
            "get_list_state": lambda _, __: self.waiting,
            "get_map_state": lambda _, named: self.entries.setdefault(named.name, Entries()),
        }
        for name, state in states.items():
            monkeypatch.setattr(new_runtime_context, name, state, raising=False)
        monkeypatch.setattr(update_profiles, "PatientRedis", lambda *_, **__: self.redis)
        self.restart()

    def restart(self):
        self._function = UpdateProfiles(
            keys_file=self._keys_file,
            rules=RULES,
            every_ms=EVERY_MS,
            redis_url="",
            retry_s=1,
            registry_url=None,
            registry_auth=None,
        )
        self._function.open(self._new_runtime_context())

    def hear(self, reader, offset, kind="click"):
        mark = offset.to_bytes(signals.MARK_BYTES, "little")
        found = Signal(reader, kind, NOW_MS, NOW_MS, 0, offset, 1.0, f"a{offset}", None, None, mark)
        packed = passage.pack(signals.pack(found), None)
        assert list(self._function.process_element(packed, self.context)) == []

    def fire(self, at_ms=NOW_MS + EVERY_MS, *, watermark_ms=NOW_MS):
        self.context.timers.watermark_ms = watermark_ms
        return [out for out in self._function.on_timer(at_ms, self.context) if type(out) is Row]

    def profile(self, value):
        return opened_profile(
            RecordCodec(USERS_EMBEDDINGS).decode(value), KeyringFile(self._keys_file)
        )


@pytest.fixture
def operator(new_runtime_context, monkeypatch, tmp_path):
    keys_file = tmp_path / "keys.toml"
    write_keyring(new_keyring(datetime.now(UTC)), keys_file, replace=False)
    return Operator(new_runtime_context, monkeypatch, keys_file)


def test_events_of_a_moment_make_one_record_of_each_reader(operator):
    for offset in range(4):
        operator.hear("ada", offset)
    operator.hear("bo", 9)
    records = dict(operator.fire())
    assert list(records) == [b"ada", b"bo"]
    assert operator.profile(records[b"ada"]).counts == {"click": 4}
    assert operator.redis == {
        profile_key("ada"): records[b"ada"],
        profile_key("bo"): records[b"bo"],
    }
    assert operator.waiting == []


def test_one_timer_serves_all_that_waits_in_a_shard(operator):
    operator.hear("ada", 1)
    operator.hear("bo", 2)
    assert operator.context.timers.at_work == [NOW_MS + EVERY_MS]


def test_what_waits_survives_the_operator(operator):
    operator.hear("ada", 1)
    operator.restart()
    assert [key for key, _ in operator.fire()] == [b"ada"]
    operator.hear("ada", 2)
    assert operator.profile(dict(operator.fire())[b"ada"]).counts == {"click": 2}


def test_lost_redis_fails_the_job(operator):
    operator.hear("ada", 1)
    operator.redis.lost = True
    with pytest.raises(ConnectionError):
        operator.fire()


def test_erased_reader_leaves_where_the_erasure_stood_until_nothing_can_come(operator):
    operator.hear("ada", 1)
    operator.fire()
    operator.hear("ada", 2, "erase")
    assert operator.fire() == [Row(b"ada", None)]
    assert operator.redis == {}
    until_ms = NOW_MS + MINUTE_MS + HOUR_MS
    assert operator.context.timers.of_events[-1] == until_ms
    operator.hear("ada", 1)  # it had waited
    assert operator.fire() == []
    operator.fire(until_ms, watermark_ms=until_ms)
    assert operator.entries == {"readers": {}, "erased": {}}


def test_reader_who_came_back_is_kept_when_the_erasure_is_forgotten(operator):
    operator.hear("ada", 1, "erase")
    operator.hear("ada", 2)
    assert [value is None for _, value in operator.fire()] == [True, False]
    operator.fire(NOW_MS + DAY_MS, watermark_ms=NOW_MS + DAY_MS)
    operator.hear("ada", 3)
    assert operator.profile(dict(operator.fire())[b"ada"]).counts == {"click": 2}


def test_timer_from_before_a_restart_forgets_no_erasure_that_still_matters(operator):
    operator.hear("ada", 5, "erase")
    operator.fire()
    operator.restart()
    operator.fire(NOW_MS + DAY_MS)  # by the clock; the events are still of yesterday
    operator.hear("ada", 1)
    assert operator.fire() == []
