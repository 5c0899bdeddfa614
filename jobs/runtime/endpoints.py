"""Connectors: Kafka topics as streams and sinks."""

from typing import Any

from pyflink.common.serialization import RowFieldExtractorSchema
from pyflink.datastream import DataStream
from pyflink.datastream.connectors import DeliveryGuarantee as FlinkDeliveryGuarantee
from pyflink.datastream.connectors.kafka import (
    KafkaRecordSerializationSchema,
    KafkaSink,
)
from pyflink.table import StreamTableEnvironment

from jobs.runtime.prerequisites import require
from jobs.runtime.settings import DeliveryGuarantee, JobSettings, StartFrom
from schemas.settings import KafkaSettings
from schemas.topics import MAX_REQUEST_BYTES, Topic

_STARTUP_MODES = {
    StartFrom.COMMITTED: "group-offsets",
    StartFrom.EARLIEST: "earliest-offset",
    StartFrom.LATEST: "latest-offset",
}

SHADED = "org.apache.flink.kafka.shaded"
"""Where Flink's connector, one jar with all it needs, has the classes of Kafka's client."""

KAFKA_TIME = ", WATERMARK FOR `timestamp` AS `timestamp` - INTERVAL '1' SECOND"
"""Event time is when Kafka had a record; records of one partition are at most a second off."""

LINGER_MS = 20
"""A compacted topic is a table: nobody waits for a record alone, so records share requests."""


def kafka_source(
    tables: StreamTableEnvironment, topic: Topic, s: JobSettings, *, event_time: str = ""
) -> DataStream:
    """A topic as Row(key, value, topic, partition, offset, timestamp), bytes as they are.

    event_time  `KAFKA_TIME`: records carry their time and bring it on; "": they have none, and
                operators of thread mode cannot read the row's either

    Read through a table, because PyFlink's own Kafka source gives the value alone.
    """
    require(topic, s)
    name = f"source_{topic.record}"
    options = {
        "connector": "kafka",
        "topic": topic.name,
        "scan.startup.mode": _STARTUP_MODES[s.start_from],
        "key.format": "raw",
        "key.fields": "key",
        "value.format": "raw",
        "value.fields-include": "EXCEPT_KEY",
        "properties.group.id": s.consumer_group,
        "properties.auto.offset.reset": "earliest",
        "properties.isolation.level": "read_committed",
    } | {f"properties.{name}": value for name, value in client_properties(s).items()}
    tables.execute_sql(f"""
        CREATE TEMPORARY TABLE {name} (
          `key` BYTES,
          `value` BYTES,
          `topic` STRING METADATA VIRTUAL,
          `partition` INT METADATA VIRTUAL,
          `offset` BIGINT METADATA VIRTUAL,
          `timestamp` TIMESTAMP_LTZ(3) METADATA VIRTUAL{event_time}
        ) WITH ({", ".join(f"{_quoted(k)} = {_quoted(v)}" for k, v in options.items())})
    """)
    stream = tables.to_data_stream(tables.from_path(name))
    set_uids(stream, f"source.{topic.name}")
    return stream


def clock(tables: StreamTableEnvironment) -> DataStream:
    """A stream like `kafka_source`'s that has time and no records.

    In union with topics that are read by `KAFKA_TIME`, it lets windows close and timers fire where
    no record comes for `table.exec.source.idle-timeout`.
    """
    tables.execute_sql("""
        CREATE TEMPORARY TABLE source_clock (
          `key` BYTES,
          `value` BYTES,
          `topic` STRING,
          `partition` INT,
          `offset` BIGINT,
          `timestamp` TIMESTAMP_LTZ(3),
          WATERMARK FOR `timestamp` AS `timestamp` - INTERVAL '1' SECOND
        ) WITH (
          'connector' = 'datagen',
          'rows-per-second' = '2',
          'fields.key.length' = '1',
          'fields.value.length' = '1',
          'fields.topic.length' = '1',
          'fields.partition.min' = '0'
        )
    """)
    ticks = tables.sql_query("SELECT * FROM source_clock WHERE `partition` < 0")
    stream = tables.to_data_stream(ticks)
    set_uids(stream, "source.clock")
    return stream


