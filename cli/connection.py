"""Where Kafka is and how to speak to it, the same for every command."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.runtime.catalogue import load_shared
from schemas import broker
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
        with broker.administering(self.client()) as admin:
            yield admin

    @contextmanager
    def consumer(self, *, read_committed: bool = True) -> Iterator["KafkaConsumer"]:
        """A consumer without a group, for records as large as any topic takes."""
        from kafka import KafkaConsumer

        with (
            broker.speaking(self.client()),
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
            broker.require_topics(admin.list_topics(), [name], at=self.bootstrap)


def connect(bootstrap: str | None = None, settings_file: Path | None = None) -> Connection:
    """Kafka from `--bootstrap`, else the settings, else the local stack, else the default."""
    overrides = [f"kafka_bootstrap={bootstrap}"] if bootstrap else []
    settings = load_shared(KafkaSettings, file=settings_file, overrides=overrides)
    if "kafka_bootstrap" not in settings.model_fields_set and (local := _local_kafka()):
        settings = settings.model_copy(update={"kafka_bootstrap": local})
    return Connection(settings)


def _local_kafka() -> str | None:
    """Where the local stack's Kafka is, or was before it died."""
    from local import stack
    from local.ports import HOST

    running = stack.status()
    return f"{HOST}:{running.ports.kafka}" if running and running.ports else None
