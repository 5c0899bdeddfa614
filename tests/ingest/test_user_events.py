"""Rows of readers' events: what they may say, and that raw ids go no further."""

from datetime import UTC, datetime

import pytest

from ingest.rows import BadRow
from ingest.user_events import user_event
from models.keyring import new_keyring, pseudonym

SECRET = new_keyring(datetime(2026, 1, 1, tzinfo=UTC)).newest
ROW = {"user": "ada", "kind": "click", "article_id": "a1", "ts_ms": "17", "consent": "true"}


def event(**changed):
    return user_event(ROW | changed, secret=SECRET, now_ms=99, consent=None)


def test_raw_id_becomes_a_pseudonym():
    found = event()
    assert found.user_key == pseudonym("ada", SECRET)
    assert "ada" not in found.model_dump_json()


def test_text_and_json_cells_say_the_same():
    from_json = event(ts_ms=17, consent=True)
    assert from_json == event()
    assert event(dwell_ms="5000", kind="dwell", propensity="0.5", position="0").propensity == 0.5


def test_same_row_has_the_same_event_id_and_another_row_another():
    assert event().event_id == event().event_id != event(article_id="a2").event_id


def test_time_and_consent_may_be_given_for_all_rows():
    row = {name: ROW[name] for name in ("user", "kind", "article_id")}
    found = user_event(row, secret=SECRET, now_ms=99, consent=False)
    assert (found.ts_ms, found.consent) == (99, False)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"consent": None}, "consent"),
        ({"kind": "clicked"}, "kind"),
        ({"ts_ms": "soon"}, "ts_ms"),
        ({"colour": "red"}, "no field colour"),
        ({"kind": "dwell"}, "without dwell_ms"),
        ({"user": None}, "user_key"),
        ({"propensity": "1.5"}, "propensity"),
    ],
)
def test_bad_row_says_why(changed, why):
    with pytest.raises(BadRow, match=why):
        event(**changed)


def test_raw_id_without_a_key_ring_is_refused():
    with pytest.raises(BadRow, match="raw ids do not leave"):
        user_event(ROW, secret=None, now_ms=0, consent=None)
