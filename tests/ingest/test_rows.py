"""Files of articles: every format, what is derived, and what is wrong with a bad row."""

import bz2
import gzip
import io
import json
import lzma
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.addresses import article_id
from ingest.rows import BadRow, RowFile, RowFormat, article
from schemas.codec import RecordCodec
from schemas.errors import SetupError
from schemas.topics import ARTICLES_RAW

NOW = 1_790_000_000_000


def made(**columns):
    return article({"title": "Bridge reopens"} | columns, now_ms=NOW)


def rows(path, row_format=None):
    return [(row.line, row.fault or dict(row.columns)) for row in RowFile(str(path), row_format)]


def test_complete_row_is_taken_as_it_is():
    found = article(
        {
            "article_id": "a1",
            "url": "https://courier.example/1",
            "source": "Courier",
            "owner": "Group",
            "title": "T",
            "body": "B",
            "html": "<p>B",
            "authors": ["J. Doe"],
            "language_hint": "en-GB",
            "published_ms": 1,
            "fetched_ms": 2,
            "metadata": {"desk": "local"},
        },
        now_ms=NOW,
    )
    assert found.model_dump() == {
        "article_id": "a1",
        "url": "https://courier.example/1",
        "source": "Courier",
        "owner": "Group",
        "title": "T",
        "body": "B",
        "html": "<p>B",
        "authors": ["J. Doe"],
        "language_hint": "en-GB",
        "published_ms": 1,
        "fetched_ms": 2,
        "metadata": {"desk": "local"},
    }


def test_absent_times_are_now():
    assert (made().published_ms, made().fetched_ms) == (NOW, NOW)


def test_absent_source_is_the_host_of_the_url_or_unknown():
    assert made(url="https://www.courier.example:8080/1").source == "courier.example"
    assert made(url="not a url").source == "unknown"
    assert made(url="http://[broken").source == "unknown"
    assert made().source == "unknown"


def test_absent_id_is_the_same_for_the_same_url_whatever_the_text():
    url = "https://courier.example/1"
    assert made(url=url).article_id == made(url=url, title="Corrected").article_id
    assert made(url=url).article_id != made(url=url + "2").article_id


def test_article_of_a_file_has_the_id_that_a_feed_gives_it():
    found = made(url="http://www.news.example/a/?utm_source=rss")
    assert found.article_id == article_id("https://news.example/a")


def test_absent_id_without_a_url_is_the_same_for_the_same_text():
    assert made().article_id == made(published_ms=5).article_id
    assert made().article_id != made(body="more").article_id
    assert made().article_id != made(source="other").article_id


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("published_ms", 1_394_470_501_265, 1_394_470_501_265),
        ("published_ms", "1394470501265", 1_394_470_501_265),
        ("published_ms", 5, 5),
        ("published_ms", -1, -1),
        ("published", "2014-03-10T16:55:01+01:00", 1_394_466_901_000),
        ("published_at", "2014-03-10 15:55:01", 1_394_466_901_000),
        ("date", "2014-03-10", 1_394_409_600_000),
        ("date", "26-FEB-1987 15:01:01.79", 541_350_061_790),
        ("datePublished", "2014-03-10T15:55:01.5Z", 1_394_466_901_500),
        ("datePublished", "Mon, 10 Mar 2014 16:55:01 +0100", 1_394_466_901_000),
        ("timestamp", 1_394_466_901, 1_394_466_901_000),
        ("timestamp", 1_394_466_901.5, 1_394_466_901_500),
        ("timestamp", 1_394_466_901_000, 1_394_466_901_000),
        ("timestamp_ms", "1394470501265", 1_394_470_501_265),
    ],
)
def test_publishing_time_is_found_in_many_columns_and_forms(column, value, expected):
    found = made(**{column: value})
    assert found.published_ms == expected
    assert column not in found.metadata


def test_published_ms_wins_over_other_dates_which_become_metadata():
    found = made(published_ms=7, date="2014-03-10")
    assert (found.published_ms, found.metadata) == (7, {"date": "2014-03-10"})


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"published_ms": True}, "date 'True'"),
        ({"published_ms": 10**17}, "year 9999"),
        ({"timestamp": "9" * 30}, "year 9999"),
        ({"date": "yesterday"}, "date 'yesterday'"),
        ({"date": "31-MAR-1987 605:12:19.12"}, "ISO 8601"),
        ({"timestamp_ms": "soon"}, "timestamp_ms is 'soon'"),
        ({"fetched_ms": 1.5}, "fetched_ms is 1.5"),
        ({"title": ["a"]}, "title is a list"),
        ({"authors": [1, {}]}, "authors is a dict"),
        ({"metadata": [1]}, "metadata is a list"),
        ({"body": "half \ud83d"}, "not valid Unicode"),
        ({"extra": "half \ud83d"}, "not valid Unicode"),
        ({"title": "", "body": " \n"}, "no title and no body"),
    ],
)
def test_bad_row_says_what_is_wrong(columns, reason):
    with pytest.raises(BadRow, match=reason):
        made(**columns)


def test_unknown_columns_become_metadata_as_text():
    found = made(id=7, places=["usa"], score=0.5, empty="", nothing=None, metadata={"desk": "x"})
    assert found.metadata == {"id": "7", "places": '["usa"]', "score": "0.5", "desk": "x"}


