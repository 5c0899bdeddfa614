import pytest

from ingest.read.news_xml import read_news_xml
from ingest.safe_xml import BadXml, UnsafeXml

NITF = """<nitf xml:lang="en"><head><title>Slug</title><docdata><doc-id id-string="N7"/>
<date.issue norm="20260302T080000Z"/></docdata></head><body><body.head><hedline><hl1>Bridge
reopens</hl1></hedline><byline>By <person>A. Weber</person></byline><abstract><p>Short.</p></abstract>
</body.head><body.content><p>One &amp; two.</p><media><media-caption>No.</media-caption></media>
<block><p>Three.</p></block></body.content></body></nitf>"""

NEWSML = """<newsMessage xmlns="http://iptc.org/std/nar/2006-10-01/"><itemSet>
<newsItem guid="urn:newsml:wire.example:7" version="3"><itemMeta><provider literal="wire.example"/>
<versionCreated>2026-03-02T09:00:00Z</versionCreated><firstCreated>2026-03-02T08:00:00Z</firstCreated>
<pubStatus qcode="stat:{status}"/></itemMeta><contentMeta><headline>Bridge reopens</headline>
<by>A. Weber</by><language tag="en"/></contentMeta><contentSet><inlineXML><html
xmlns="http://www.w3.org/1999/xhtml"><body><p>One.</p><p>Two.</p></body></html></inlineXML>
</contentSet></newsItem></itemSet></newsMessage>"""


def test_nitf_story():
    (entry,) = read_news_xml(NITF.encode())
    assert (entry.title, entry.summary, entry.authors) == (
        "Bridge reopens",
        "Short.",
        ("A. Weber",),
    )
    assert entry.content == "<p>One &amp; two.</p><p>Three.</p>"
    assert (entry.key, entry.language, entry.published.hour) == ("N7", "en", 8)


def test_newsml_story_keeps_its_guid_over_versions():
    (entry,) = read_news_xml(NEWSML.format(status="usable").encode())
    assert (entry.key, entry.metadata["version"]) == ("urn:newsml:wire.example:7", "3")
    assert (entry.title, entry.content, entry.source) == (
        "Bridge reopens",
        "<p>One.</p><p>Two.</p>",
        "wire.example",
    )
    assert (entry.published.hour, entry.updated.hour) == (8, 9)


def test_cancelled_story_is_left_out():
    assert read_news_xml(NEWSML.format(status="canceled").encode()) == []


def test_other_xml_is_refused():
    with pytest.raises(BadXml, match="expected <nitf>"):
        read_news_xml(b"<rss/>")
    with pytest.raises(UnsafeXml):
        read_news_xml(b'<!DOCTYPE n [<!ENTITY a SYSTEM "file:///x">]><nitf>&a;</nitf>')
