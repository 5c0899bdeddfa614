"""Where Kafka is found, and the settings in kafka-python's words."""

import logging
import socket
from types import SimpleNamespace

import pytest

from cli.connection import connect
from local import stack
from schemas import broker
from schemas.broker import require_broker
from schemas.errors import ServiceError, SettingError
from schemas.settings import KafkaSettings, client_arguments


@pytest.fixture(autouse=True)
def nowhere(monkeypatch):
    monkeypatch.delenv("WIREDESK_KAFKA_BOOTSTRAP", raising=False)
    monkeypatch.setattr(stack, "status", lambda: None)


@pytest.fixture
def local_stack(monkeypatch):
    monkeypatch.setattr(
        stack, "status", lambda: SimpleNamespace(ports=SimpleNamespace(kafka=19092))
    )


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text('kafka_bootstrap = "file:1"\nbatch_max_count = 8\n')
    return path


@pytest.mark.usefixtures("local_stack")
def test_option_wins_over_environment_file_and_stack(monkeypatch, file):
    monkeypatch.setenv("WIREDESK_KAFKA_BOOTSTRAP", "env:1")
    assert connect("option:1", file).bootstrap == "option:1"
    assert connect(None, file).bootstrap == "env:1"


@pytest.mark.usefixtures("local_stack")
def test_settings_file_wins_over_the_local_stack(file):
    assert connect(None, file).bootstrap == "file:1"


@pytest.mark.usefixtures("local_stack")
def test_local_stack_wins_over_the_default():
    assert connect().bootstrap == "127.0.0.1:19092"


def test_default_is_used_when_nothing_says_otherwise():
    assert connect().bootstrap == KafkaSettings().kafka_bootstrap


def test_address_of_no_address_form_is_a_setting_error():
    with pytest.raises(SettingError, match="kafka_bootstrap"):
        connect("nonsense")


def test_plaintext_gives_neither_user_nor_certificate():
    arguments = client_arguments(KafkaSettings())
    assert arguments["security_protocol"] == "PLAINTEXT"
    assert not [name for name in arguments if name.startswith(("sasl", "ssl"))]


def test_sasl_over_tls_gives_user_password_and_certificates():
    arguments = client_arguments(
        KafkaSettings(
            kafka_security_protocol="SASL_SSL",
            kafka_sasl_mechanism="SCRAM-SHA-256",
            kafka_sasl_username="u",
            kafka_sasl_password="p",
            kafka_ssl_ca_file="ca.pem",
            kafka_ssl_keystore_file="me.pem",
        )
    )
    wanted = {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "u",
        "sasl_plain_password": "p",
        "ssl_cafile": "ca.pem",
        "ssl_certfile": "me.pem",
    }
    assert arguments.items() >= wanted.items()


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"])
def test_every_argument_is_known_to_every_client(protocol):
    from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

    user = {"kafka_sasl_username": "u", "kafka_sasl_password": "p"} if "SASL" in protocol else {}
    arguments = client_arguments(KafkaSettings(kafka_security_protocol=protocol, **user))
    for client in (KafkaAdminClient, KafkaConsumer, KafkaProducer):
        assert arguments.keys() <= client.DEFAULT_CONFIG.keys()


def test_missing_broker_is_named_with_what_to_do():
    with pytest.raises(ServiceError, match=r"127\.0\.0\.1:1; start one with `wiredesk local up`"):
        require_broker("127.0.0.1:1")


def test_one_living_broker_of_several_is_enough():
    with socket.create_server(("127.0.0.1", 0)) as server:
        require_broker(f"127.0.0.1:1,127.0.0.1:{server.getsockname()[1]}")


def test_refused_login_names_the_cause_and_the_settings(monkeypatch):
    from kafka.errors import KafkaTimeoutError

    def fail(**_):
        heard = ("socket disconnected", "wrong password", "KafkaTimeoutError: Timeout")
        for cause in heard:
            logging.getLogger("kafka.net.manager").warning(
                "Bootstrap connection to bootstrap-0 failed: %s (backoff 0.05 secs)", cause
            )
        raise KafkaTimeoutError("Unable to bootstrap")

    monkeypatch.setattr("kafka.KafkaAdminClient", fail)
    monkeypatch.setattr(broker, "require_broker", lambda _: None)
    with pytest.raises(ServiceError, match=r"\(wrong password\); check the settings"):
        connect("a:1").require_topic("articles.raw")


def test_what_a_broker_says_before_it_hangs_up_is_heard():
    from kafka.net.transport import KafkaTCPTransport

    broker.hear_last_words()
    broker.hear_last_words()
    ours, theirs = socket.socketpair()
    transport = KafkaTCPTransport(None, ours, host="broker")
    with ours, theirs:
        ours.setblocking(False)
        theirs.sendall(b"login refused")
        theirs.close()
        assert transport._sock_recv() == (b"login refused", None)
        data, error = transport._sock_recv()
    assert (data, str(error)) == (b"", "KafkaConnectionError: socket disconnected")


def test_missing_topic_says_how_to_make_it(kafka):
    kafka.create("other")
    with pytest.raises(ServiceError, match="wiredesk topics create"):
        connect().require_topic("articles.raw")
