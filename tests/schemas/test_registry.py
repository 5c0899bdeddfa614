"""Confluent's wire format, with the client's own mock registry."""

import json
import struct

import pytest
from confluent_kafka.schema_registry import Schema
from confluent_kafka.schema_registry.error import SchemaRegistryError
from hypothesis import given
from record_strategies import articles

from schemas import avro_schemas
from schemas.article import Article
from schemas.codec import RecordCodec
from schemas.errors import Reason, ServiceError, UndecodableRecord
from schemas.registry import Registry
from schemas.topics import ARTICLES_ENRICHED, ARTICLES_RAW

ARTICLE = Article(article_id="a1", source="courier.example", published_ms=1, fetched_ms=2)


@pytest.fixture
def registry(request):
    return Registry(f"mock://{request.node.name}")


@given(articles)
def test_every_article_comes_back_equal(article):
    codec = RecordCodec(ARTICLES_RAW, Registry("mock://round-trip"))
    assert codec.decode(codec.encode(article)) == article


def test_header_is_zero_and_the_id_that_the_registry_gave(registry):
    value = RecordCodec(ARTICLES_RAW, registry).encode(ARTICLE)
    schema = avro_schemas.current("article")
    assert value[:5] == b"\0" + struct.pack(">I", registry.register("articles.raw-value", schema))


def test_registering_twice_keeps_the_id(registry):
    schema = avro_schemas.current("article")
    assert registry.register("s", schema) == registry.register("s", schema)


def test_reader_of_a_registry_still_reads_single_object_encoding(registry):
    value = RecordCodec(ARTICLES_RAW).encode(ARTICLE)
    assert RecordCodec(ARTICLES_RAW, registry).decode(value) == ARTICLE


def test_second_reader_fetches_the_schema_by_id(registry):
    value = RecordCodec(ARTICLES_RAW, registry).encode(ARTICLE)
    registry._parsed.clear()
    assert RecordCodec(ARTICLES_RAW, registry).decode(value) == ARTICLE


def test_unknown_id_is_an_unknown_schema(registry):
    codec = RecordCodec(ARTICLES_RAW, registry)
    with pytest.raises(UndecodableRecord) as caught:
        codec.decode(b"\0" + struct.pack(">I", 9999) + b"\0" * 20)
    assert caught.value.reason is Reason.UNKNOWN_SCHEMA


def test_registered_schema_that_does_not_fit_the_record_is_a_record_error(registry):
    codec = RecordCodec(ARTICLES_RAW, registry)
    other = RecordCodec(ARTICLES_ENRICHED, registry)
    schema_id = struct.unpack(">I", other._header[1:])[0]
    with pytest.raises(UndecodableRecord, match=r"EnrichedArticle; expected wiredesk\.Article"):
        codec.decode(b"\0" + struct.pack(">I", schema_id) + b"\2a" * 20)


def test_added_field_of_a_newer_writer_is_skipped(registry):
    newer = dict(avro_schemas.versions("article")[1])
    newer["fields"] = [*newer["fields"], {"name": "section", "type": "string", "default": ""}]
    schema_id = registry._client.register_schema("s", Schema(json.dumps(newer), "AVRO"))
    body = RecordCodec(ARTICLES_RAW).encode(ARTICLE)[10:]
    value = b"\0" + struct.pack(">I", schema_id) + body + b"\x08News"
    assert RecordCodec(ARTICLES_RAW, registry).decode(value) == ARTICLE


def test_registry_that_refuses_is_a_service_error(registry, monkeypatch):
    def refuse(*_):
        raise SchemaRegistryError(500, 50001, "down")

    monkeypatch.setattr(registry._client, "get_schema", refuse)
    monkeypatch.setattr(registry._client, "register_schema", refuse)
    with pytest.raises(ServiceError, match="down"):
        registry.schema(1)
    with pytest.raises(ServiceError, match="down"):
        registry.register("s", avro_schemas.current("article"))


def test_registry_that_is_not_there_is_a_service_error():
    registry = Registry("http://127.0.0.1:9")
    registry._client._rest_client.max_retries = 0
    with pytest.raises(ServiceError, match=r"127\.0\.0\.1:9"):
        registry.register("s", avro_schemas.current("article"))
