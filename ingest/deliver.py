"""From the outbox to Kafka, each record once.

The records of a batch and the number of the last one go into one Kafka transaction: the number as
the offset of a consumer group of our own. After a crash Kafka therefore knows what has arrived,
whatever the outbox still holds. Readers with `isolation.level=read_committed` see nothing twice.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from ingest.state import Outgoing
from schemas.errors import ServiceError
from schemas.topics import ARTICLES_RAW, MAX_REQUEST_BYTES

_BATCH_BYTES = 256 * 1024
_TOPIC_ANSWERS_MS = 10_000
_DELIVERY_TIMEOUT_MS = 60_000
_MARK = TopicPartition(ARTICLES_RAW.name, 0)
"""Where the group's offset is kept; only the number counts."""


class Delivery:
    """Sends batches of the outbox; a context manager.

    connection  kafka-python's arguments: bootstrap_servers, security_protocol, ...
    name        of the outbox: two deliveries of one name fence each other
    """

    def __init__(self, connection: Mapping[str, Any], name: str) -> None:
        self._connection = dict(connection)
        self._group = f"wiredesk-ingest-{name}"
        self._producer: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._let_go()

    def begin(self) -> int:
        """The number up to which everything has arrived; ends what a former process left open.

        Raises ServiceError.
        """
        self._let_go()
        try:
            self._producer = KafkaProducer(
                **self._connection,
                transactional_id=self._group,
                acks="all",
                linger_ms=20,
                batch_size=_BATCH_BYTES,
                max_request_size=MAX_REQUEST_BYTES,
                max_block_ms=_TOPIC_ANSWERS_MS,
                delivery_timeout_ms=_DELIVERY_TIMEOUT_MS,
                allow_auto_create_topics=False,
            )
            self._producer.init_transactions()
            return self._arrived()
        except (KafkaError, OSError) as error:
            self._let_go()
            raise ServiceError(f"Kafka takes no producer: {_why(error)}") from error

    def send(self, batch: Sequence[Outgoing]) -> int:
        """Send a batch, all or nothing; the number up to which everything has arrived now.

        Raises ServiceError; then `begin` tells what became of the batch.
        """
        if self._producer is None:
            raise ServiceError("delivery has not begun")
        try:
            self._producer.begin_transaction()
            sent = [self._producer.send(record.topic, record.value, record.key) for record in batch]
            for one in sent:
                one.get(timeout=_DELIVERY_TIMEOUT_MS / 1000)
            last = batch[-1].number
            self._producer.send_offsets_to_transaction(
                {_MARK: OffsetAndMetadata(last, "", -1)}, self._group
            )
            self._producer.commit_transaction()
        except (KafkaError, OSError) as error:
            self._let_go()
            raise ServiceError(f"Kafka did not take a batch: {_why(error)}") from error
        return last

    def _arrived(self) -> int:
        admin = KafkaAdminClient(**self._connection)
        try:
            found = admin.list_group_offsets({self._group: [_MARK]})
        finally:
            admin.close()
        kept = found.get(self._group, {}).get(_MARK)
        return max(0, kept.offset) if kept else 0

    def _let_go(self) -> None:
        if self._producer is not None:
            with suppress(KafkaError):  # an open transaction is ended by the next `begin`
                self._producer.close(timeout=0)
            self._producer = None


def _why(error: BaseException) -> str:
    return str(error) or type(error).__name__
