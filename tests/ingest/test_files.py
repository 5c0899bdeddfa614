import gzip
import json

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from ingest.files import FileFormat, format_of, read_file
from schemas.errors import SetupError

PAGE = (
    b"<html><head><title>Bridge reopens</title></head><body><article><p>"
    + b"It is open again. " * 30
    + b"</p></article></body></html>"
)


def found(path, **more):
    return list(read_file(str(path), now_ms=1_790_000_000_000, **more))


def test_rows_become_entries_and_faults_keep_their_line(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [
        {"url": "https://a.example/7?utm_source=x", "title": "1 < 2", "body": "a & b"},
        {"date": "x"},
    ]
    path.write_text("\n".join([json.dumps(rows[0]), "{", json.dumps(rows[1])]), "utf-8")
    first, second, third = found(path)
    assert (first.entry.url, first.entry.article_id) == ("https://a.example/7", "")
    assert (second.place, "not JSON" in second.fault) == (2, True)
    assert "no title" in third.fault


def test_ids_and_sources_that_rows_give_stay(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,source,headline\n7,courier,Bridge\n", "utf-8")
    (one,) = found(path, renamed={"article_id": "id", "title": "headline"})
    assert (one.entry.article_id, one.entry.source, one.entry.title) == ("7", "courier", "Bridge")


def test_pages_of_a_web_archive_with_their_rights(tmp_path):
    path = tmp_path / "a.warc.gz"
    with path.open("wb") as stream:
        writer = WARCWriter(stream, gzip=True)
        for status, more in (
            ("200 OK", []),
            ("404 Not Found", []),
            ("200 OK", [("X-Robots-Tag", "noai")]),
        ):
            headers = StatusAndHeaders(
                status, [("Content-Type", "text/html"), *more], protocol="HTTP/1.1"
            )
            import io

            writer.write_record(
                writer.create_warc_record(
                    "https://a.example/7", "response", io.BytesIO(PAGE), http_headers=headers
                )
            )
    first, second = found(path)
    assert (first.entry.url, first.page.title) == ("https://a.example/7", "Bridge reopens")
    assert (first.page.robots, second.page.robots) == (frozenset(), {"noai"})


def test_stories_and_saved_feeds_are_known_by_their_first_element(tmp_path):
    nitf, feed = tmp_path / "a.xml", tmp_path / "b.xml"
    nitf.write_text(
        "<nitf><body><body.head><hedline><hl1>B</hl1></hedline></body.head></body></nitf>"
    )
    feed.write_text("<rss version='2.0'><channel><item><title>B</title></item></channel></rss>")
    assert (format_of(str(nitf)), format_of(str(feed))) == (FileFormat.NITF, FileFormat.FEED)
    assert [one.entry.title for path in (nitf, feed) for one in found(path)] == ["B", "B"]


def test_packed_story_is_unpacked(tmp_path):
    path = tmp_path / "a.nitf.gz"
    path.write_bytes(gzip.compress(b"<nitf><head><title>B</title></head></nitf>"))
    assert found(path)[0].entry.title == "B"


def test_bad_story_is_a_fault_and_a_bad_archive_an_error(tmp_path):
    (tmp_path / "a.nitf").write_text("<nitf>")
    assert "not well-formed" in found(tmp_path / "a.nitf")[0].fault
    (tmp_path / "a.warc").write_bytes(b"no archive")
    with pytest.raises(SetupError, match="cannot be read to its end"):
        found(tmp_path / "a.warc")


def test_name_without_format_and_missing_file_are_errors(tmp_path):
    with pytest.raises(SetupError, match="--format"):
        format_of("a.docx")
    with pytest.raises(SetupError, match="cannot be"):
        found(tmp_path / "none.warc")
