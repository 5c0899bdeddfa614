"""What may be known is never denied, and little else is claimed; it fades with time."""

from models import recollection
from models.recollection import Recollection

LIFETIME_S = 100.0


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


def test_every_name_that_was_added_may_be_known_and_few_others(monkeypatch):
    monkeypatch.setattr(recollection, "NAMES_A_FILTER", 1000)
    monkeypatch.setattr(recollection, "_BITS", 16 * 1000)
    known = Recollection(LIFETIME_S)
    names = [f"article {number}" for number in range(2500)]
    for name in names:
        known.add(name)
    assert all(name in known for name in names)
    claimed = sum(f"stranger {number}" in known for number in range(10_000))
    assert claimed < 300


def test_name_is_known_for_its_lifetime_after_it_was_added_last(monkeypatch):
    monkeypatch.setattr(recollection, "NAMES_A_FILTER", 2)
    clock = Clock()
    known = Recollection(LIFETIME_S, clock)
    known.add("a")
    known.add("b")
    clock.now_s = 50.0
    known.add("a")
    clock.now_s = 140.0
    known.add("c")
    assert "a" in known
    assert "b" not in known
    clock.now_s = 241.0
    known.add("d")
    assert "d" in known
    assert "a" not in known
