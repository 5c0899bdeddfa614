"""State is read only for what it may hold, a new start knows what was written, old entries go."""

from collections import defaultdict

import pytest

from udfs.sparing_map import SPANS, SparingMap

LIFETIME_S = 4000
SPAN_S = LIFETIME_S / (SPANS - 1)


class Counted(dict):
    """Flink's MapState, which counts what is asked of it."""

    reads = 0

    def get(self, name):
        self.reads += 1
        return super().get(name)

    def put(self, name, value):
        self[name] = value

    put_all = dict.update


class Clock:
    def __init__(self):
        self.now_s = 1_700_000_000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def states():
    return defaultdict(Counted)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def opened(runtime_context, states, clock, monkeypatch):
    """A new start of the operator with the states as they are."""
    context = type(runtime_context)
    monkeypatch.setattr(context, "get_map_state", lambda _, told: states[told.name], raising=False)
    return lambda recent=10: SparingMap(
        runtime_context, "homes", lifetime_s=LIFETIME_S, recent=recent, clock=clock
    )


def reads(states):
    return sum(state.reads for state in states.values())


def test_names_never_written_are_not_read(opened, states):
    homes = opened()
    homes.put("0", "a", b"1")
    assert [homes.get("0", name) for name in ("b", "c", "d")] == [None, None, None]
    assert reads(states) == 0


def test_newest_and_unwritten_values_are_in_memory_and_older_ones_are_read(opened, states):
    homes = opened(recent=2)
    for name in "abc":
        homes.put("0", name, name.encode())
    assert [homes.get("0", name) for name in "abc"] == [b"a", b"b", b"c"]
    assert reads(states) == 0
    homes.write()
    assert [homes.get("0", name) for name in "abc"] == [b"a", b"b", b"c"]
    assert reads(states) == 1


def test_new_start_finds_what_was_written_before(opened):
    first = opened()
    first.put("0", "a", b"1")
    first.write()
    again = opened()
    assert again.get("0", "a") == b"1"
    again.put("0", "a", b"2")
    again.write()
    assert again.get("0", "a") == b"2"
    assert opened().get("0", "a") == b"2"


@pytest.mark.parametrize("starts_anew", [False, True])
def test_value_lives_for_its_lifetime_after_its_last_write(opened, clock, starts_anew):
    homes = opened(recent=1)
    homes.put("0", "a", b"1")
    homes.put("0", "b", b"1")
    clock.now_s += SPAN_S
    homes.put("0", "a", b"2")
    homes.put("0", "c", b"1")
    homes.write()
    clock.now_s += LIFETIME_S
    again = opened(recent=1) if starts_anew else homes
    assert again.get("0", "a") == b"2"
    assert again.get("0", "b") is None
    clock.now_s += SPAN_S
    assert again.get("0", "a") is None
    assert again.get("0", "c") is None


def test_state_holds_only_the_spans_of_a_lifetime(opened, states, clock):
    homes = opened()
    for number in range(20):
        homes.put("0", f"article {number}", b"1")
        homes.write()
        clock.now_s += SPAN_S
    held = [name for state in states.values() for name in state if isinstance(name, str)]
    assert sorted(held) == [f"article {number}" for number in range(15, 20)]


def test_clock_that_is_put_back_loses_nothing(opened, clock):
    homes = opened(recent=1)
    homes.put("0", "a", b"1")
    clock.now_s -= 2 * SPAN_S
    homes.put("0", "b", b"2")
    homes.write()
    assert [opened().get("0", name) for name in "ab"] == [b"1", b"2"]
