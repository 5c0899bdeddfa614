from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ingest.entry import Entry
from ingest.mastheads import Mastheads
from ingest.normalise import NoText, Origin, as_version, fingerprint, normalise, wants_page
from ingest.page.extract import Page

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
TABLE = Mastheads({"News Corp": ["wsj.example"]}, {"wsj.test": "wsj.example"})


def page(**changes):
    given = {
        "url": "", "title": "", "body": "", "authors": (), "published": None, "modified": None,
        "language": "", "site": "", "robots": frozenset(),
    }  # fmt: skip
    return Page(**(given | changes))


def article(entry, origin=None, found=None):
    return normalise(entry, origin or Origin(), TABLE, fetched_ms=NOW_MS, page=found)


def test_masthead_and_owner_follow_from_the_articles_host():
    found = article(Entry(url="https://www.wsj.test/7", title="Rain"), Origin(name="google news"))
    assert (found.source, found.owner) == ("wsj.example", "News Corp")


def test_source_in_the_settings_comes_first_and_has_its_owner():
    found = article(Entry(url="https://cdn.example/7", title="Rain"), Origin(source="wsj.example"))
    assert (found.source, found.owner) == ("wsj.example", "News Corp")


def test_markup_and_double_entities_are_resolved():
    found = article(Entry(title="Caf&amp;eacute; <i>open</i>", summary="<p>One</p><p>1 &lt; 2</p>"))
    assert (found.title, found.body) == ("Café open", "One\n1 < 2")


def test_page_gives_text_address_language_and_hour():
    entry = Entry(
        url="https://a.example/7?x=1",
        title="Rain",
        summary="Short.",
        published=datetime(2026, 3, 2),
    )
    found = article(
        entry,
        found=page(url="https://a.example/rain", body="Long. " * 9, language="en", published=NOW),
    )
    assert (found.url, found.language_hint, found.published_ms) == (
        "https://a.example/rain",
        "en",
        NOW_MS,
    )
    assert found.body == "Long. " * 9


def test_page_with_less_text_than_the_feed_does_not_replace_it():
    entry = Entry(url="https://a.example/7", title="Rain", content="<p>" + "long " * 30 + "</p>")
    assert article(entry, found=page(body="Subscribe.")).body.startswith("long long")


@pytest.mark.parametrize("directive", ["noai", "noindex", "none", "nosnippet"])
def test_reserved_page_gives_nothing_but_its_address(directive):
    entry = Entry(url="https://a.example/7", title="Rain", summary="Short.")
    found = article(
        entry,
        found=page(url="https://a.example/8", body="Long. " * 9, robots=frozenset({directive})),
    )
    assert (found.body, found.url, found.metadata["reserved"]) == (
        "Short.",
        "https://a.example/8",
        directive,
    )


def test_day_in_the_address_is_better_than_none():
    found = article(Entry(url="https://a.example/2026/02/27/rain", title="Rain"))
    assert found.published_ms == int(datetime(2026, 2, 27, tzinfo=UTC).timestamp() * 1000)


def test_time_is_never_in_the_future_and_the_given_one_is_kept():
    found = article(Entry(title="Rain", published=NOW + timedelta(days=3)))
    assert (found.published_ms, found.metadata["published_given"][:10]) == (NOW_MS, "2026-03-05")


def test_wrong_zone_is_mended_by_the_sources_own():
    entry = Entry(title="Rain", published=NOW + timedelta(minutes=50))
    found = article(entry, Origin(zone=ZoneInfo("Europe/Berlin")))
    assert found.published_ms == NOW_MS - 10 * 60_000


def test_nothing_to_say_is_not_sent():
    with pytest.raises(NoText):
        article(Entry(url="https://a.example/7", title="<b></b>"))


def test_item_without_address_keeps_its_id_over_versions():
    first = article(Entry(key="7", title="Rain"), Origin(name="courier"))
    second = article(Entry(key="7", title="More rain"), Origin(name="courier"))
    other = article(Entry(key="7", title="Rain"), Origin(name="echo"))
    assert first.article_id == second.article_id != other.article_id
    wire = [article(Entry(key="urn:newsml:w:7", title="R"), Origin(name=n)) for n in ("a", "b")]
    assert wire[0].article_id == wire[1].article_id


def test_version_is_published_when_it_was_changed():
    entry = Entry(
        title="Rain", published=NOW - timedelta(hours=5), updated=NOW - timedelta(hours=1)
    )
    found = as_version(article(entry), fetched_ms=NOW_MS)
    assert found.published_ms == NOW_MS - 3_600_000


def test_fingerprint_is_of_the_words():
    one = article(Entry(title="Rain", published=NOW))
    assert fingerprint(one) == fingerprint(article(Entry(title="Rain ", key="8")))
    assert fingerprint(one) != fingerprint(article(Entry(title="Rains")))


def test_page_is_wanted_for_a_teaser():
    assert wants_page(Entry(url="https://a.example/7", content="word " * 200 + "[…]"))
    assert not wants_page(Entry(title="Rain"))
