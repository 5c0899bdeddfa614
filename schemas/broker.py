"""Speaking to Kafka: whatever goes wrong becomes one line that says what to do."""

import logging
import re
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

from schemas.errors import KafkaAway, ServiceError

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

_Receive = Callable[[Any], tuple[bytes, Exception | None]]
_SAYS_LITTLE = re.compile(r"disconnected$|Timeout|TimedOut")


def require_broker(bootstrap: str) -> None:
    """Raises KafkaAway unless one of the addresses accepts a connection."""
    for address in bootstrap.split(","):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=3).close()
        except OSError:
            continue
        return
    raise KafkaAway(
        f"no Kafka broker answers at {bootstrap}; start one with `wiredesk local up`, "
        "or name yours: kafka_bootstrap"
    )


def require_topics(there: Iterable[str], names: Iterable[str], *, at: str) -> None:
    """Raises ServiceError unless `names` are among the topics of the Kafka at these addresses."""
    if missing := sorted(set(names).difference(there)):
        raise ServiceError(
            f"Kafka at {at} has no topic {', '.join(missing)}; `wiredesk topics create` makes it"
        )


@contextmanager
def administering(client: Mapping[str, Any]) -> Iterator["KafkaAdminClient"]:
    """A client that manages topics. Raises ServiceError, as `speaking`."""
    from kafka import KafkaAdminClient

    with speaking(client), KafkaAdminClient(**client) as admin:
        yield admin


@contextmanager
def speaking(client: Mapping[str, Any]) -> Iterator[None]:
    """Turns every failure of kafka-python into one ServiceError that says what to do: KafkaAway
    where Kafka is not reached.

    client  kafka-python's arguments: bootstrap_servers, security_protocol, ...
    """
    require_broker(_bootstrap(client))
    with explained(client):
        yield


@contextmanager
def explained(client: Mapping[str, Any]) -> Iterator[None]:
    """`speaking` without a look whether anything answers at all."""
    from kafka.errors import KafkaError

    hear_last_words()
    with _refusals() as refusals:
        try:
            yield
        except KafkaError as error:
            if refusals.causes:
                raise ServiceError(_not_let_in(client, telling(refusals.causes))) from error
            why = str(error) or type(error).__name__
            raise KafkaAway(f"Kafka at {_bootstrap(client)}: {why}") from error


def hear_last_words() -> None:
    """Let kafka-python (3.0) pass on what it reads together with the end of a connection.

    It throws that away, and a broker that refuses a login says why and hangs up at once: the reason
    was heard by chance alone.
    """
    from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

    for transport in (KafkaTCPTransport, KafkaSSLTransport):
        if not hasattr(transport._sock_recv, "__wrapped__"):
            transport._sock_recv = _with_last_words(transport._sock_recv)


def _with_last_words(receive: _Receive) -> _Receive:
    @wraps(receive)
    def received(transport: Any) -> tuple[bytes, Exception | None]:
        data, error = receive(transport)
        return (data, None) if data else (data, error)  # the end is met again

    return received


def telling(causes: Sequence[str]) -> str:
    """The first cause that says more than that the connection ended or time was up.

    >>> telling(["KafkaConnectionError: socket disconnected", "SaslAuthenticationFailedError: no"])
    'SaslAuthenticationFailedError: no'
    """
    return next((cause for cause in causes if not _SAYS_LITTLE.search(cause)), causes[0])


def _bootstrap(client: Mapping[str, Any]) -> str:
    return ",".join(client["bootstrap_servers"])


def _not_let_in(client: Mapping[str, Any], cause: str) -> str:
    return (
        f"Kafka at {_bootstrap(client)} is there but does not let us in by "
        f"{client['security_protocol']} ({cause}); check the settings "
        "kafka_security_protocol, kafka_sasl_* and kafka_ssl_*"
    )


class _Refusals(logging.Handler):
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
def _refusals() -> Iterator[_Refusals]:
    refusals = _Refusals()
    logger = logging.getLogger("kafka.net.manager")
    logger.addHandler(refusals)
    try:
        yield refusals
    finally:
        logger.removeHandler(refusals)
