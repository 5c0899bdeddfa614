"""Whose turn it is: nobody waits for another's host, nor for those that are slow."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.turns import SLOW_MS, Turns


def keys(begun):
    return [turn.key for turn in begun]


def test_turns_begin_when_they_are_due_and_say_how_late():
    turns = Turns(at_once=8, slow=2, per_host=2)
    turns.plan("b", "b.example", 20)
    turns.plan("a", "a.example", 10)
    assert (turns.begin(9), turns.next_ms()) == ([], 10)
    assert [(turn.key, turn.late_ms) for turn in turns.begin(23)] == [("a", 13), ("b", 3)]
    assert (turns.begin(23), turns.next_ms()) == ([], None)


def test_key_that_is_planned_anew_has_one_turn():
    turns = Turns(at_once=8, slow=2, per_host=2)
    turns.plan("a", "a.example", 10)
    turns.plan("a", "a.example", 5)
    turns.plan("b", "b.example", 10)
    turns.plan("b", "b.example", 30)
    assert keys(turns.begin(20)) == ["a"]
    assert keys(turns.begin(30)) == ["b"]


def test_a_crowd_at_one_host_takes_no_more_than_its_share():
    turns = Turns(at_once=4, slow=2, per_host=2)
    for number in range(100):
        turns.plan(f"crowd {number:02}", "crowd.example", 0)
    turns.plan("alone", "alone.example", 1)
    begun = turns.begin(1)
    assert keys(begun) == ["crowd 00", "crowd 01", "alone"]
    assert turns.begin(2) == []
    turns.end(begun[0], 3)
    assert keys(turns.begin(3)) == ["crowd 02"]


def test_hosts_that_were_slow_wait_among_themselves_until_they_are_not():
    turns = Turns(at_once=4, slow=1, per_host=1)
    silent = [f"silent-{number}.example" for number in range(4)]
    for host in silent:
        turns.plan(host, host, 0)
    begun = turns.begin(0)
    assert len(begun) == 4  # nobody knows yet
    for turn in begun:
        turns.end(turn, SLOW_MS)
    for host in [*silent, "good.example"]:
        turns.plan(host, host, SLOW_MS)
    (good, first) = turns.begin(SLOW_MS)
    assert (good.key, good.slow, first.slow) == ("good.example", False, True)
    turns.end(first, SLOW_MS + 10)
    turns.plan(first.key, first.host, SLOW_MS + 10)
    again, second = turns.begin(SLOW_MS + 10)
    assert (again.key, again.slow, second.slow) == (first.key, False, True)


def test_key_under_way_has_its_next_turn_after_this_one():
    turns = Turns(at_once=4, slow=1, per_host=2)
    turns.plan("a", "a.example", 0)
    (turn,) = turns.begin(0)
    turns.plan("a", "a.example", 1)
    assert (turns.begin(2), len(turns)) == ([], 2)
    turns.end(turn, 3)
    assert keys(turns.begin(3)) == ["a"]


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 4), st.integers(0, 50)), max_size=60),
    st.integers(1, 3),
)
def test_everything_planned_has_its_turn_and_limits_hold(planned, per_host):
    turns = Turns(at_once=3, slow=1, per_host=per_host)
    host_of = {key: f"{host}.example" for key, host, _ in planned}
    for key, _, due_ms in planned:
        turns.plan(key, host_of[key], due_ms)
    under_way, had = [], []
    for at_ms in range(50 + 100 * SLOW_MS):
        under_way += (begun := turns.begin(at_ms))
        had += keys(begun)
        assert sum(turn.slow for turn in under_way) <= 1
        assert sum(not turn.slow for turn in under_way) <= 3
        hosts = [turn.host for turn in under_way]
        assert all(hosts.count(host) <= per_host for host in hosts)
        if not len(turns):
            break
        if under_way and not begun:
            over = under_way.pop(0)
            turns.end(over, over.begun_ms + (SLOW_MS if over.key % 2 else 0))
    assert sorted(had) == sorted(host_of)
