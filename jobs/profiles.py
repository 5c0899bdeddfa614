"""The job `profiles`: what readers do to what is known of them, and what all of them read."""

import zlib
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from pyflink.common import Row, Types
from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from jobs.runtime.arguments import settings_from_arguments
from jobs.runtime.click_lists import count_lists
from jobs.runtime.endpoints import (
    KAFKA_TIME,
    clock,
    kafka_sink,
    kafka_source,
    kafka_table_sink,
)
from jobs.runtime.profiles_settings import ProfilesSettings
from jobs.runtime.steps import step
from models.profiles.update import ProfileRules
from schemas.redis_keys import profile_key
from schemas.topics import (
    ARTICLES_ENRICHED,
    DEAD_LETTERS,
    USER_EVENTS,
    USERS_EMBEDDINGS,
)
from udfs.decode_events import DecodeEvents, direct_tag, signal_type
from udfs.extract_facts import ExtractFacts, facts_type
from udfs.join_articles import JoinArticles
from udfs.route_outcomes import dead_letters_tag, kafka_record_type
from udfs.update_profiles import UpdateProfiles, clicks_tag
from udfs.write_values import WriteValues

REDIS_SHARDS = 8
"""Pipelines at once; more would make each of them shorter."""


class Outputs(NamedTuple):
    """What the job produces: (key, value) of Kafka records; what is written to Redis is empty."""

    profiles: DataStream
    letters: DataStream
    written: DataStream
    written_lists: DataStream


def build(
    events: DataStream, articles: DataStream, tables: StreamTableEnvironment, s: ProfilesSettings
) -> Outputs:
    """
    events ── decode ─┬─ meet their article ─┬─ update ─┬─> profiles ── write ─> Redis
    articles ─────────│──────────┘           │          └── count in SQL ── write ─> Redis
                      ├─ need no article ────┘
                      └─> letters
    """
    registry = {
        "registry_url": s.schema_registry_url,
        "registry_auth": s.secret("schema_registry_auth"),
    }
    decoded = step(events.process(DecodeEvents(**registry), signal_type()), "profiles.decode")
    facts = step(articles.process(ExtractFacts(**registry), facts_type()), "profiles.facts")
    joiner = JoinArticles(keep_s=s.article_keep_s, wait_ms=s.article_wait_s * 1000)
    joined = step(
        decoded.connect(facts)
        .key_by(_article_of_event, _article_of_facts, Types.STRING())
        .process(joiner, signal_type()),
        "profiles.join",
    )
    profiles = step(
        joined.union(decoded.get_side_output(direct_tag()))
        .key_by(_reader, Types.STRING())
        .process(update_profiles(s), kafka_record_type()),
        "profiles.update",
    )
    written = step(
        profiles.key_by(_shard_of_profile, Types.INT()).process(
            write_values(s, partial(profile_entry, ttl_s=s.profile_retention_s)),
            kafka_record_type(),
        ),
        "profiles.redis",
    )
    clicks = profiles.get_side_output(clicks_tag())
    return Outputs(
        profiles,
        decoded.get_side_output(dead_letters_tag()),
        written,
        written_lists(clicks, tables, s),
    )


def update_profiles(s: ProfilesSettings) -> UpdateProfiles:
    """The updating operator as the settings want it."""
    return UpdateProfiles(
        keys_file=s.keys_file,
        rules=ProfileRules(
            long_half_life_ms=round(s.long_half_life_s * 1000),
            session_half_life_ms=round(s.session_half_life_s * 1000),
            retention_ms=s.profile_retention_s * 1000,
            events_per_minute=s.reader_events_per_minute,
            reads_max=s.reads_max,
            marks_max=s.event_ids_max,
        ),
        wait_ms=s.article_wait_s * 1000,
        fresh_ms=s.lists_fresh_s * 1000,
        registry_url=s.schema_registry_url,
        registry_auth=s.secret("schema_registry_auth"),
    )


def written_lists(
    clicks: DataStream, tables: StreamTableEnvironment, s: ProfilesSettings
) -> DataStream:
    """Count clicks by windows, and write the lists to Redis."""
    return step(
        count_lists(clicks, tables, s)
        .key_by(_shard_of_list, Types.INT())
        .process(write_values(s, list_entry), kafka_record_type()),
        "profiles.redis-lists",
    )


def write_values(
    s: ProfilesSettings, entry: Callable[[Row], tuple[str, bytes | None, int]]
) -> WriteValues:
    """A writing operator as the settings want it."""
    return WriteValues(
        entry,
        redis_url=s.redis_url.get_secret_value(),
        retry_s=s.redis_retry_s,
        every_ms=s.redis_batch_ms,
    )


def profile_entry(record: Row, ttl_s: int) -> tuple[str, bytes | None, int]:
    """What Redis holds of (key, value) of users.embeddings."""
    key, value = record
    return profile_key(bytes(key).decode()), value and bytes(value), ttl_s


def list_entry(counted: Row) -> tuple[str, bytes, int]:
    """What Redis holds of a counted list."""
    name, window_end_s, clicks, ttl_s = counted
    value = f'{{"window_end_ms": {window_end_s * 1000}, "clicks": {clicks}}}'
    return name, value.encode(), ttl_s


def _article_of_event(event: Row) -> str:
    return event[1]


def _article_of_facts(article: Row) -> str:
    return article[0]


def _reader(event: Row) -> str:
    return event[0]


def _shard_of_profile(record: Row) -> int:
    return zlib.crc32(bytes(record[0])) % REDIS_SHARDS


def _shard_of_list(counted: Row) -> int:
    return zlib.crc32(counted[0].encode()) % REDIS_SHARDS


def main() -> None:
    """Wire the job to Kafka and Redis and hand it to Flink."""
    s = settings_from_arguments("profiles", ProfilesSettings)
    env = StreamExecutionEnvironment.get_execution_environment()
    tables = StreamTableEnvironment.create(env)
    configure_tables(tables, s)
    ticks = clock(tables)
    events = kafka_source(tables, USER_EVENTS, s, event_time=KAFKA_TIME).union(ticks)
    articles = kafka_source(tables, ARTICLES_ENRICHED, s, event_time=KAFKA_TIME).union(ticks)
    outputs = build(events, articles, tables, s)
    kafka_table_sink(tables, outputs.profiles, USERS_EMBEDDINGS, s, "profiles.sink-profiles")
    step(outputs.letters.sink_to(kafka_sink(DEAD_LETTERS, s)), "profiles.sink-dead-letters")
    env.execute("wiredesk-profiles")


def configure_tables(tables: StreamTableEnvironment, s: ProfilesSettings) -> None:
    """Windows are told in UTC; a silent topic does not hold back the time of the others; what
    needs no second thread gets none.
    """
    config = tables.get_config()
    config.set("table.local-time-zone", "UTC")
    config.set("table.exec.source.idle-timeout", f"{s.source_idle_s} s")
    config.set("table.optimizer.agg-phase-strategy", "ONE_PHASE")


if __name__ == "__main__":
    main()
