"""Raw Kafka records to enriched articles or dead letters: every record has one outcome."""

import random
import struct
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from io import BytesIO
from types import SimpleNamespace

import cloudpickle
import pytest
import tomlkit
from fastavro import schemaless_writer
from inference_configs import ANALYZER
from pyflink.common import Row
from pyflink.common.time import Instant

from models.admission import PublicationWindow
from models.analyzer import WORD_FREQUENCIES
from models.language import LANGUAGE_MODEL
from models.manifest import SHIPPED, read
from schemas import avro_schemas
from schemas.article import Article
from schemas.codec import RecordCodec
from schemas.topics import ARTICLES_ENRICHED, ARTICLES_RAW, DEAD_LETTERS
from udfs.enrich_articles import EnrichArticles

pytestmark = pytest.mark.asyncio(loop_scope="module")

ARRIVED_MS = 1_790_000_000_123
HOUR_MS = 3_600_000
BODY = "The council voted late on Tuesday to reopen the harbour bridge after two years of repairs."


def operator(manifest):
    return EnrichArticles(
        manifest=manifest,
        non_commercial=False,
        analyzer=replace(ANALYZER, threads=2),
        window=PublicationWindow(earliest=date(1971, 1, 1), future_tolerance_s=3600),
        registry_url=None,
        registry_auth=None,
    )


@contextmanager
def held_by_a_worker(manifest, context):
    """The operator as a Python worker holds it: unpickled and opened."""
    function = cloudpickle.loads(cloudpickle.dumps(operator(manifest)))
    function.open(context)
    yield SimpleNamespace(function=function, metrics=context.metrics)
    function.close()


@pytest.fixture(scope="module")
def embedding_only(tmp_path_factory):
    """A manifest by which English texts get an embedding, by the shipped model, called `encoder`."""
    shipped = read(SHIPPED)
    route = next(route for route in shipped.routes_for("en") if route.task == "embedding")
    taken = {name: name for name in (LANGUAGE_MODEL, WORD_FREQUENCIES)} | {"encoder": route.model}
    models = {}
    for name, of_shipped in taken.items():
        entry = shipped.entry(of_shipped).model_dump(mode="json", exclude_none=True)
        for file in entry.keys() & {"file", "card", "tokenizer", "adapter", "gpu_file", "graft"}:
            entry[file] = str(SHIPPED.parent / entry[file])
        models[name] = entry
    routes = [
        route.model_copy(update={"model": "encoder"}).model_dump(mode="json", exclude_none=True)
    ]
    file = tmp_path_factory.mktemp("manifest") / "manifest.toml"
    file.write_text(tomlkit.dumps({"models": models, "routes": routes}))
    return file


@pytest.fixture(scope="module")
def enrich(embedding_only, new_runtime_context):
    with held_by_a_worker(embedding_only, new_runtime_context()) as worker:
        yield worker


def fields(**changes):
    return {
        "article_id": "a1",
        "source": "courier.example",
        "url": "https://courier.example/a1",
        "title": "Bridge reopens",
        "body": BODY,
        "published_ms": ARRIVED_MS - HOUR_MS,
        "fetched_ms": ARRIVED_MS - 1000,
    } | changes


def article(**changes):
    return RecordCodec(ARTICLES_RAW).encode(Article(**fields(**changes)))


def raw(value, *, key=b"a1", offset=41):
    instant = Instant.of_epoch_milli(ARRIVED_MS)
    return Row(key, value, "articles.raw", 3, offset, instant)


async def outcome(enrich, value, **delivery):
    """(enriched article or None, dead letter or None), with the key of the Kafka record."""
    (row,) = await enrich.function.async_invoke(raw(value, **delivery))
    dead, key, record = row
    topic = DEAD_LETTERS if dead else ARTICLES_ENRICHED
    decoded = RecordCodec(topic).decode(record)
    return (None, decoded, key) if dead else (decoded, None, key)


