"""Connectors: Kafka topics as streams and sinks."""

from pyflink.common.serialization import RowFieldExtractorSchema
from pyflink.datastream import DataStream
from pyflink.datastream.connectors import DeliveryGuarantee as FlinkDeliveryGuarantee
from pyflink.datastream.connectors.kafka import (
    KafkaRecordSerializationSchema,
    KafkaSink,
)
from pyflink.table import StreamTableEnvironment

from jobs.runtime.settings import DeliveryGuarantee, JobSettings, KafkaSettings, StartFrom
from schemas.topics import MAX_REQUEST_BYTES, Topic

_STARTUP_MODES = {
    StartFrom.COMMITTED: "group-offsets",
    StartFrom.EARLIEST: "earliest-offset",
    StartFrom.LATEST: "latest-offset",
}


def kafka_source(tables: StreamTableEnvironment, topic: Topic, s: JobSettings) -> DataStream:
    """A topic as Row(key, value, topic, partition, offset, timestamp), bytes as they are.

    Read through a table, because PyFlink's own Kafka source gives the value alone.
    """
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
          `timestamp` TIMESTAMP_LTZ(3) METADATA VIRTUAL
        ) WITH ({", ".join(f"{_quoted(k)} = {_quoted(v)}" for k, v in options.items())})
    """)
    stream = tables.to_data_stream(tables.from_path(name))
    _set_uids(stream, f"source.{topic.name}")
    return stream


def kafka_sink(topic: Topic, s: JobSettings) -> KafkaSink:
    """Writes Row(key, value) to a topic."""
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


def client_properties(s: KafkaSettings) -> dict[str, str]:
    """How a Java Kafka client reaches the brokers."""
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
            f"org.apache.kafka.common.security.{login} required "
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


def _set_uids(stream: DataStream, identity: str) -> None:
    """Give every operator that the planner made above `stream` a name of ours."""
    pending, position = [stream._j_data_stream.getTransformation()], 0
    while pending:
        transformation = pending.pop()
        transformation.setUid(identity if position == 0 else f"{identity}.{position}")
        pending += list(transformation.getInputs())
        position += 1


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
