from dataclasses import asdict

import pytest

from ingest import watch
from ingest.watch import Item, Kind, Watched

HOUR_MS = 3_600_000


def poll(watched, new, now_ms):
    after = watch.after_poll(watched, new=new, now_ms=now_ms)
    return watch.signals("courier", watched, after, new=new, now_ms=now_ms)


def usual(polls=10, new=4):
    watched = Watched()
    for number in range(polls):
        watched, _ = poll(watched, new, (number + 1) * HOUR_MS)
    return watched


def with_items(items, watched=None):
    watched = watched or Watched()
    for item in items:
        watched = watch.after_item(watched, item)
    return watched


def kinds(watched):
    return [s.kind for s in watch.signals("courier", watched, watched, new=0, now_ms=0)[1]]


def test_usual_source_raises_nothing():
    _, raised = poll(usual(), 4, 11 * HOUR_MS)
    assert raised == []


def test_silence_is_raised_once_and_again_after_it_was_over():
    watched, raised = poll(usual(), 0, 15 * HOUR_MS)
    assert raised == []
    watched, raised = poll(watched, 0, 17 * HOUR_MS)
    assert [s.kind for s in raised] == [Kind.SILENT]
    watched, raised = poll(watched, 0, 18 * HOUR_MS)
    assert raised == []
    watched, _ = poll(watched, 3, 19 * HOUR_MS)
    _, raised = poll(watched, 0, 40 * HOUR_MS)
    assert [s.kind for s in raised] == [Kind.SILENT]


def test_flood_is_measured_against_what_is_usual():
    _, raised = poll(usual(), 80, 11 * HOUR_MS)
    assert [(s.kind, s.observed, s.expected) for s in raised] == [(Kind.FLOODING, 80, 4)]


def test_first_poll_of_a_full_feed_is_no_flood():
    watched, raised = poll(Watched(), 500, HOUR_MS)
    assert (raised, watched.usual_new) == ([], 0.0)


@pytest.mark.parametrize(
    ("items", "kind"),
    [
        ([Item(future=n % 4 == 0) for n in range(20)], Kind.FUTURE_DATES),
        ([Item(words=0 if n % 2 else 300) for n in range(20)], Kind.EXTRACTION_FAILURES),
        ([Item(words=400)] * 30 + [Item(words=40)] * 20, Kind.TEMPLATE_CHANGE),
        ([Item(language="de")] * 20 + [Item(language="en-GB")] * 15, Kind.LANGUAGE_CHANGE),
    ],
)
def test_change_of_items_is_raised(items, kind):
    assert kinds(with_items(items)) == [kind]


def test_source_that_keeps_failing_is_raised():
    watched = usual()
    for _ in range(10):
        watched = watch.after_failure(watched)
    assert kinds(watched) == [Kind.FAILING]


def test_what_is_known_survives_json():
    watched = with_items([Item(words=7, language="de")], usual())
    kept = Watched.of(asdict(watched))
    assert asdict(kept) == asdict(watched)
