"""`wiredesk tail` prints JSON lines that a program can rely on."""

import base64
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.tail import json_line
from schemas.article import Article
from schemas.dead_letter import DeadLetter
from schemas.enriched_article import EnrichedArticle, Language

EMBEDDING = np.array([0.5, -0.25], "<f2").tobytes()


def article(number, **fields):
    known = {"source": "courier.example", "published_ms": number, "fetched_ms": 0}
    return Article(article_id=f"a{number}", **known | fields)


@pytest.fixture
def raws(kafka):
    """Six articles over two partitions, the odd ones in the second."""
    kafka.create("articles.raw", 2)
    for number in range(6):
        kafka.add(
            "articles.raw",
            article(number),
            key=f"a{number}".encode(),
            timestamp=1_000 * number,
            partition=number % 2,
        )
    return kafka


def lines(shown):
    assert shown.exit_code == 0, shown.output
    return [json.loads(line) for line in shown.stdout.splitlines()]


def ids(shown):
    return [line["article_id"] for line in lines(shown)]


@pytest.mark.usefixtures("raws")
def test_newest_records_come_first_found_in_order_of_time(run):
    assert ids(run("tail", "articles.raw", "--no-follow", "--limit", 3)) == ["a3", "a4", "a5"]


@pytest.mark.usefixtures("raws")
def test_from_beginning_prints_all(run):
    found = ids(run("tail", "articles.raw", "--no-follow", "--from", "beginning"))
    assert sorted(found) == [f"a{n}" for n in range(6)]


@pytest.mark.usefixtures("raws")
def test_from_end_prints_nothing_that_was_there(run):
    assert ids(run("tail", "articles.raw", "--no-follow", "--from", "end")) == []


@pytest.mark.usefixtures("raws")
def test_from_a_time_prints_what_is_not_older(run):
    assert sorted(ids(run("tail", "articles.raw", "--no-follow", "--from", "4000"))) == ["a4", "a5"]


@pytest.mark.usefixtures("raws")
def test_following_ends_at_the_limit(run):
    assert len(ids(run("tail", "articles.raw", "--from", "beginning", "--limit", 4))) == 4


@pytest.mark.usefixtures("raws")
def test_key_picks_records(run):
    found = run("tail", "articles.raw", "--no-follow", "--from", "beginning", "--key", "a3")
    assert ids(found) == ["a3"]


@pytest.mark.usefixtures("raws")
def test_fields_are_picked_in_their_order(run):
    found = run(
        "tail", "articles.raw", "--no-follow", "--limit", 1, "--fields", "source,article_id"
    )
    assert found.stdout == '{"source": "courier.example", "article_id": "a5"}\n'


@pytest.mark.usefixtures("raws")
def test_unknown_field_and_topic_and_time_are_refused_with_a_hint(run):
    assert "it has article_id, url" in run("tail", "articles.raw", "--fields", "nope").stderr
    assert "did you mean articles.raw?" in run("tail", "article.raw").stderr
    assert "'soon' is no time" in run("tail", "articles.raw", "--from", "soon").stderr


@pytest.mark.usefixtures("kafka")
def test_missing_topic_says_how_to_make_it(run):
    shown = run("tail", "articles.raw")
    assert shown.exit_code == 1
    assert "wiredesk topics create" in shown.stderr


def test_record_that_cannot_be_decoded_is_a_line_with_its_place(run, kafka):
    kafka.add("articles.raw", b"junk", key=b"\xffk", timestamp=7)
    (line,) = lines(run("tail", "articles.raw", "--no-follow", "--fields", "title"))
    assert line.pop("error").startswith("value of 4 bytes starts with 6a75")
    assert line == {
        "reason": "not_avro",
        "topic": "articles.raw",
        "partition": 0,
        "offset": 0,
        "timestamp_ms": 7,
        "key": "\\xffk",
        "size": 4,
    }


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("none", {}),
        ("base64", {"embedding": base64.b64encode(EMBEDDING).decode()}),
        ("floats", {"embedding": [0.5, -0.25]}),
    ],
)
def test_embedding_takes_the_wanted_form(run, kafka, form, expected):
    kafka.add(
        "articles.enriched",
        EnrichedArticle(
            article_id="a1",
            url="",
            source="s",
            title="t",
            published_ms=1,
            ingested_ms=2,
            enriched_ms=3,
            content_hash="0",
            language=Language(code="de", confidence=0.5),
            embedding=EMBEDDING,
            model_versions={},
        ),
    )
    (line,) = lines(run("tail", "articles.enriched", "--no-follow", "--embedding", form))
    assert {k: v for k, v in line.items() if k == "embedding"} == expected
    found = run("tail", "articles.enriched", "--no-follow", "--fields", "language.code")
    assert lines(found) == [{"language.code": "de"}]


@pytest.mark.parametrize(
    ("value", "key", "expected"),
    [
        (b"Gr\xc3\xbc\xc3\x9fe", b"k", {"value_text": "Grüße", "key_text": "k"}),
        (b"\xff\x00", None, {"value_base64": "/wA=", "key": None}),
    ],
)
def test_bytes_of_a_dead_letter_are_text_or_base64_by_name(run, kafka, value, key, expected):
    letter = DeadLetter(
        value=value,
        key=key,
        topic="articles.raw",
        partition=0,
        offset=1,
        timestamp_ms=2,
        job="enrich",
        stage="decode",
        reason="not_avro",
        detail="d",
        failed_ms=3,
    )
    kafka.add("dead-letters", letter)
    (line,) = lines(run("tail", "dead-letters", "--no-follow"))
    assert line.items() >= expected.items()
    assert not {"value", "value_text", "value_base64"} - set(expected) & line.keys()


@given(st.dictionaries(st.text(), st.text()))
def test_line_of_any_text_is_one_line(shown):
    line = json_line(shown)
    assert len(line.splitlines()) == 1
    assert json.loads(line) == shown
