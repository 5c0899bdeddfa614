"""Comments that a model fails on become dead letters, their personal data masked."""

import asyncio

import cloudpickle
import pytest
from inference_configs import INFERENCE
from pyflink.common import Row
from pyflink.common.time import Instant

from models.audience.queue import QueueRules
from models.audience.voices import unpacked
from models.comment_analyzer import CommentAnalyzer
from models.manifest import SHIPPED
from models.masker import Masker
from schemas.codec import RecordCodec
from schemas.comment import Comment
from schemas.errors import InferenceError
from schemas.topics import COMMENTS_ENRICHED, COMMENTS_RAW, DEAD_LETTERS
from udfs.enrich_comments import EnrichComments

ARRIVED_MS = 1_790_000_000_000


@pytest.fixture(scope="module")
def operator(new_runtime_context):
    built = EnrichComments(
        manifest=SHIPPED,
        non_commercial=False,
        analyzer=INFERENCE,
        masker=INFERENCE,
        mask_names=True,
        queue=QueueRules("audience", 0.5, {}, 60, {}, 0.9, personal_data=True),
        most_characters=60,
        future_tolerance_s=60,
        registry_url=None,
        registry_auth=None,
    )
    opened = cloudpickle.loads(cloudpickle.dumps(built))
    opened.open(new_runtime_context())
    yield opened
    opened.close()


def raw(text, comment_id="c1", **more):
    comment = Comment(
        comment_id=comment_id,
        article_id="a1",
        author_key="1." + "a" * 22,
        text=text,
        published_ms=ARRIVED_MS,
        **more,
    )
    value = RecordCodec(COMMENTS_RAW).encode(comment)
    key = comment_id.encode()
    return Row(key, value, COMMENTS_RAW.name, 0, 7, Instant.of_epoch_milli(ARRIVED_MS))


async def answered(operator, *rows):
    found = await asyncio.gather(*map(operator.async_invoke, rows))
    return [row for rows in found for row in rows]


async def test_comment_comes_out_with_its_record_its_voice_and_its_queue(operator):
    (row,) = await answered(operator, raw("Her phone is +1 202-555-0143, call her!", language="en"))
    dead, key, record, article_id, published_ms, ingested_ms, queue, voice = row
    assert (dead, key, article_id, published_ms, ingested_ms) == (
        False,
        b"c1",
        "a1",
        ARRIVED_MS,
        ARRIVED_MS,
    )
    comment = RecordCodec(COMMENTS_ENRICHED).decode(record)
    assert comment.text == "Her phone is [phone], call her!"
    assert queue == f"audience/{comment.language.code}"
    assert unpacked(voice).published_ms == ARRIVED_MS


async def test_datum_at_the_end_of_what_is_kept_is_not_cut_in_half(operator):
    (row,) = await answered(operator, raw("x" * 50 + " call +1 202-555-0143 and more of it"))
    comment = RecordCodec(COMMENTS_ENRICHED).decode(row[2])
    assert comment.truncated
    assert "202" not in comment.text


@pytest.mark.parametrize("broken", [CommentAnalyzer, Masker])
async def test_comment_that_a_model_fails_on_is_a_masked_dead_letter(operator, monkeypatch, broken):
    async def fail(*_):
        raise InferenceError("out of luck")

    monkeypatch.setattr(broken, "analyze" if broken is CommentAnalyzer else "find", fail)
    text = "My neighbour Gerald Whitcombe: +1 202-555-0143"
    (row,) = await answered(operator, raw(text))
    letter = RecordCodec(DEAD_LETTERS).decode(row[2])
    assert (row[0], letter.reason, letter.key, letter.offset) == (
        True,
        "inference_failed",
        b"c1",
        7,
    )
    assert RecordCodec(COMMENTS_RAW).decode(letter.value).text == "My neighbour [person]: [phone]"


async def test_value_of_nothing_under_a_key_is_a_deletion(operator):
    row = Row(b"c1", None, COMMENTS_RAW.name, 0, 7, Instant.of_epoch_milli(ARRIVED_MS))
    (found,) = await answered(operator, row)
    assert (found[0], found[1], found[2]) == (False, b"c1", b"")
