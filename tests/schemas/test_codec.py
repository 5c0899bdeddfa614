"""Records on the wire: what goes in comes out, and damage is always named."""

import contextlib
from io import BytesIO

import pytest
from fastavro import schemaless_reader, schemaless_writer
from hypothesis import given
from hypothesis import strategies as st
from record_strategies import articles, enriched_articles, topics_and_records

from schemas import avro_schemas
from schemas.article import Article
from schemas.codec import SINGLE_OBJECT_MARKER, RecordCodec
from schemas.errors import Reason, UndecodableRecord
from schemas.topics import ARTICLES_ENRICHED, ARTICLES_RAW, TOPICS

CODECS = {topic.name: RecordCodec(topic) for topic in TOPICS.values()}
RAW = CODECS["articles.raw"]
HEADER = 10


def reason_of(codec, value):
    with pytest.raises(UndecodableRecord) as caught:
        codec.decode(value)
    return caught.value.reason


def article(**fields):
    known = {"article_id": "a1", "source": "courier.example", "published_ms": 1, "fetched_ms": 2}
    return Article(**known | fields)


@given(topics_and_records)
def test_every_record_comes_back_equal(topic_and_record):
    topic, record = topic_and_record
    assert CODECS[topic.name].decode(CODECS[topic.name].encode(record)) == record


@given(topics_and_records)
def test_header_is_the_marker_and_the_fingerprint_of_the_current_schema(topic_and_record):
    topic, record = topic_and_record
    value = CODECS[topic.name].encode(record)
    written = avro_schemas.fingerprint(avro_schemas.current(topic.record))
    assert value[:HEADER] == SINGLE_OBJECT_MARKER + written


@given(topics_and_records)
def test_every_older_version_reads_what_is_written_now(topic_and_record):
    topic, record = topic_and_record
    value = CODECS[topic.name].encode(record)
    newest = avro_schemas.current(topic.record)
    for older in avro_schemas.versions(topic.record).values():
        found = schemaless_reader(BytesIO(value[HEADER:]), newest, older)
        assert found == shown_by(older, record.model_dump())


@given(topics_and_records)
def test_what_any_older_version_wrote_is_read(topic_and_record):
    topic, record = topic_and_record
    for older in avro_schemas.versions(topic.record).values():
        found = CODECS[topic.name].decode(written(older, record))
        assert shown_by(older, found.model_dump()) == shown_by(older, record.model_dump())


@given(enriched_articles)
def test_enriched_article_of_version_1_is_read_without_what_it_lacks(record):
    first = avro_schemas.versions("enriched_article")[1]
    found = CODECS[ARTICLES_ENRICHED.name].decode(written(first, record))
    assert found.summary_method is None
    assert shown_by(first, found.model_dump()) == shown_by(first, record.model_dump())
    for topic in found.topics or ():
        assert (topic.ancestors, topic.names) == ([], {})
    for entity in found.entities or ():
        assert (entity.field, entity.fine_type, entity.sentiment) == ("body", None, None)


def written(schema, record):
    """The value that a version of the project with this schema wrote."""
    out = BytesIO()
    schemaless_writer(out, schema, shown_by(schema, record.model_dump()))
    return SINGLE_OBJECT_MARKER + avro_schemas.fingerprint(schema) + out.getvalue()


def shown_by(schema, value):
    """As much of a value as a schema has fields for."""
    match schema:
        case ["null", inner]:
            return None if value is None else shown_by(inner, value)
        case {"type": "record", "fields": fields}:
            return {
                field["name"]: shown_by(field["type"], value[field["name"]]) for field in fields
            }
        case {"type": "array", "items": items}:
            return [shown_by(items, item) for item in value]
    return value


@given(topics_and_records, st.data())
def test_truncated_record_is_named_truncated(topic_and_record, data):
    topic, record = topic_and_record
    codec = CODECS[topic.name]
    value = codec.encode(record)
    length = data.draw(st.integers(2, len(value) - 1))
    assert reason_of(codec, value[:length]) is Reason.TRUNCATED


@given(topics_and_records, st.binary(min_size=1, max_size=20))
def test_bytes_after_the_record_are_refused(topic_and_record, extra):
    topic, record = topic_and_record
    codec = CODECS[topic.name]
    assert reason_of(codec, codec.encode(record) + extra) is Reason.INVALID_RECORD


@given(topics_and_records, st.data())
def test_flipped_bits_are_decoded_or_refused(topic_and_record, data):
    topic, record = topic_and_record
    codec = CODECS[topic.name]
    value = bytearray(codec.encode(record))
    for _ in range(data.draw(st.integers(1, 4))):
        value[data.draw(st.integers(0, len(value) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(UndecodableRecord):
        codec.decode(bytes(value))


@given(articles, st.integers(2, HEADER - 1), st.integers(0, 7))
def test_flipped_fingerprint_is_an_unknown_schema(record, place, bit):
    value = bytearray(RAW.encode(record))
    value[place] ^= 1 << bit
    assert reason_of(RAW, bytes(value)) is Reason.UNKNOWN_SCHEMA


@given(st.binary(min_size=1).filter(lambda v: v[:1] != b"\0" and v[:2] != b"\xc3\x01"))
def test_bytes_without_a_marker_are_not_avro(value):
    assert reason_of(RAW, value) is Reason.NOT_AVRO


@given(st.binary(max_size=200))
def test_any_body_is_decoded_or_refused(body):
    for codec in CODECS.values():
        with contextlib.suppress(UndecodableRecord):
            codec.decode(codec._header + body)


@pytest.mark.parametrize("value", [None, b""])
def test_no_value_is_named_empty(value):
    assert reason_of(RAW, value) is Reason.EMPTY_VALUE


def test_invalid_utf8_in_a_text_is_named():
    value = RAW.encode(article(title="bridge")).replace(b"bridge", b"br\xffdge")
    assert reason_of(RAW, value) is Reason.INVALID_UTF8


def test_record_that_breaks_a_rule_of_its_type_is_invalid():
    value = RAW.encode(article(article_id="x")).replace(b"\x02x", b"\x00", 1)
    assert reason_of(RAW, value) is Reason.INVALID_RECORD


def test_record_of_another_topic_is_an_unknown_schema():
    assert reason_of(CODECS[ARTICLES_ENRICHED.name], RAW.encode(article())) is Reason.UNKNOWN_SCHEMA


def test_confluent_bytes_without_a_registry_say_which_setting_is_missing():
    with pytest.raises(UndecodableRecord, match="schema_registry_url"):
        RAW.decode(b"\x00\x00\x00\x00\x07" + b"\x00" * 20)


def test_five_megabytes_come_back_equal():
    large = article(body="длинный текст " * 200_000)
    assert RecordCodec(ARTICLES_RAW).decode(RAW.encode(large)) == large