def kafka_sink(topic: Topic, s: JobSettings) -> KafkaSink:
    """Writes Row(key, value) to a topic."""
    require(topic, s)
    serializer = (
        KafkaRecordSerializationSchema.builder()
        .set_topic(topic.name)
        .set_key_serialization_schema(RowFieldExtractorSchema(0))
        .set_value_serialization_schema(RowFieldExtractorSchema(1))
        .build()
    )
    builder = (
        KafkaSink.builder()
        .set_bootstrap_servers(s.kafka_bootstrap)
        .set_record_serializer(serializer)
        .set_property("max.request.size", str(MAX_REQUEST_BYTES))
    )
    for name, value in client_properties(s).items():
        builder.set_property(name, value)
    if s.delivery is DeliveryGuarantee.AT_LEAST_ONCE:
        return builder.set_delivery_guarantee(FlinkDeliveryGuarantee.AT_LEAST_ONCE).build()
    return (
        builder.set_delivery_guarantee(FlinkDeliveryGuarantee.EXACTLY_ONCE)
        .set_transactional_id_prefix(f"{s.transactional_id_prefix}-{topic.name}")
        .set_property("transaction.timeout.ms", str(s.transaction_timeout_s * 1000))
        .build()
    )


def kafka_table_sink(
    tables: StreamTableEnvironment,
    stream: DataStream,
    topic: Topic,
    s: JobSettings,
    identity: str,
) -> None:
    """Writes (key, value) to a compacted topic; a null value is a tombstone.

    Through a table, because `RowFieldExtractorSchema` writes an empty value where there is none
    (PyFlink 2.3).
    """
    require(topic, s)
    name = f"sink_{topic.record}"
    options = {
        "connector": "kafka",
        "topic": topic.name,
        "key.format": "raw",
        "key.fields": "key",
        "value.format": "raw",
        "value.fields-include": "EXCEPT_KEY",
        "properties.max.request.size": str(MAX_REQUEST_BYTES),
        "properties.linger.ms": str(LINGER_MS),
        **_delivery_options(topic, s),
    } | {f"properties.{name}": value for name, value in client_properties(s).items()}
    tables.execute_sql(f"""
        CREATE TEMPORARY TABLE {name} (`key` BYTES, `value` BYTES)
        WITH ({", ".join(f"{_quoted(k)} = {_quoted(v)}" for k, v in options.items())})
    """)
    statements = tables.create_statement_set()
    statements.add_insert(name, tables.from_data_stream(stream))
    statements.attach_as_datastream()
    attached = stream._j_data_stream.getExecutionEnvironment().getTransformations()
    _name_operators(attached.get(attached.size() - 1), identity, stream)


def _delivery_options(topic: Topic, s: JobSettings) -> dict[str, str]:
    if s.delivery is DeliveryGuarantee.AT_LEAST_ONCE:
        return {"sink.delivery-guarantee": "at-least-once"}
    return {
        "sink.delivery-guarantee": "exactly-once",
        "sink.transactional-id-prefix": f"{s.transactional_id_prefix}-{topic.name}",
        "properties.transaction.timeout.ms": str(s.transaction_timeout_s * 1000),
    }


def client_properties(s: KafkaSettings) -> dict[str, str]:
    """How the Kafka client in Flink's connector reaches the brokers."""
    properties = {
        "bootstrap.servers": s.kafka_bootstrap,
        "security.protocol": s.kafka_security_protocol.value,
    }
    if s.kafka_security_protocol.startswith("SASL"):
        login = "scram.ScramLoginModule"
        if s.kafka_sasl_mechanism == "PLAIN":
            login = "plain.PlainLoginModule"
        properties["sasl.mechanism"] = s.kafka_sasl_mechanism.value
        properties["sasl.jaas.config"] = (
            f"{SHADED}.org.apache.kafka.common.security.{login} required "
            f'username="{_escaped(s.kafka_sasl_username or "")}" '
            f'password="{_escaped(s.secret("kafka_sasl_password") or "")}";'
        )
    if s.kafka_ssl_ca_file:
        properties |= {
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": s.kafka_ssl_ca_file,
        }
    if s.kafka_ssl_keystore_file:
        properties |= {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": s.kafka_ssl_keystore_file,
        }
    return properties


def set_uids(stream: DataStream, identity: str, *, above: DataStream | None = None) -> None:
    """Give every operator that the planner made for `stream` a name of ours.

    above  the stream that the planner was given, whose operators have their names; None: a source
    """
    _name_operators(stream._j_data_stream.getTransformation(), identity, above)


def _name_operators(last: Any, identity: str, above: DataStream | None) -> None:
    known = above and above._j_data_stream.getTransformation().getId()
    pending, position = [last], 0
    named = set()
    while pending:
        transformation = pending.pop()
        if transformation.getId() in named or transformation.getId() == known:
            continue
        named.add(transformation.getId())
        transformation.setUid(identity if position == 0 else f"{identity}.{position}")
        pending += list(transformation.getInputs())
        position += 1


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
