"""What an event tells a profile, and which events cannot be used."""

import pytest

from models.profiles.signals import pack, signal, unpack
from schemas.errors import RejectedEvent
from schemas.user_event import UserEvent

NOW_MS = 1_790_000_000_000


def event(**fields):
    given = {
        "event_id": "e",
        "user_key": "k",
        "kind": "click",
        "ts_ms": NOW_MS,
        "consent": True,
        "article_id": "a",
    }
    return UserEvent(**(given | fields))


def found(**fields):
    return signal(event(**fields), arrived_ms=NOW_MS, partition=1, offset=7)


def test_clock_that_runs_ahead_is_not_believed():
    assert found(ts_ms=NOW_MS + 10**9).at_ms == NOW_MS
    assert found(ts_ms=NOW_MS - 5).at_ms == NOW_MS - 5


def test_event_without_consent_withdraws_whatever_it_says():
    assert found(consent=False).kind == "withdraw"
    assert found(kind="erase", article_id=None, consent=False).kind == "erase"


@pytest.mark.parametrize(
    ("kind", "fields", "strength"),
    [
        ("impression", {}, 0),
        ("click", {}, 1),
        ("dwell", {"dwell_ms": 0}, 0),
        ("dwell", {"dwell_ms": 30_000}, 1),
        ("dwell", {"dwell_ms": 2**31 - 1}, 2),
        ("share", {}, 3),
        ("hide", {}, 0),
    ],
)
def test_strength_is_that_of_the_kind(kind, fields, strength):
    assert found(kind=kind, **fields).strength == strength


@pytest.mark.parametrize(
    "fields",
    [
        {"article_id": None},
        {"article_id": ""},
        {"kind": "dwell"},
        {"target": "source:s"},
        {"kind": "subscribe", "target": "color:red"},
        {"kind": "hide", "target": "source:"},
    ],
)
def test_event_that_does_not_say_what_it_is_about_is_refused(fields):
    with pytest.raises(RejectedEvent):
        found(**fields)


def test_only_what_speaks_of_an_article_waits_for_it():
    assert found().needs_article
    assert found(kind="hide").needs_article
    assert not found(kind="impression").needs_article
    assert not found(kind="subscribe", target="story:s").needs_article
    assert not found(kind="erase").needs_article


def test_packed_signal_comes_back():
    assert unpack(pack(found())) == found()