def test_authors_may_be_one_name():
    assert made(authors="J. Doe").authors == ["J. Doe"]
    assert made().authors is None


def test_metadata_of_a_table_is_json_or_plain_text():
    assert made(metadata='{"desk": "local"}').metadata == {"desk": "local"}
    assert made(metadata="local").metadata == {"metadata": "local"}


def test_renamed_columns_fill_the_fields_and_win_over_columns_of_that_name():
    found = article(
        {"id": 4, "headline": "H", "title": "T", "day": "2014-03-10"},
        now_ms=NOW,
        renamed={"article_id": "id", "title": "headline", "published_ms": "day"},
    )
    assert (found.article_id, found.title, found.published_ms) == ("4", "H", 1_394_409_600_000)
    assert found.metadata == {"title": "T"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
columns = st.dictionaries(
    st.sampled_from(["article_id", "url", "title", "body", "authors", "date", "published_ms"])
    | st.sampled_from(["timestamp", "metadata", "source", "fetched_ms", "html"])
    | st.text(),
    json_values,
)


@given(columns)
def test_any_row_is_an_article_that_can_be_encoded_or_a_bad_row(any_columns):
    try:
        found = article(any_columns, now_ms=NOW)
    except BadRow as bad:
        assert str(bad)  # noqa: PT017
        return
    codec = RecordCodec(ARTICLES_RAW)
    assert codec.decode(codec.encode(found)) == found


LINES = '{"title": "a"}\n\n{"title": "b"}\n'


def test_jsonl_rows_keep_their_lines(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text(LINES)
    assert rows(file) == [(1, {"title": "a"}), (3, {"title": "b"})]


@pytest.mark.parametrize(
    ("suffix", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress), (".bz2", bz2.compress)]
)
def test_compressed_files_are_read(tmp_path, suffix, pack):
    file = tmp_path / f"a.jsonl{suffix}"
    file.write_bytes(pack(LINES.encode()))
    assert [columns for _, columns in rows(file)] == [{"title": "a"}, {"title": "b"}]


def test_bad_json_is_a_fault_and_the_next_row_follows(tmp_path):
    file = tmp_path / "a.ndjson"
    file.write_text('{"title":\n[1]\n{"title": "b"}')
    faults = rows(file)
    assert faults[0][1].startswith("not JSON")
    assert faults[1] == (2, "a JSON list; expected an object")
    assert faults[2] == (3, {"title": "b"})


def test_csv_may_quote_commas_quotes_and_line_breaks(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text('\ufefftitle, body\r\n"a ""b"", c","two\nlines"\r\nd,e\r\n', "utf-8")
    assert rows(file) == [
        (2, {"title": 'a "b", c', "body": "two\nlines"}),
        (4, {"title": "d", "body": "e"}),
    ]


def test_csv_row_of_another_width_is_a_fault(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("title,body\na\nb,c\n")
    assert rows(file) == [(2, "1 columns; the header has 2"), (3, {"title": "b", "body": "c"})]


def test_csv_takes_a_field_of_megabytes(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("title,body\na," + "x" * 3_000_000)
    assert len(rows(file)[0][1]["body"]) == 3_000_000


def test_quotes_mean_nothing_in_tsv(tmp_path):
    file = tmp_path / "a.tsv"
    file.write_text('title\tbody\n"Frozen" wins\tb\n"open\tc\n')
    assert rows(file) == [
        (2, {"title": '"Frozen" wins', "body": "b"}),
        (3, {"title": '"open', "body": "c"}),
    ]


def test_bytes_that_are_no_utf8_make_a_bad_row_and_not_a_failure(tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes(b"title,body\nca\xe9,b\n")
    (row,) = RowFile(str(file))
    with pytest.raises(BadRow, match="UTF-8"):
        article(row.columns, now_ms=NOW)


def test_standard_input_is_jsonl_unless_a_format_is_given(monkeypatch):
    for content, row_format in ((LINES, None), ("title\na\nb\n", RowFormat.CSV)):
        stdin = io.TextIOWrapper(io.BytesIO(content.encode()))
        monkeypatch.setattr(sys, "stdin", stdin)
        assert [c["title"] for _, c in rows("-", row_format)] == ["a", "b"]
        assert not stdin.buffer.closed


def test_given_format_wins_over_the_name(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text(LINES)
    assert len(rows(file, RowFormat.JSONL)) == 2


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("empty", "tells no format"),
        ("a.jsonl.zst", "zstd -dc"),
        ("none.csv", "cannot be opened: No such file"),
    ],
)
def test_file_that_cannot_be_read_says_why(tmp_path, name, reason):
    (tmp_path / "empty").touch()
    with pytest.raises(SetupError, match=reason):
        rows(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.jsonl.gz", gzip.compress(LINES.encode())[:-9]), ("a.jsonl.xz", b"no xz at all")],
)
def test_damaged_compression_is_named(tmp_path, name, content):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(SetupError, match="cannot be read to its end"):
        rows(file)


def test_share_read_grows_to_one(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"title": "x" * 1000}) + "\n" for _ in range(100)))
    file = RowFile(str(path))
    shares = [file.share_read for _ in file]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] == 1.0
