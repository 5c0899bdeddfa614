"""A Kafka broker that asks who is there: SASL, with and without TLS."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from local import kafka_broker, process
from local.ports import HOST, any_free
from local.stack import StackConfig, choose_ports

USER = "wiredesk"
PASSWORD = 'a "word" with \\ in it; and more'
PATIENCE_S = 120

_LOGIN = "org.apache.kafka.common.security"


@dataclass(frozen=True)
class GuardedKafka:
    """Where it answers.

    plain  by SASL_PLAINTEXT
    tls    by SASL_SSL, with a certificate of the authority in `ca_file`
    """

    plain: str
    tls: str
    ca_file: Path

    def settings(self, mechanism: str, *, tls: bool, password: str = PASSWORD) -> dict[str, str]:
        """Settings that reach it."""
        return {
            "kafka_bootstrap": self.tls if tls else self.plain,
            "kafka_security_protocol": "SASL_SSL" if tls else "SASL_PLAINTEXT",
            "kafka_sasl_mechanism": mechanism,
            "kafka_sasl_username": USER,
            "kafka_sasl_password": password,
        } | ({"kafka_ssl_ca_file": str(self.ca_file)} if tls else {})


@contextmanager
def guarded_kafka(folder: Path, jars_dir: Path) -> Iterator[GuardedKafka]:
    """A broker with one user, known by PLAIN and by SCRAM-SHA-512, until the block ends."""
    ports = choose_ports(StackConfig(folder))
    unguarded, controller = f"{HOST}:{ports.kafka}", f"{HOST}:{ports.controller}"
    plain = any_free(avoid={ports.kafka, ports.controller})
    tls = any_free(avoid={ports.kafka, ports.controller, plain})
    kafka = GuardedKafka(f"{HOST}:{plain}", f"{HOST}:{tls}", folder / "authority.pem")
    _certify(kafka.ca_file, folder / "broker.pem")
    kafka_broker.configure(folder, ports)
    with (folder / "kafka.properties").open("a") as file:
        file.write(_listeners(unguarded, controller, kafka))
        file.write(_guards(folder / "broker.pem"))
    kafka_broker.format_storage(folder, jars_dir)
    log, command = folder / "kafka.log", kafka_broker.command(folder, jars_dir)
    broker = process.start("kafka", command, log=log, cwd=folder, env={})
    try:
        process.wait_until(
            lambda: not broker.alive or kafka_broker.answers(ports.kafka), timeout_s=PATIENCE_S
        )
        assert broker.alive, log.read_text()
        _add_user(unguarded)
        yield kafka
    finally:
        if found := broker.find():
            process.end([found], grace_s=20)


def _listeners(unguarded: str, controller: str, kafka: GuardedKafka) -> str:
    """Beside the local stack's listener, which stays for the broker itself and for us."""
    listeners = f"PLAINTEXT://{unguarded},SASL_PLAINTEXT://{kafka.plain},SASL_SSL://{kafka.tls}"
    protocols = ("PLAINTEXT", "SASL_PLAINTEXT", "SASL_SSL")
    protocol_map = ",".join(["CONTROLLER:PLAINTEXT", *(f"{name}:{name}" for name in protocols)])
    return (
        f"listeners={listeners},CONTROLLER://{controller}\n"
        f"advertised.listeners={listeners}\n"
        f"listener.security.protocol.map={protocol_map}\n"
    )


def _guards(keystore: Path) -> str:
    """Who is let in, and the certificate that is shown."""
    plain = f'{_LOGIN}.plain.PlainLoginModule required user_{USER}="{_escaped(PASSWORD)}";'
    scram = f"{_LOGIN}.scram.ScramLoginModule required;"
    lines = [
        "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512",
        "ssl.keystore.type=PEM",
        f"ssl.keystore.location={keystore}",
    ]
    for listener in ("sasl_plaintext", "sasl_ssl"):
        for mechanism, module in (("plain", plain), ("scram-sha-512", scram)):
            name = f"listener.name.{listener}.{mechanism}.sasl.jaas.config"
            lines.append(f"{name}={_escaped(module, quotes=False)}")
    return "\n".join([*lines, ""])


def _escaped(text: str, *, quotes: bool = True) -> str:
    """As Java's configuration of logins has it, or, without `quotes`, a file of properties."""
    doubled = text.replace("\\", "\\\\")
    return doubled.replace('"', '\\"') if quotes else doubled


def _add_user(unguarded: str) -> None:
    """Kafka itself keeps users of SCRAM."""
    scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    user = UserScramCredentialUpsertion(USER, scram, PASSWORD.encode())
    admin = AdminClient({"bootstrap.servers": unguarded})
    for done in admin.alter_user_scram_credentials([user]).values():
        done.result(PATIENCE_S)


def _certify(ca_file: Path, keystore: Path) -> None:
    """An authority's certificate, and a key for HOST with a certificate of that authority."""
    ours, theirs = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of a test")])
    broker = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)

    def certificate(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .issuer_name(authority)
            .subject_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
        )

    signing = x509.BasicConstraints(ca=True, path_length=0)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))])
    root = certificate(authority, ours).add_extension(signing, critical=True)
    leaf = certificate(broker, theirs).add_extension(address, critical=False)
    ca_file.write_bytes(root.sign(ours, hashes.SHA256()).public_bytes(Encoding.PEM))
    key = theirs.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    keystore.write_bytes(key + leaf.sign(ours, hashes.SHA256()).public_bytes(Encoding.PEM))
