"""The Avro schemas shipped in this package: every released version of every record.

`avro/<record>/<version>.avsc`; the highest version is the one that is written. A released file
never changes: `tests/schemas/released.txt` holds the fingerprints.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from fastavro.schema import fingerprint as fastavro_fingerprint
from fastavro.schema import parse_schema, to_parsing_canonical_form

Schema = dict[str, Any]


@cache
def versions(record: str) -> dict[int, Schema]:
    """Every released schema of a record, oldest first.

    >>> list(versions("article"))
    [1]
    """
    released = {
        int(path.name.removesuffix(".avsc")): json.loads(path.read_text("utf-8"))
        for path in (files("schemas") / "avro" / record).iterdir()
    }
    return dict(sorted(released.items()))


@cache
def current(record: str) -> Any:
    """The parsed schema of the highest version."""
    return _parsed(list(versions(record).values())[-1])


@cache
def by_fingerprint(record: str) -> dict[bytes, Any]:
    """Parsed schemas by fingerprint, all versions."""
    return {fingerprint(schema): _parsed(schema) for schema in versions(record).values()}


def _parsed(schema: Schema) -> Any:
    """A schema as fastavro wants it. It gives an older record the default of a newer field as JSON
    has it, where bytes are text of so many code points (Avro specification).
    """
    parsed: Any = parse_schema(schema)
    for field in parsed["fields"]:
        if field["type"] == "bytes" and "default" in field:
            field["default"] = field["default"].encode("latin-1")
    return parsed


def fingerprint(schema: Schema) -> bytes:
    """CRC-64-AVRO of the Parsing Canonical Form, 8 bytes little-endian (Avro specification).

    >>> fingerprint({"type": "int"}).hex()
    '8f5c393f1ad57572'
    """
    canonical = to_parsing_canonical_form(schema)
    return bytes.fromhex(fastavro_fingerprint(canonical, "CRC-64-AVRO"))
