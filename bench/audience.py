"""How fast comments are analysed: the analyzer alone, the job from Kafka to Kafka, its latency.

Texts are made of words, each comment another one, so that no cache answers; 8 to 30 words, as most
comments have.
"""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

from kafka.consumer.fetcher import ConsumerRecord

from bench.passage import Passage
from bench.reading import Latency, Progress, untold
from models.comment_analyzer import CommentAnalyzer
from schemas.codec import RecordCodec
from schemas.comment import Comment, EnrichedComment
from schemas.topics import COMMENTS_ENRICHED, COMMENTS_RAW

ARTICLES = 50
AUTHORS = 1_000
RATE = 20.0
"""Comments a second of the latency run."""
GOAL = 600.0
"""Comments a second of the backlog's event time: what the job is to keep up with."""

_AT_ONCE = 512
_OPENINGS = (
    "I really think that", "What a shame that", "Thank you for telling us how",
    "So now we know that", "Nobody believes that", "It makes me angry that",
    "I am so happy to read that",
    "My family has always said that", "Please explain to me why", "As a nurse I can tell you that",
)  # fmt: skip
_MIDDLES = (
    "the council", "this newspaper", "the harbour company", "our mayor", "the new bridge",
    "the school board", "the team", "everybody in this town", "the night bus", "the hospital",
)  # fmt: skip
_ENDINGS = (
    "never listens to people like us", "did a wonderful job last night", "will cost us a fortune",
    "should have been stopped years ago", "is the best thing that happened this year",
    "lies whenever it is convenient", "needs more money and more people", "was closed again today",
    "makes me proud of where I live", "frightens my children every single evening",
)  # fmt: skip


def comments(
    count: int, run: str, rate: float = GOAL, *, from_now_on: bool = False
) -> list[Comment]:
    """Comments of one run, each with a text of its own; ids start with `run`.

    rate         comments a second by their own clock
    from_now_on  whether the first is published now, for a run that sends them as they come; else
                 the last is
    """
    chance = random.Random(run)
    began_ms = time.time_ns() // 1_000_000 - (0 if from_now_on else round(count * 1000 / rate))
    made = []
    for number in range(count):
        sentences = [
            f"{chance.choice(_OPENINGS)} {chance.choice(_MIDDLES)} {chance.choice(_ENDINGS)}"
            for _ in range(chance.choice((1, 1, 1, 2, 2)))
        ]
        made.append(
            Comment(
                comment_id=f"{run}-{number}",
                article_id=f"bench-{chance.randrange(ARTICLES)}",
                author_key=f"1.{chance.randrange(AUTHORS):022d}",
                text=f"{'. '.join(sentences)}, {chance.randrange(10_000)} times.",
                published_ms=began_ms + round(number * 1000 / rate),
            )
        )
    return made


def analyzer_alone(analyzer: CommentAnalyzer, batch: Sequence[Comment]) -> float:
    """Comments a second of the analyzer in memory, `_AT_ONCE` in work. No Kafka, no Flink."""

    async def analyse() -> float:
        free = asyncio.Semaphore(_AT_ONCE)

        async def one(text: str) -> None:
            async with free:
                await analyzer.analyze(text)

        started = time.perf_counter()
        await asyncio.gather(*(one(comment.text) for comment in batch))
        return len(batch) / (time.perf_counter() - started)

    return asyncio.run(analyse())


def through_job(
    kafka: Mapping[str, Any], came: dict[str, EnrichedComment] | None = None
) -> Passage:
    """The way of comments through the running job.

    came  takes what is read, by id: the key of an enriched comment is its article's
    """
    codec, noted = RecordCodec(COMMENTS_ENRICHED), {} if came is None else came

    def identify(record: ConsumerRecord) -> str:
        comment = codec.decode(record.value)
        noted.setdefault(comment.comment_id, comment)
        return comment.comment_id

    return Passage(kafka, "audience", COMMENTS_RAW, COMMENTS_ENRICHED, "comment_id", identify)


def stages(
    kafka: Mapping[str, Any], batch: Sequence[Comment], rate: float, progress: Progress = untold
) -> dict[str, Latency]:
    """Latency of the running job at `rate` comments a second, whole ("") and by stage: until the
    broker has a comment, until its analysis is there, until it is read as told.
    """
    came: dict[str, EnrichedComment] = {}
    received, sent = through_job(kafka, came).paced(batch, rate, progress)
    read_ms = {name: moment * 1000 for name, moment in received.moments.items()}
    return {
        "": received.latency(sent),
        "sent_": Latency.of([came[i].ingested_ms - at * 1000 for i, at in sent.items()]),
        "analysed_": Latency.of([came[i].enriched_ms - came[i].ingested_ms for i in sent]),
        "told_": Latency.of([read_ms[i] - came[i].enriched_ms for i in sent]),
    }