async def enriched(enrich, **changes):
    found, letter, _ = await outcome(enrich, article(**changes))
    assert letter is None
    return found


async def test_good_article_is_enriched(enrich):
    before_ms = time.time_ns() // 1_000_000
    found, _, key = await outcome(enrich, article())
    assert key == b"a1"
    assert (found.article_id, found.url) == ("a1", "https://courier.example/a1")
    assert (found.source, found.title) == ("courier.example", "Bridge reopens")
    assert (found.published_ms, found.ingested_ms) == (ARRIVED_MS - HOUR_MS, ARRIVED_MS)
    assert before_ms <= found.enriched_ms <= time.time_ns() // 1_000_000
    assert found.language.code == "en"
    assert len(found.embedding) == 768
    assert found.model_versions.keys() == {"language", "embedding"}


async def test_field_without_a_model_is_null(enrich):
    found = await enriched(enrich)
    assert [name for name, value in found.model_dump().items() if value is None] == [
        "topics",
        "entities",
        "sentiment",
        "tone_score",
        "summary",
        "summary_method",
        "importance",
        "owner",
    ]


async def test_shipped_models_enrich_an_article(new_runtime_context):
    tasks = {route.task for route in read(SHIPPED).routes_for("en")}
    given = fields(body=f"<p>{BODY}</p><p>The mayor of <b>Paris</b>, Jo Roe, left.</p>")
    with held_by_a_worker(SHIPPED, new_runtime_context()) as shipped:
        found = await enriched(shipped, **given)
    assert found.model_versions.keys() == {"language", *tasks}
    for task in tasks:
        assert getattr(found, task) is not None, task
    for entity in found.entities or ():
        assert given[entity.field][entity.start : entity.end] == entity.text


def with_unknown_fingerprint():
    return b"\xc3\x01" + b"\x07" * 8 + article()[10:]


def with_invalid_utf8():
    return article(title="BBBB").replace(b"BBBB", b"\xff\xfe\xfd\xfc")


def without_source():
    out = BytesIO()
    schema = avro_schemas.current("article")
    out.write(b"\xc3\x01" + avro_schemas.fingerprint(schema))
    schemaless_writer(out, schema, fields(source="") | {"metadata": {}})
    return out.getvalue()


BAD = {
    "JSON": (b'{"article_id": "a1"}', "decode", "not_avro"),
    "plain text": (b"hello", "decode", "not_avro"),
    "one byte": (b"\xc3", "decode", "not_avro"),
    "random bytes": (bytes(range(255, 100, -1)), "decode", "not_avro"),
    "unknown fingerprint": (with_unknown_fingerprint(), "decode", "unknown_schema"),
    "id of a registry": (
        b"\x00" + struct.pack(">I", 9) + article()[10:],
        "decode",
        "unknown_schema",
    ),
    "half a header": (article()[:7], "decode", "truncated"),
    "header alone": (article()[:10], "decode", "truncated"),
    "half a record": (article()[:60], "decode", "truncated"),
    "last byte missing": (article()[:-1], "decode", "truncated"),
    "trailing bytes": (article() + b"more", "decode", "invalid_record"),
    "no value": (None, "decode", "empty_value"),
    "empty value": (b"", "decode", "empty_value"),
    "invalid UTF-8": (with_invalid_utf8(), "decode", "invalid_utf8"),
    "no source": (without_source(), "decode", "invalid_record"),
    "no title and no body": (article(title="", body=""), "admit", "no_text"),
    "white space": (article(title=" \n", body="\t\u00a0\r\n"), "admit", "no_text"),
    "control characters": (article(title="\x00\x07", body="\x1b"), "admit", "no_text"),
    "markup": (article(title="<b></b>", body="<p><img src='x'></p>"), "admit", "no_text"),
    "script": (article(title="", body="<script>alert(1)</script>"), "admit", "no_text"),
    "future": (
        article(published_ms=ARRIVED_MS + HOUR_MS + 1),
        "admit",
        "published_in_future",
    ),
    "far future": (article(published_ms=2**63 - 1), "admit", "published_in_future"),
    "1970": (article(published_ms=86_400_000), "admit", "published_too_old"),
    "before 1970": (article(published_ms=-1), "admit", "published_too_old"),
}


