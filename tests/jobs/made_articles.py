"""Enriched articles made up for tests of the job `breaking`: no model runs."""

import hashlib
from collections.abc import Iterable

import numpy as np
from pyflink.common import Row, Types
from pyflink.common.time import Instant
from pyflink.common.typeinfo import TypeInformation

from models.stories.cluster import WIDTH
from schemas.codec import RecordCodec
from schemas.editorial import EditorialCommand
from schemas.enriched_article import EnrichedArticle, Entity, Language
from schemas.topics import ARTICLES_ENRICHED, EDITORIAL_CONTROL

MINUTE_MS = 60_000
START_MS = 1_790_000_000_000 // (24 * 60 * MINUTE_MS) * (24 * 60 * MINUTE_MS)
"""A midnight, UTC."""


def embedding(subject: str, variant: str, *, spread: float = 0.3) -> bytes:
    """A unit vector near the subject's own direction, float16; equal variants give equal ones."""

    def drawn(text: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
        vector = np.random.default_rng(seed).normal(size=WIDTH)
        return vector / np.linalg.norm(vector)

    mixed = drawn(subject) + spread * drawn(f"{subject}/{variant}")
    return (mixed / np.linalg.norm(mixed)).astype("<f2").tobytes()


def article(
    article_id: str,
    subject: str,
    source: str,
    minute: float,
    *,
    title: str | None = None,
    arrived_minute: float | None = None,
    **changed: object,
) -> EnrichedArticle:
    """An article about a subject, at a minute after `START_MS`."""
    at_ms = START_MS + round(minute * MINUTE_MS)
    arrived = minute if arrived_minute is None else arrived_minute
    arrived_ms = START_MS + round(arrived * MINUTE_MS)
    fields = {
        "article_id": article_id,
        "url": f"https://{source}/{article_id}",
        "source": source,
        "title": title or f"{subject}, says {article_id}",
        "published_ms": at_ms,
        "ingested_ms": arrived_ms,
        "enriched_ms": arrived_ms,
        "content_hash": hashlib.sha256(article_id.encode()).hexdigest(),
        "language": Language(code="en", confidence=1.0),
        "embedding": embedding(subject, title or article_id),
        "entities": [Entity(text=subject.split()[0], type="place", start=0, end=1, score=1.0)],
        "model_versions": {},
    }
    return EnrichedArticle(**fields | changed)


def command(number: int, kind: str, **fields: object) -> EditorialCommand:
    return EditorialCommand(
        command_id=f"c{number}", kind=kind, author="ada", issued_ms=START_MS, **fields
    )


def raw_type() -> TypeInformation:
    octets = Types.PRIMITIVE_ARRAY(Types.BYTE())
    return Types.ROW_NAMED(
        ["key", "value", "topic", "partition", "offset", "timestamp"],
        [octets, octets, Types.STRING(), Types.INT(), Types.LONG(), Types.INSTANT()],
    )


def raws(values: Iterable[bytes | None], topic: str) -> list[Row]:
    """Kafka records as the job's source gives them."""
    arrived = Instant.of_epoch_milli(START_MS)
    return [Row(b"k", value, topic, 0, n, arrived) for n, value in enumerate(values)]


def moment(rows: Iterable[Row]) -> Row:
    """Records of one partition as a job gathers them."""
    keys, values, _, partitions, offsets, arrived = zip(*rows, strict=True)
    times = [at.to_epoch_milli() for at in arrived]
    return Row(partitions[0], [*keys], [*values], [*offsets], times)


def moment_type() -> TypeInformation:
    octets = Types.OBJECT_ARRAY(Types.PRIMITIVE_ARRAY(Types.BYTE()))
    numbers = Types.OBJECT_ARRAY(Types.LONG())
    return Types.ROW_NAMED(
        ["partition", "keys", "values", "offsets", "times"],
        [Types.INT(), octets, octets, numbers, numbers],
    )


def articles_as_bytes(articles: Iterable[EnrichedArticle]) -> list[bytes]:
    codec = RecordCodec(ARTICLES_ENRICHED)
    return [codec.encode(each) for each in articles]


def commands_as_bytes(commands: Iterable[EditorialCommand]) -> list[bytes]:
    codec = RecordCodec(EDITORIAL_CONTROL)
    return [codec.encode(each) for each in commands]
