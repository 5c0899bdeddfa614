"""Schemas by id, where a Confluent-compatible schema registry is used."""

import json
from typing import Any

import httpx2  # the client lets its connection errors through
from confluent_kafka.schema_registry import Schema as RegisteredSchema
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError
from fastavro.schema import SchemaParseException, parse_schema

from schemas.avro_schemas import Schema
from schemas.errors import Reason, ServiceError, UndecodableRecord

_NOT_FOUND = 404


class Registry:
    """Registers and fetches Avro schemas; parsed schemas are kept by id.

    url   `http(s)://host:port`, or `mock://name` for the client's own in-memory registry
    auth  `user:password`, or None
    """

    def __init__(self, url: str, auth: str | None = None) -> None:
        self._url = url
        settings = {"url": url} | ({"basic.auth.user.info": auth} if auth else {})
        self._client = SchemaRegistryClient.new_client(settings)
        self._parsed: dict[int, Any] = {}

    def register(self, subject: str, schema: Schema) -> int:
        """The id of a schema under a subject; known schemas keep theirs. Raises ServiceError."""
        definition = RegisteredSchema(json.dumps(_plain(schema)), "AVRO")
        try:
            return int(self._client.register_schema(subject, definition))
        except (SchemaRegistryError, httpx2.HTTPError, OSError) as error:
            raise ServiceError(
                f"schema registry {self._url} did not take {subject}: {error}"
            ) from error

    def schema(self, schema_id: int) -> Any:
        """The parsed schema of an id. Raises UndecodableRecord for an unknown id."""
        if schema_id not in self._parsed:
            self._parsed[schema_id] = self._fetch(schema_id)
        return self._parsed[schema_id]

    def _fetch(self, schema_id: int) -> Any:
        try:
            found = self._client.get_schema(schema_id)
            return parse_schema(json.loads(found.schema_str or "null"))
        except SchemaRegistryError as error:
            if error.http_status_code != _NOT_FOUND:
                raise ServiceError(f"schema registry {self._url}: {error}") from error
            raise UndecodableRecord(
                Reason.UNKNOWN_SCHEMA, f"schema id {schema_id} is not in the registry {self._url}"
            ) from error
        except (SchemaParseException, ValueError) as error:
            raise UndecodableRecord(
                Reason.UNKNOWN_SCHEMA, f"schema id {schema_id} is no Avro schema: {error}"
            ) from error
        except (httpx2.HTTPError, OSError) as error:
            raise ServiceError(f"schema registry {self._url}: {error}") from error


def open_registry(url: str | None, auth: str | None) -> Registry | None:
    """The registry that the settings name, None when they name none."""
    return Registry(url, auth) if url else None


def _plain(schema: Schema) -> Schema:
    """Without the marks that fastavro leaves in a parsed schema."""
    return {key: value for key, value in schema.items() if not key.startswith("__")}
