"""Events gathered by shard: one record of each reader, and nothing outside state."""

import pickle
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
SHARD = 3
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

    def get(self):
        return iter(list(self))


class Timers:
    """Flink's timer service, as far as the operator uses it."""

    def __init__(self):
        self.of_events = []
        self.watermark_ms = 0

    def current_watermark(self):
        return self.watermark_ms

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
        self.context, self._heard = Context(), []
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
            redis_url="",
            retry_s=1,
            registry_url=None,
            registry_auth=None,
        )
        self._function.open(self._new_runtime_context())

    def hear(self, reader, offset, kind="click"):
        mark = offset.to_bytes(signals.MARK_BYTES, "little")
        found = Signal(reader, kind, NOW_MS, NOW_MS, 0, offset, 1.0, f"a{offset}", None, None, mark)
        self._heard.append(passage.pack([signals.pack(found)], None))

    def count(self):
        """What was heard is a moment that the operator counts; what goes on."""
        moment, self._heard = Row(SHARD, tuple(self._heard)), []
        outs = self._function.process_element(moment, self.context)
        return [out for out in outs if type(out) is Row]

    def fire(self, at_ms, *, watermark_ms=NOW_MS):
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
    records = dict(operator.count())
    assert list(records) == [b"ada", b"bo"]
    assert operator.profile(records[b"ada"]).counts == {"click": 4}
    assert operator.redis == {
        profile_key("ada"): records[b"ada"],
        profile_key("bo"): records[b"bo"],
    }


def test_profile_survives_the_operator(operator):
    operator.hear("ada", 1)
    operator.count()
    operator.restart()
    operator.hear("ada", 2)
    assert operator.profile(dict(operator.count())[b"ada"]).counts == {"click": 2}


def test_what_an_older_savepoint_was_gathering_is_counted_when_its_timer_fires(operator):
    found = Signal("ada", "click", NOW_MS, NOW_MS, 0, 1, 1.0, "a1", None, None, b"12345678")
    operator.waiting.append(pickle.dumps((signals.pack(found), None)))
    assert [key for key, _ in operator.fire(NOW_MS)] == [b"ada"]
    assert operator.waiting == []
    assert operator.fire(NOW_MS) == []


def test_lost_redis_fails_the_job(operator):
    operator.hear("ada", 1)
    operator.redis.lost = True
    with pytest.raises(ConnectionError):
        operator.count()


def test_erased_reader_leaves_where_the_erasure_stood_until_nothing_can_come(operator):
    operator.hear("ada", 1)
    operator.count()
    operator.hear("ada", 2, "erase")
    assert operator.count() == [Row(b"ada", None)]
    assert operator.redis == {}
    until_ms = NOW_MS + MINUTE_MS + HOUR_MS
    assert operator.context.timers.of_events == [until_ms]
    operator.hear("ada", 1)  # it had waited
    assert operator.count() == []
    operator.fire(until_ms, watermark_ms=until_ms)
    assert operator.entries == {"readers": {}, "erased": {}}


def test_reader_who_came_back_is_kept_when_the_erasure_is_forgotten(operator):
    operator.hear("ada", 1, "erase")
    operator.hear("ada", 2)
    assert [value is None for _, value in operator.count()] == [True, False]
    operator.fire(NOW_MS + DAY_MS, watermark_ms=NOW_MS + DAY_MS)
    operator.hear("ada", 3)
    assert operator.profile(dict(operator.count())[b"ada"]).counts == {"click": 2}


def test_timer_forgets_no_erasure_that_still_matters(operator):
    operator.hear("ada", 5, "erase")
    operator.count()
    operator.restart()
    operator.fire(NOW_MS + DAY_MS)  # by the clock; the events are still of yesterday
    operator.hear("ada", 1)
    assert operator.count() == []
