"""State is read only for what it may hold, and a new start knows what was written."""

import pytest

from udfs.sparing_map import SparingMap


class Counted(dict):
    """Flink's MapState, which counts what is asked of it."""

    reads = 0

    def get(self, name):
        self.reads += 1
        return super().get(name)

    def put(self, name, value):
        self[name] = value


@pytest.fixture
def state():
    return Counted()


@pytest.fixture
def opened(runtime_context, state, monkeypatch):
    """A new start of the operator with the state as it is."""
    context = type(runtime_context)
    monkeypatch.setattr(context, "get_map_state", lambda *_: state, raising=False)
    return lambda recent: SparingMap(runtime_context, "homes", lifetime_s=60, recent=recent)


def test_names_never_written_are_not_read(opened, state):
    homes = opened(recent=10)
    homes.put("0", "a", b"1")
    assert [homes.get("0", name) for name in ("b", "c", "d")] == [None, None, None]
    assert state.reads == 0


def test_newest_values_are_in_memory_and_older_ones_are_read(opened, state):
    homes = opened(recent=2)
    for name in "abc":
        homes.put("0", name, name.encode())
    assert [homes.get("0", name) for name in "abc"] == [b"a", b"b", b"c"]
    assert state.reads == 1


def test_new_start_finds_what_was_written_before(opened, state):
    opened(recent=10).put("0", "a", b"1")
    again = opened(recent=10)
    assert again.get("0", "a") == b"1"
    again.put("0", "a", b"2")
    assert again.get("0", "a") == b"2"
    assert opened(recent=10).get("0", "a") == b"2"


def test_value_in_memory_ends_with_its_lifetime(opened, state, monkeypatch):
    homes = opened(recent=10)
    monkeypatch.setattr("time.monotonic", lambda: 0.0)
    homes.put("0", "a", b"1")
    state.clear()  # as Flink does when the lifetime is over
    monkeypatch.setattr("time.monotonic", lambda: 61.0)
    assert homes.get("0", "a") is None