@pytest.mark.parametrize("case", BAD)
async def test_bad_record_becomes_a_dead_letter_with_its_bytes_and_origin(enrich, case):
    value, stage, reason = BAD[case]
    before_ms = time.time_ns() // 1_000_000
    _, letter, key = await outcome(enrich, value, key=b"k", offset=77)
    assert (letter.stage, letter.reason) == (stage, reason)
    assert (letter.value, letter.key) == (value or b"", b"k")
    assert (letter.topic, letter.partition, letter.offset) == ("articles.raw", 3, 77)
    assert (letter.job, letter.timestamp_ms) == ("enrich", ARRIVED_MS)
    assert before_ms <= letter.failed_ms <= time.time_ns() // 1_000_000
    assert key == b"articles.raw/3/77"
    assert letter.detail


async def test_damaged_record_has_one_outcome_whatever_the_damage(enrich):
    draw = random.Random(1987)
    outcomes = Counter()
    for _ in range(400):
        value = bytearray(article(authors=["A. Reporter"], metadata={"desk": "city"}))
        for _ in range(draw.randint(1, 3)):
            place = draw.randrange(10, len(value))
            value[place : place + draw.randint(0, 2)] = draw.randbytes(draw.randint(0, 10))
        _, letter, _ = await outcome(enrich, bytes(value))
        outcomes[letter.reason if letter else "enriched"] += 1
    assert outcomes.total() == 400
    assert outcomes.keys() >= {"enriched", "truncated", "invalid_utf8", "invalid_record"}


async def test_bad_record_without_a_key_becomes_a_dead_letter(enrich):
    _, letter, _ = await outcome(enrich, b"junk", key=None)
    assert letter.key is None


STRANGE = {
    "HTML": {"title": "<h1>Bridge</h1>", "body": f"<p>{BODY}</p><script>x()</script>"},
    "control characters": {"body": BODY.replace(" ", " \x00\x07")},
    "right-to-left marks": {"body": f"\u202b{BODY}\u202c\u200f"},
    "emoji": {"title": "🔥🚒 Bridge 🌉", "body": BODY + " 👩\u200d🚒" * 50},
    "title alone": {"body": ""},
    "body alone": {"title": ""},
    "as early as can be": {"published_ms": 31_536_000_000},
    "as late as can be": {"published_ms": ARRIVED_MS + HOUR_MS},
    "free metadata": {"metadata": {"desk": "city", "": ""}, "authors": [], "owner": ""},
}


@pytest.mark.parametrize("case", STRANGE)
async def test_strange_article_is_enriched(enrich, case):
    found = await enriched(enrich, **STRANGE[case])
    assert found.language.code == "en"
    assert found.embedding is not None


async def test_markup_leaves_no_trace_in_the_hash(enrich):
    plain = await enriched(enrich)
    marked_up = await enriched(enrich, title="<i>Bridge</i> reopens", body=f"<p>{BODY}</p>")
    assert marked_up.content_hash == plain.content_hash


async def test_original_markup_is_read_when_there_is_nothing_else(enrich):
    found = await enriched(enrich, title="", body="", html=f"<p>{BODY}</p>")
    assert found.language.code == "en"


@pytest.mark.parametrize("text", ["🔥🌊🚒", "12 : 34", "x"])
async def test_article_whose_language_cannot_be_told_is_enriched_without_guesses(enrich, text):
    found = await enriched(enrich, title=text, body="")
    assert (found.language.code, found.language.confidence) == ("und", 0.0)
    assert found.embedding is None
    assert found.model_versions.keys() == {"language"}


