"""Typed records to bytes and back.

Two wire formats are read: Avro single-object encoding (`C3 01`, 8-byte fingerprint, data; Avro
specification) with the schemas of this package, and Confluent's (`00`, 4-byte schema id, data)
where a registry is given. One is written: Confluent's with a registry, else single-object.
"""

import struct
from io import BytesIO
from typing import Any, Generic, TypeVar

from fastavro import schemaless_reader, schemaless_writer
from fastavro.read import SchemaResolutionError
from fastavro.schema import SchemaParseException
from pydantic import ValidationError

from schemas import avro_schemas
from schemas.errors import Reason, UndecodableRecord
from schemas.record import Record, first_fault
from schemas.registry import Registry
from schemas.topics import Topic

R = TypeVar("R", bound=Record)

SINGLE_OBJECT_MARKER = b"\xc3\x01"
CONFLUENT_MARKER = b"\x00"
_SINGLE_OBJECT_HEADER = 10
_CONFLUENT_HEADER = 5


class RecordCodec(Generic[R]):
    """Encodes and decodes the records of one topic."""

    def __init__(self, topic: "Topic[R]", registry: Registry | None = None) -> None:
        self._record_type = topic.record_type
        self._record = topic.record
        self._schema = avro_schemas.current(topic.record)
        self._optional = _optional(self._schema)
        self._registry = registry
        self._header = (
            SINGLE_OBJECT_MARKER + avro_schemas.fingerprint(self._schema)
            if registry is None
            else CONFLUENT_MARKER
            + struct.pack(">I", registry.register(f"{topic.name}-value", self._schema))
        )

    def encode(self, record: R) -> bytes:
        """The record on the wire, in the current version of its schema."""
        return self.encode_fields(record.model_dump())

    def encode_fields(self, fields: dict[str, Any]) -> bytes:
        """The record of these fields on the wire. Nobody checks them; the dict is used up."""
        out = BytesIO()
        out.write(self._header)
        for name, branch in self._optional.items():
            if fields[name] is not None:
                fields[name] = branch, fields[name]
        schemaless_writer(out, self._schema, fields)
        return out.getvalue()

    def decode(self, value: bytes | None) -> R:
        """The record in `value`, written in any released version.

        Raises UndecodableRecord with the reason of the dead letter; ServiceError when the
        registry cannot be asked.
        """
        if not value:
            raise UndecodableRecord(Reason.EMPTY_VALUE, "the Kafka record has no value")
        writer_schema, header = self._writer_schema(value)
        body = BytesIO(value)
        body.seek(header)
        fields = _read(body, writer_schema, self._schema)
        if trailing := len(value) - body.tell():
            raise UndecodableRecord(
                Reason.INVALID_RECORD,
                f"{trailing} bytes follow the {self._record}; expected the value to end there",
            )
        try:
            return self._record_type.model_validate(fields)
        except ValidationError as error:
            raise UndecodableRecord(Reason.INVALID_RECORD, first_fault(error)) from error

    def _writer_schema(self, value: bytes) -> tuple[Any, int]:
        """The schema a value was written with, and the length of its header."""
        if value.startswith(SINGLE_OBJECT_MARKER):
            _expect(len(value), _SINGLE_OBJECT_HEADER)
            fingerprint = value[2:_SINGLE_OBJECT_HEADER]
            schema = avro_schemas.by_fingerprint(self._record).get(fingerprint)
            if schema is None:
                raise UndecodableRecord(
                    Reason.UNKNOWN_SCHEMA,
                    f"schema fingerprint {fingerprint.hex()} is no released version of "
                    f"{self._record}",
                )
            return schema, _SINGLE_OBJECT_HEADER
        if value.startswith(CONFLUENT_MARKER):
            _expect(len(value), _CONFLUENT_HEADER)
            (schema_id,) = struct.unpack(">I", value[1:_CONFLUENT_HEADER])
            if self._registry is None:
                raise UndecodableRecord(
                    Reason.UNKNOWN_SCHEMA,
                    f"schema id {schema_id} needs a registry, but schema_registry_url is not set",
                )
            return self._registry.schema(schema_id), _CONFLUENT_HEADER
        raise UndecodableRecord(
            Reason.NOT_AVRO,
            f"value of {len(value)} bytes starts with {value[:2].hex()}; expected c301 "
            "(Avro single-object) or 00 (Confluent)",
        )


def _optional(schema: Any) -> dict[str, str]:
    """Fields that are null or of one other type, to that type's name.

    A writer that is told the name takes that branch; else it first compares the value, all that is
    in it, with each branch.
    """
    unions = ((field["name"], field["type"]) for field in schema["fields"])
    return {
        name: _name(union[1])
        for name, union in unions
        if isinstance(union, list) and len(union) == 2 and union[0] == "null"
    }


def _expect(length: int, header: int) -> None:
    if length < header:
        raise UndecodableRecord(
            Reason.TRUNCATED, f"the value has {length} bytes, its header alone has {header}"
        )


def _read(body: BytesIO, writer_schema: Any, reader_schema: Any) -> Any:
    """Decode one datum; every way damaged bytes fail becomes UndecodableRecord."""
    try:
        return schemaless_reader(body, writer_schema, reader_schema)
    except UnicodeDecodeError as error:
        raise UndecodableRecord(Reason.INVALID_UTF8, str(error)) from error
    except SchemaResolutionError as error:
        raise UndecodableRecord(
            Reason.UNKNOWN_SCHEMA,
            f"it was written with {_name(writer_schema)}; expected {_name(reader_schema)} or a "
            "compatible schema",
        ) from error
    except (EOFError, IndexError) as error:
        # fastavro indexes beyond the end when a number is cut off, or for a wrong union branch.
        if isinstance(error, EOFError) or body.tell() == len(body.getvalue()):
            raise UndecodableRecord(Reason.TRUNCATED, "the value ends inside the record") from error
        raise UndecodableRecord(Reason.INVALID_RECORD, f"IndexError: {error}") from error
    except (ValueError, KeyError, OverflowError, MemoryError, TypeError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise UndecodableRecord(Reason.INVALID_RECORD, detail) from error
    except SchemaParseException as error:
        raise UndecodableRecord(Reason.UNKNOWN_SCHEMA, str(error)) from error


def _name(schema: Any) -> str:
    """What a person calls a parsed schema: its name, else its type."""
    return str(schema.get("name", schema.get("type")) if isinstance(schema, dict) else schema)
