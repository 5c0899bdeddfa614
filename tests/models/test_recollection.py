"""What was added is never denied, and little else is claimed."""

from models import recollection
from models.recollection import Recollection


def test_every_name_that_was_added_is_known_and_few_others(monkeypatch):
    monkeypatch.setattr(recollection, "FEWEST_NAMES", 500)
    monkeypatch.setattr(recollection, "MOST_NAMES", 1000)
    known = Recollection()
    names = [f"article {number}" for number in range(2500)]
    for name in names:
        known.add(name)
    assert all(name in known for name in names)
    claimed = sum(f"stranger {number}" in known for number in range(10_000))
    assert claimed < 300


def test_nothing_is_known_before_a_name_was_added():
    assert "a" not in Recollection()
