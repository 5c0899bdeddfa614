from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from ingest import moments

BERLIN = ZoneInfo("Europe/Berlin")
SEEN_MS = moments.instant_ms(datetime(2026, 3, 2, 7, 10, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-03-02", "2026-03-02T00:00:00"),
        ("20260302T080000Z", "2026-03-02T08:00:00+00:00"),
        ("2026-03-02 08:00:00 +0100", "2026-03-02T08:00:00+01:00"),
        ("2026-03-02T08:00:00.1234567Z", "2026-03-02T08:00:00.123456+00:00"),
        ("2026-03-02T24:00:00Z", "2026-03-03T00:00:00+00:00"),
        ("Mon, 2 Mar 2026 08:00 EST", "2026-03-02T08:00:00-05:00"),
        ("02 Mar 26 08:00:00 GMT", "2026-03-02T08:00:00+00:00"),
        ("Mo, 02 Mär 2026 08:00:00 +0100", "2026-03-02T08:00:00+01:00"),
        ("2 mars 2026 08:00", "2026-03-02T08:00:00"),
        ("1772434800", "2026-03-02T07:00:00+00:00"),
        ("1772434800000", "2026-03-02T07:00:00+00:00"),
    ],
)
def test_dates_are_read_as_publishers_write_them(text, iso):
    assert moments.parse(text).isoformat() == iso


@pytest.mark.parametrize("text", ["", "soon", "2026-13-40", "32 March 2026", "99999999999999999"])
def test_what_is_no_date_is_none(text):
    assert moments.parse(text) is None


def test_naive_time_is_one_of_the_sources_zone():
    naive = moments.parse("2026-03-02T08:00")
    assert moments.repaired_ms(naive, fetched_ms=SEEN_MS, zone=BERLIN) == 1772434800000


def test_local_time_labelled_as_utc_is_mended():
    mislabelled = moments.parse("2026-03-02T08:00Z")
    assert moments.repaired_ms(mislabelled, fetched_ms=SEEN_MS, zone=BERLIN) == 1772434800000
    assert moments.repaired_ms(mislabelled, fetched_ms=SEEN_MS) == SEEN_MS


def test_clocks_may_differ_by_minutes():
    ahead = moments.parse("2026-03-02T07:14Z")
    assert moments.repaired_ms(ahead, fetched_ms=SEEN_MS) == SEEN_MS + 240_000


def test_unknown_time_is_when_it_was_seen():
    assert moments.repaired_ms(None, fetched_ms=SEEN_MS) == SEEN_MS
