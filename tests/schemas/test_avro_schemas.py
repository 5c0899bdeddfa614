"""Released schemas: they never change, fit each other, and say what the typed records say."""

import copy
import json
import types
from itertools import product
from pathlib import Path
from typing import Union, get_args, get_origin

import avro.schema
import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from fastavro.schema import to_parsing_canonical_form
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from schemas import avro_schemas
from schemas.reader_profile import READER_PROFILE, ReaderProfile
from schemas.topics import TOPICS

RECORDS = sorted({topic.record for topic in TOPICS.values()} | {READER_PROFILE})
LEDGER = Path(__file__).parent / "released.txt"
EMPTY = 0xC15D213AA4D7A795


def crc_64_avro(data):
    """The algorithm of the Avro specification, "Schema Fingerprints"."""
    table = []
    for index in range(256):
        entry = index
        for _ in range(8):
            entry = (entry >> 1) ^ (EMPTY & -(entry & 1))
        table.append(entry)
    fingerprint = EMPTY
    for byte in data:
        fingerprint = (fingerprint >> 8) ^ table[(fingerprint ^ byte) & 0xFF]
    return fingerprint.to_bytes(8, "little")


def reads(reader, writer):
    """Whether `reader` reads all that was written with `writer`."""
    found = ReaderWriterCompatibilityChecker().get_compatibility(
        avro.schema.parse(json.dumps(reader)), avro.schema.parse(json.dumps(writer))
    )
    return found.compatibility is SchemaCompatibilityType.compatible


def changed(change):
    """The article's schema after a change to its fields."""
    schema = copy.deepcopy(avro_schemas.versions("article")[1])
    change(schema["fields"])
    return schema


def test_every_released_schema_is_in_the_ledger_and_unchanged():
    ledger = [line for line in LEDGER.read_text().splitlines() if not line.startswith("#")]
    released = [
        f"{record} {version} {avro_schemas.fingerprint(schema).hex()}"
        for record in RECORDS
        for version, schema in avro_schemas.versions(record).items()
    ]
    assert sorted(ledger) == sorted(released)


@pytest.mark.parametrize("record", RECORDS)
def test_versions_count_from_one_without_a_gap(record):
    versions = list(avro_schemas.versions(record))
    assert versions == list(range(1, len(versions) + 1))


@pytest.mark.parametrize("record", RECORDS)
def test_every_version_reads_every_other(record):
    schemas = avro_schemas.versions(record)
    for (reader, reading), (writer, writing) in product(schemas.items(), repeat=2):
        assert reads(reading, writing), f"{record} {reader} does not read {writer}"


def test_added_field_with_a_default_is_compatible_both_ways():
    newer = changed(lambda f: f.append({"name": "section", "type": "string", "default": ""}))
    older = avro_schemas.versions("article")[1]
    assert reads(newer, older)
    assert reads(older, newer)


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields.append({"name": "section", "type": "string"}),
        lambda fields: fields[0].update(type="long"),
        lambda fields: fields[0].update(name="id"),
        lambda fields: fields[-3].update(type="int"),
    ],
    ids=["added without default", "other type", "renamed", "narrowed"],
)
def test_incompatible_change_is_refused(change):
    assert not reads(changed(change), avro_schemas.versions("article")[1])


def test_removing_a_required_field_is_refused():
    newer = changed(lambda fields: fields.pop(0))
    assert not reads(avro_schemas.versions("article")[1], newer)


@pytest.mark.parametrize("record", RECORDS)
def test_fingerprint_is_that_of_the_specification(record):
    for schema in avro_schemas.versions(record).values():
        canonical = to_parsing_canonical_form(schema)
        assert avro_schemas.fingerprint(schema) == crc_64_avro(canonical.encode())


@given(
    st.sampled_from(["int", "string", "bytes", "double"]),
    st.from_regex("[A-Za-z]+", fullmatch=True),
)
def test_fingerprint_of_any_record_is_that_of_the_specification(kind, name):
    schema = {"type": "record", "name": name, "fields": [{"name": "f", "type": kind}]}
    canonical = to_parsing_canonical_form(schema)
    assert avro_schemas.fingerprint(schema) == crc_64_avro(canonical.encode())


@pytest.mark.parametrize("record", RECORDS)
def test_every_field_has_a_doc_and_every_schema_a_namespace(record):
    for schema in avro_schemas.versions(record).values():
        assert schema["namespace"] == "wiredesk"
        assert schema["doc"]
        for fields in field_lists(schema):
            assert all(field.get("doc") for field in fields)


@pytest.mark.parametrize("topic", TOPICS.values(), ids=list(TOPICS))
def test_typed_record_and_newest_schema_have_the_same_fields(topic):
    newest = list(avro_schemas.versions(topic.record).values())[-1]
    assert described(topic.record_type) == described_by_schema(spelled_out(newest, {}))


def test_profile_inside_its_seal_has_the_fields_of_its_schema():
    newest = list(avro_schemas.versions(READER_PROFILE).values())[-1]
    assert described(ReaderProfile) == described_by_schema(newest)


def field_lists(schema):
    """The fields of a schema and of every record inside it."""
    if isinstance(schema, list):
        for branch in schema:
            yield from field_lists(branch)
    elif isinstance(schema, dict) and schema["type"] == "record":
        yield schema["fields"]
        for field in schema["fields"]:
            yield from field_lists(field["type"])
    elif isinstance(schema, dict) and schema["type"] == "array":
        yield from field_lists(schema["items"])


def spelled_out(schema, named):
    """A schema with each record's definition in place of its name."""
    if isinstance(schema, str):
        return named.get(schema, schema)
    if isinstance(schema, list):
        return [spelled_out(each, named) for each in schema]
    spelled = schema | {
        key: spelled_out(schema[key], named)
        for key in ("type", "items", "values", "fields")
        if key in schema
    }
    if spelled["type"] == "record":
        named[schema["name"]] = spelled
    return spelled


def described(record_type):
    """Names and kinds of the fields of a typed record, in order."""
    return [(name, kind(f.annotation)) for name, f in record_type.model_fields.items()]


def kind(annotation):
    if get_origin(annotation) in (Union, types.UnionType):
        (inner,) = [a for a in get_args(annotation) if a is not type(None)]
        return ["null", kind(inner)]
    if get_origin(annotation) is list:
        return {"array": kind(get_args(annotation)[0])}
    if get_origin(annotation) is dict:
        return {"map": kind(get_args(annotation)[1])}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return described(annotation)
    kinds = {bytes: "bytes", int: "whole", float: "double", bool: "boolean"}
    return kinds.get(annotation, "text")


def described_by_schema(schema, named=None):
    named = {} if named is None else named  # a record is spelled out where it is used first
    return [(field["name"], kind_by_schema(field["type"], named)) for field in schema["fields"]]


def kind_by_schema(schema, named):
    match schema:
        case ["null", inner]:
            return ["null", kind_by_schema(inner, named)]
        case {"type": "array", "items": items}:
            return {"array": kind_by_schema(items, named)}
        case {"type": "map", "values": values}:
            return {"map": kind_by_schema(values, named)}
        case {"type": "record", "name": name}:
            named[name] = described_by_schema(schema, named)
            return named[name]
    return named.get(schema) or {"string": "text", "long": "whole", "int": "whole"}.get(
        schema, schema
    )
