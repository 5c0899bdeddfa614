import pytest

from ingest.read.feed import NotAFeed, Reason
from ingest.read.sitemap import read_sitemap

NEWS = """<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:n="http://www.google.com/schemas/sitemap-news/0.9">
<url><loc>https://news.example/7?utm_source=s</loc><n:news><n:publication><n:name>N</n:name>
<n:language>de</n:language></n:publication><n:publication_date>2026-03-02T08:00:00+01:00
</n:publication_date><n:title>Br&#252;cke</n:title></n:news></url>
<url><loc>https://news.example/8</loc><lastmod>2026-03-01</lastmod></url>
<url><loc>javascript:alert(1)</loc></url></urlset>"""


def test_news_sitemap_has_title_language_and_time():
    first, second = read_sitemap(NEWS.encode()).entries
    assert (first.url, first.title, first.language) == ("https://news.example/7", "Brücke", "de")
    assert first.published.isoformat() == "2026-03-02T08:00:00+01:00"
    assert second.updated.isoformat() == "2026-03-01T00:00:00"


def test_index_names_its_sitemaps():
    index = b"<sitemapindex><sitemap><loc>/a.xml</loc><lastmod>2026-03-02</lastmod></sitemap></sitemapindex>"
    ((url, when),) = read_sitemap(index, "https://news.example/i.xml").sitemaps
    assert (url, when.day) == ("https://news.example/a.xml", 2)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b" ", Reason.EMPTY),
        (b"<html/>", Reason.NOT_A_FEED),
        (b"<urlset>", Reason.NOT_A_FEED),
        (
            b'<!DOCTYPE u [<!ENTITY a SYSTEM "file:///etc/passwd">]><urlset>&a;</urlset>',
            Reason.UNSAFE_XML,
        ),
    ],
)
def test_other_bytes_are_no_sitemap(content, reason):
    with pytest.raises(NotAFeed) as caught:
        read_sitemap(content)
    assert caught.value.reason is reason
