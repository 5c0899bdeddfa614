"""What flows: records, Avro schemas, topics, Redis keys, errors."""
