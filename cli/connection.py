"""Where Kafka is and how to speak to it, the same for every command."""

import logging
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.runtime.catalogue import load_shared
from schemas.errors import ServiceError
from schemas.settings import KafkaSettings, client_arguments
from schemas.topics import MAX_REQUEST_BYTES, Topic

if TYPE_CHECKING:
    from kafka import KafkaAdminClient, KafkaConsumer

    from schemas.codec import RecordCodec
    from schemas.registry import Registry

BootstrapOption = Annotated[
    str | None,
    typer.Option(
        "--bootstrap",
        metavar="HOST:PORT",
        help="Kafka brokers. Default: the settings, else the running local stack.",
    ),
]
SettingsOption = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="FILE",
        help="TOML file of settings, for Kafka's address, user and certificates.",
    ),
]


@dataclass(frozen=True)
class Connection:
    """Kafka as the settings describe it, at the address that was found."""

    settings: KafkaSettings

    @property
    def bootstrap(self) -> str:
        """The brokers, host:port, separated by commas."""
        return self.settings.kafka_bootstrap

    def client(self) -> dict[str, Any]:
        """Arguments for any kafka-python client."""
        return client_arguments(self.settings)

    def registry(self) -> "Registry | None":
        """The schema registry, None when none is set."""
        from schemas.registry import open_registry

        return open_registry(
            self.settings.schema_registry_url, self.settings.secret("schema_registry_auth")
        )

    def codec(self, topic: Topic[Any]) -> "RecordCodec[Any]":
        """Encodes and decodes the records of a topic."""
        from schemas.codec import RecordCodec

        return RecordCodec(topic, self.registry())

    @contextmanager
    def admin(self) -> Iterator["KafkaAdminClient"]:
        """A client that manages topics. Raises ServiceError when Kafka is not there or refuses."""
        from kafka import KafkaAdminClient

        with self._speaking(), KafkaAdminClient(**self.client()) as admin:
            yield admin

    @contextmanager
    def consumer(self, *, read_committed: bool = True) -> Iterator["KafkaConsumer"]:
        """A consumer without a group, for records as large as any topic takes."""
        from kafka import KafkaConsumer

        with (
            self._speaking(),
            KafkaConsumer(
                **self.client(),
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed" if read_committed else "read_uncommitted",
                max_partition_fetch_bytes=MAX_REQUEST_BYTES,
                allow_auto_create_topics=False,
            ) as consumer,
        ):
            yield consumer

    def require_topic(self, name: str) -> None:
        """Raises ServiceError unless Kafka is there, lets us in and has the topic."""
        with self.admin() as admin:
            if name not in admin.list_topics():
                raise ServiceError(
                    f"Kafka at {self.bootstrap} has no topic {name}; "
                    "`wiredesk topics create` makes it"
                )

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Turns every failure of Kafka into one ServiceError that says what to do."""
        from kafka.errors import KafkaError

        require_broker(self.bootstrap)
        with _bootstrap_failures() as failures:
            try:
                yield
            except KafkaError as error:
                if failures.causes:
                    raise ServiceError(self._not_let_in(failures.causes[0])) from error
                why = str(error) or type(error).__name__
                raise ServiceError(f"Kafka at {self.bootstrap}: {why}") from error

    def _not_let_in(self, cause: str) -> str:
        return (
            f"Kafka at {self.bootstrap} is there but does not let us in by "
            f"{self.settings.kafka_security_protocol} ({cause}); check the settings "
            "kafka_security_protocol, kafka_sasl_* and kafka_ssl_*"
        )


def connect(bootstrap: str | None = None, settings_file: Path | None = None) -> Connection:
    """Kafka from `--bootstrap`, else the settings, else the local stack, else the default."""
    overrides = [f"kafka_bootstrap={bootstrap}"] if bootstrap else []
    settings = load_shared(KafkaSettings, file=settings_file, overrides=overrides)
    if "kafka_bootstrap" not in settings.model_fields_set and (local := _local_kafka()):
        settings = settings.model_copy(update={"kafka_bootstrap": local})
    return Connection(settings)


def require_broker(bootstrap: str) -> None:
    """Raises ServiceError unless one of the addresses accepts a connection."""
    for address in bootstrap.split(","):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=3).close()
        except OSError:
            continue
        return
    raise ServiceError(
        f"no Kafka broker answers at {bootstrap}; start one with `wiredesk local up`, "
        "or name yours with --bootstrap"
    )


def _local_kafka() -> str | None:
    """Where the local stack's Kafka is, or was before it died."""
    from local import stack
    from local.ports import HOST

    running = stack.status()
    if running is None or running.kafka or running.ports is None:
        return running and running.kafka
    return f"{HOST}:{running.ports.kafka}"


class _BootstrapFailures(logging.Handler):
    """Keeps why each attempt to connect failed: the client's exception names only a timeout."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.causes: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if found := re.match(
            r"Bootstrap (?:connection|attempt) to \S+ failed: (.*?)(?: \(backoff.*)?$",
            record.getMessage(),
        ):
            self.causes.append(found.group(1))


@contextmanager
def _bootstrap_failures() -> Iterator[_BootstrapFailures]:
    failures = _BootstrapFailures()
    logger = logging.getLogger("kafka.net.manager")
    logger.addHandler(failures)
    try:
        yield failures
    finally:
        logger.removeHandler(failures)
