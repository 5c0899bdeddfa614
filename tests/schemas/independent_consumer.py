"""A consumer that has nothing of ours but the published .avsc files: one value on stdin, JSON out.

Run with `python -I independent_consumer.py FOLDER_OF_AVSC_FILES < value`.
"""

import io
import json
import sys
from pathlib import Path

import fastavro


def decode(value, folder):
    """The record in a value of Avro single-object encoding."""
    for file in folder.glob("*.avsc"):
        schema = fastavro.parse_schema(json.loads(file.read_text("utf-8")))
        canonical = fastavro.schema.to_parsing_canonical_form(schema)
        fingerprint = bytes.fromhex(fastavro.schema.fingerprint(canonical, "CRC-64-AVRO"))
        if value[:10] == b"\xc3\x01" + fingerprint:
            return fastavro.schemaless_reader(io.BytesIO(value[10:]), schema, schema)
    sys.exit("no schema has this fingerprint")


if __name__ == "__main__":
    record = decode(sys.stdin.buffer.read(), Path(sys.argv[1]))
    print(json.dumps(record, default=bytes.hex))
