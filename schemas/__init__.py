"""What flows: records, Avro schemas, topics, Redis keys, errors."""

__version__ = "0.8.0"
