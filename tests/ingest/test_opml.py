import pytest

from ingest.opml import Outline, read_opml, to_toml, write_opml
from ingest.sources_file import load
from schemas.errors import SetupError

OPML = b"""<opml version="1.0"><body><outline text="News"><outline text="World">
<outline text="Courier" type="rss" xmlUrl="https://a.example/rss" htmlUrl="https://a.example/"/>
</outline><outline title="Echo" xmlUrl="feed://b.example/rss"/></outline>
<outline text="Courier again" xmlUrl="https://a.example/rss"/><outline text="Empty"/></body></opml>"""


def test_folders_become_categories_and_each_feed_comes_once():
    assert read_opml(OPML) == [
        Outline("https://a.example/rss", "Courier", "News/World", "https://a.example/"),
        Outline("https://b.example/rss", "Echo", "News"),
    ]


def test_what_is_written_is_read_the_same():
    outlines = read_opml(OPML)
    assert read_opml(write_opml(outlines)) == outlines


def test_imported_list_is_a_file_of_sources(tmp_path):
    path = tmp_path / "feeds.toml"
    path.write_text(to_toml(read_opml(OPML)), "utf-8")
    assert [(s.label, s.category) for s in load(path).sources] == [
        ("Courier", "News/World"),
        ("Echo", "News"),
    ]


@pytest.mark.parametrize("content", [b"", b"<rss/>", b"<opml><body>"])
def test_other_files_are_refused(content):
    with pytest.raises(SetupError):
        read_opml(content)
