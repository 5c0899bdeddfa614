"""A downstream team needs only fastavro and the published schema files."""

import json
import subprocess
import sys
from pathlib import Path

import schemas
from schemas.codec import RecordCodec
from schemas.enriched_article import EnrichedArticle, Language, TopicScore
from schemas.topics import ARTICLES_ENRICHED

CONSUMER = Path(__file__).parent / "independent_consumer.py"
PUBLISHED = Path(schemas.__file__).parent / "avro" / "enriched_article"

ENRICHED = EnrichedArticle(
    article_id="a1",
    url="https://courier.example/a1",
    source="courier.example",
    title="Brücke öffnet 🌉",
    published_ms=1_790_000_000_000,
    ingested_ms=1_790_000_000_001,
    enriched_ms=1_790_000_000_002,
    content_hash="00",
    language=Language(code="de", confidence=0.75),
    topics=[TopicScore(code="medtop:04000000", name="economy", score=0.5)],
    embedding=b"\x00\x3c" * 4,
    model_versions={"language": "1"},
)


def test_enriched_article_is_decoded_without_our_code():
    done = subprocess.run(
        [sys.executable, "-I", str(CONSUMER), str(PUBLISHED)],
        input=RecordCodec(ARTICLES_ENRICHED).encode(ENRICHED),
        capture_output=True,
        check=True,
    )
    decoded = json.loads(done.stdout)
    expected = ENRICHED.model_dump() | {"embedding": ENRICHED.embedding.hex()}
    assert decoded == expected