async def test_language_that_no_model_knows_is_enriched_without_guesses(enrich):
    found = await enriched(enrich, title="ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ", body="ᎠᏂᏣᎳᎩ ᎤᎾᏙᏢᏒ ᏓᎾᏠᏍᎬ ᎤᏂᏃᎮᏢᎢ")
    assert found.language.code == "und"
    assert found.embedding is None


@pytest.mark.parametrize(
    "body", [BODY * 58_000, "word " * 1_000_000], ids=["5 MB", "a million tokens"]
)
async def test_huge_article_is_enriched_in_a_moment(enrich, body):
    assert len(body) >= 5_000_000
    value = article(body=body)
    started = time.perf_counter()
    found, _, _ = await outcome(enrich, value)
    assert found.embedding is not None
    assert time.perf_counter() - started < 3


async def test_same_id_with_another_text_is_another_answer(enrich):
    first = await enriched(enrich)
    second = await enriched(enrich, body="A storm closed the airport for the whole night.")
    assert first.article_id == second.article_id
    assert first.content_hash != second.content_hash
    assert first.embedding != second.embedding


async def test_republished_text_under_another_id_has_the_same_answer(enrich):
    before = enrich.metrics.values["wiredesk.cache_hits"]
    first = await enriched(enrich)
    second = await enriched(enrich, article_id="a2", source="tribune.example")
    assert (second.article_id, second.source) == ("a2", "tribune.example")
    assert second.embedding == first.embedding
    assert enrich.metrics.values["wiredesk.cache_hits"] > before


async def test_language_that_the_source_declares_is_heard_of_a_short_headline(enrich):
    headline = {"title": "Mt. Gox Files For US Chapter 15", "body": ""}
    assert (await enriched(enrich, **headline)).language.code != "en"
    assert (await enriched(enrich, **headline, language_hint="en-US")).language.code == "en"


async def test_defect_is_raised_not_swallowed(enrich, monkeypatch):
    async def analyze(text, told):
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(enrich.function._analyzer, "analyze", analyze)
    with pytest.raises(ZeroDivisionError):
        await enrich.function.async_invoke(raw(article()))


async def test_gauges_count_what_happened(enrich):
    before = enrich.metrics.values
    await outcome(enrich, article(title="One of its kind", body=""))
    await outcome(enrich, article(title="One of its kind", body=""))
    await outcome(enrich, article(title="🔥", body=""))
    await outcome(enrich, b"junk")
    await outcome(enrich, article(published_ms=0))
    values = enrich.metrics.values
    grown = {name: values[name] - before[name] for name in values if values[name] != before[name]}
    lag_ms = values["wiredesk.event_time_lag_ms"]
    assert lag_ms == pytest.approx(time.time() * 1000 - ARRIVED_MS + HOUR_MS, abs=10_000)
    assert values["wiredesk.model.encoder.model_time_us"] > 0
    for changing in ("wiredesk.event_time_lag_ms", "wiredesk.model.encoder.model_time_us"):
        grown.pop(changing, None)
    tokens = grown.pop("wiredesk.model.encoder.batched_tokens")
    assert 5 <= tokens <= 10
    assert grown == {
        "wiredesk.articles": 5,
        "wiredesk.enriched": 3,
        "wiredesk.dead_letters.not_avro.total": 1,
        "wiredesk.dead_letters.published_too_old.total": 1,
        "wiredesk.texts": 3,
        "wiredesk.cache_hits": 1,
        "wiredesk.uncovered_tasks.embedding.total": 1,
        "wiredesk.model.encoder.batches": 1,
        "wiredesk.model.encoder.batched_texts": 1,
    }


async def test_queue_and_devices_have_gauges(enrich):
    values = enrich.metrics.values
    assert values["wiredesk.model.encoder.queue_depth"] == 0
    assert values["wiredesk.model.encoder.devices_lost"] == 0
