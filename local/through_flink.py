"""The job `breaking` over a file's articles, in a Flink of its own: bounded, without Kafka.

The whole job runs, as `jobs.breaking.build` wires it, beside a Redis that ends with it. Only the
ends differ: articles come from memory, and what comes out is collected.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from pyflink.common import Configuration, Row, Types
from pyflink.common.time import Instant
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import DataStream, StreamExecutionEnvironment

from jobs import breaking
from jobs.runtime.breaking_settings import BreakingSettings
from jobs.runtime.modes import EXECUTION_MODE, in_worker
from jobs.runtime.settings import load
from local import redis_server
from local.errors import StackError
from local.ports import HOST, any_free
from local.process import wait_until
from local.submission import overlay
from models.packing import unpack
from models.stories import neighbourhood
from models.stories.neighbourhood import News
from schemas.codec import RecordCodec
from schemas.editorial import EditorialCommand
from schemas.enriched_article import EnrichedArticle
from schemas.story import StoryArticle, StoryScore
from schemas.topics import (
    ALERTS_BREAKING,
    ARTICLES_ENRICHED,
    EDITORIAL_AUDIT,
    EDITORIAL_CONTROL,
    STORIES,
    STORIES_ARTICLES,
    STORIES_DEMAND,
    Topic,
)
from udfs.addressing import messages

CHANGES = ("merged", "parted")
"""News that is collected: the rest follows from where articles went."""

MOMENT = 16
"""Articles that are read at once."""

OCTETS = "latin-1"

CONFIGURATION = {
    "rest.bind-address": HOST,
    "rest.port": "0",
    "restart-strategy.type": "none",
    "python.executable": sys.executable,
    "python.client.executable": sys.executable,
    "python.fn-execution.bundle.time": "10",
}


class Ran(NamedTuple):
    """What the job gave, each list in its order.

    records  of its topics, decoded, by the topic's name
    news     merges and splits of stories
    scores   of stories, with the story's id
    """

    records: dict[str, list[Any]]
    news: list[News]
    scores: list[tuple[str, StoryScore]]

    @property
    def placed(self) -> list[StoryArticle]:
        """Where articles went."""
        return self.records[STORIES_ARTICLES.name]


def run(
    articles: Iterable[EnrichedArticle],
    overrides: Sequence[str] = (),
    commands: Iterable[EditorialCommand] = (),
    *,
    parallelism: int = 1,
) -> Ran:
    """Run the job over articles in the order of their arrival.

    overrides    settings, `key=value`
    commands     of editors; they and the articles come side by side, in no order
    parallelism  above 1 the job's readers share the articles, whose order is lost between them
    """
    with TemporaryDirectory(prefix="wiredesk-") as folder, _redis(Path(folder)) as port:
        redis_url = f"redis_url=redis://{HOST}:{port}/0"
        settings = load(BreakingSettings, environment={}, overrides=[redis_url, *overrides])
        env = _mini_cluster(parallelism)
        inputs = breaking.Inputs(
            _gathered_source(env, articles),
            _source(env, EDITORIAL_CONTROL, commands),
            _source(env, STORIES_DEMAND, ()),
        )
        return _collected(breaking.build(inputs, settings))


def _collected(outputs: breaking.Outputs) -> Ran:
    """Run to the end of the articles."""
    streams = [
        _named(stream, topic)
        for stream, topic in (
            (outputs.stories, STORIES),
            (outputs.placed, STORIES_ARTICLES),
            (outputs.alerts, ALERTS_BREAKING),
            (outputs.audit, EDITORIAL_AUDIT),
        )
    ]
    with in_worker(outputs.heard):
        heard = outputs.heard.flat_map(_of_interest, _collected_type()).start_new_chain()
    topics = (STORIES, STORIES_ARTICLES, ALERTS_BREAKING, EDITORIAL_AUDIT)
    codecs = {topic.name: RecordCodec(topic) for topic in topics}
    ran = Ran({name: [] for name in codecs}, [], [])
    with heard.union(*streams).execute_and_collect("wiredesk-breaking-replay") as rows:
        for name, key, text in rows:
            value = text.encode(OCTETS)
            if name == "news":
                ran.news.append(neighbourhood.from_bytes(value))
            elif name == "scored":
                ran.scores.append((key, StoryScore(**unpack(value))))
            else:
                ran.records[name].append(codecs[name].decode(value))
    return ran


def _named(stream: DataStream, topic: Topic) -> DataStream:
    name = topic.name
    with in_worker(stream):
        named = stream.map(lambda record: Row(name, "", _text(record[1])), _collected_type())
        return named.start_new_chain()


def _of_interest(addressed: Row) -> Iterator[Row]:
    """Scores, and the news in CHANGES."""
    for name, kind, payload in messages(addressed[1]):
        wanted = kind == "news" and neighbourhood.from_bytes(payload).kind in CHANGES
        if wanted or kind == "scored":
            yield Row(kind, name, _text(payload))


def _gathered_source(
    env: StreamExecutionEnvironment, articles: Iterable[EnrichedArticle]
) -> DataStream:
    """Articles as the job gathers them from Kafka."""
    values = [*map(RecordCodec(ARTICLES_ENRICHED).encode, articles)]
    starts = range(0, len(values), MOMENT)
    moments = [_moment(values[start : start + MOMENT], start) for start in starts]
    return env.from_collection(moments, _moment_type())


def _moment(values: Sequence[bytes], start: int) -> Row:
    count = len(values)
    return Row(0, [b""] * count, [*values], [*range(start, start + count)], [0] * count)


def _source(env: StreamExecutionEnvironment, topic: Topic, records: Iterable[Any]) -> DataStream:
    """Records as Kafka gives them to the job."""
    codec = RecordCodec(topic)
    arrived = Instant.of_epoch_milli(0)
    rows = [
        Row(b"", codec.encode(record), topic.name, 0, offset, arrived)
        for offset, record in enumerate(records)
    ]
    return env.from_collection(rows, _raw_type())


def _moment_type() -> TypeInformation:
    octets = Types.OBJECT_ARRAY(Types.PRIMITIVE_ARRAY(Types.BYTE()))
    numbers = Types.OBJECT_ARRAY(Types.LONG())
    return Types.ROW_NAMED(
        ["partition", "keys", "values", "offsets", "times"],
        [Types.INT(), octets, octets, numbers, numbers],
    )


def _raw_type() -> TypeInformation:
    octets = Types.PRIMITIVE_ARRAY(Types.BYTE())
    return Types.ROW_NAMED(
        ["key", "value", "topic", "partition", "offset", "timestamp"],
        [octets, octets, Types.STRING(), Types.INT(), Types.LONG(), Types.INSTANT()],
    )


def _collected_type() -> TypeInformation:
    """Bytes travel as text, a character each: arrays come back as signed numbers (PyFlink 2.3)."""
    text = Types.STRING()
    return Types.ROW_NAMED(["name", "key", "value"], [text, text, text])


def _text(octets: bytes) -> str:
    return bytes(octets).decode(OCTETS)


def _mini_cluster(parallelism: int) -> StreamExecutionEnvironment:
    """A Flink inside this process's JVM; its Python workers are threads of this process, and the
    job's operators run in the mode that it runs in elsewhere.
    """
    # thread mode takes the first Python on the path of the JVM, which starts with what follows
    python = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([python, os.environ.get("PATH", "")])
    configuration = Configuration()
    sizes = {
        "taskmanager.numberOfTaskSlots": str(max(2, parallelism)),
        "parallelism.default": str(parallelism),
    }
    mode = {EXECUTION_MODE: overlay("breaking")[EXECUTION_MODE]}
    for key, value in (CONFIGURATION | sizes | mode).items():
        configuration.set_string(key, value)
    return StreamExecutionEnvironment.get_execution_environment(configuration)


@contextmanager
def _redis(folder: Path) -> Iterator[int]:
    """The port of a server of its own."""
    port = any_free(avoid=set())
    server = subprocess.Popen(redis_server.command(folder, port), stdout=subprocess.DEVNULL)
    try:
        if not wait_until(lambda: redis_server.answers(port), timeout_s=10, every_s=0.02):
            raise StackError(f"redis-server did not answer on port {port} within 10 s")
        yield port
    finally:
        server.kill()
        server.wait()
