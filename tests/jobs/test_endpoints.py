"""How Kafka clients are told about security. No JVM: properties are plain text."""

import re

import pytest

from jobs.runtime.endpoints import client_properties
from jobs.runtime.enrich_settings import EnrichSettings
from jobs.runtime.settings import load
from schemas.errors import SettingError

LOGIN = "org.apache.flink.kafka.shaded.org.apache.kafka.common.security"
"""Modules as `flink-sql-connector-kafka` has them; with Kafka's own names no job is let in."""


def properties(*overrides):
    return client_properties(load(EnrichSettings, environment={}, overrides=overrides))


def sasl(mechanism="PLAIN", username="user", password="word", protocol="SASL_SSL"):
    return properties(
        f"kafka_security_protocol={protocol}",
        f"kafka_sasl_mechanism={mechanism}",
        f"kafka_sasl_username={username}",
        f"kafka_sasl_password={password}",
    )


def login(jaas):
    """Module, user and password of a JAAS line, read as Java reads it."""
    quoted = r'"((?:[^"\\\n]|\\.)*)"'
    match = re.fullmatch(rf"(\S+) required username={quoted} password={quoted};", jaas)
    assert match
    module, *values = match.groups()
    return (module, *(re.sub(r"\\(.)", r"\1", value) for value in values))


def test_plaintext_needs_only_the_brokers():
    assert properties("kafka_bootstrap=a:1,b:2") == {
        "bootstrap.servers": "a:1,b:2",
        "security.protocol": "PLAINTEXT",
    }


def test_values_are_plain_strings():
    assert {type(value) for value in sasl("SCRAM-SHA-256").values()} == {str}


@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
@pytest.mark.parametrize(
    ("mechanism", "module"),
    [
        ("PLAIN", f"{LOGIN}.plain.PlainLoginModule"),
        ("SCRAM-SHA-256", f"{LOGIN}.scram.ScramLoginModule"),
        ("SCRAM-SHA-512", f"{LOGIN}.scram.ScramLoginModule"),
    ],
)
def test_sasl_names_the_module_of_its_mechanism(protocol, mechanism, module):
    found = sasl(mechanism, protocol=protocol)
    assert found["security.protocol"] == protocol
    assert found["sasl.mechanism"] == mechanism
    assert login(found["sasl.jaas.config"]) == (module, "user", "word")


@pytest.mark.parametrize(
    "awkward", ['quote"mark', "back\\slash", '\\"', "semi;colon", "two words", "é'=,{}", '";', "\\"]
)
def test_awkward_passwords_reach_the_broker_as_they_are(awkward):
    found = sasl(username=awkward, password=awkward)
    assert login(found["sasl.jaas.config"])[1:] == (awkward, awkward)


def test_password_without_sasl_goes_nowhere():
    assert "hunter2" not in str(properties("kafka_sasl_password=hunter2"))


def test_tls_names_the_files_of_authority_and_client():
    found = properties(
        "kafka_security_protocol=SSL",
        "kafka_ssl_ca_file=/etc/wiredesk/ca.pem",
        "kafka_ssl_keystore_file=/etc/wiredesk/client.pem",
    )
    assert found == {
        "bootstrap.servers": "127.0.0.1:9092",
        "security.protocol": "SSL",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": "/etc/wiredesk/ca.pem",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": "/etc/wiredesk/client.pem",
    }


def test_certificates_are_where_every_worker_finds_them():
    with pytest.raises(SettingError, match=r"kafka_ssl_ca_file ca\.pem should be absolute"):
        properties("kafka_security_protocol=SSL", "kafka_ssl_ca_file=ca.pem")


def test_tls_without_client_certificate_has_no_keystore():
    found = properties("kafka_security_protocol=SSL", "kafka_ssl_ca_file=/etc/wiredesk/ca.pem")
    assert not any("keystore" in name for name in found)
