"""The job `profiles`: what readers do to what is known of them, and what all of them read."""

import zlib
from typing import NamedTuple

from pyflink.common import Row, Types
from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from jobs.runtime.arguments import run, settings_from_arguments
from jobs.runtime.click_demand import count_demand
from jobs.runtime.click_lists import count_lists
from jobs.runtime.endpoints import (
    KAFKA_TIME,
    clock,
    kafka_sink,
    kafka_source,
    kafka_table_sink,
)
from jobs.runtime.gathering import ARRIVAL, gathered
from jobs.runtime.prerequisites import require_redis
from jobs.runtime.profiles_settings import ProfilesSettings
from jobs.runtime.steps import step
from jobs.runtime.streams import keyed, side_output
from models.profiles.fold import FoldRules
from models.profiles.update import ProfileRules
from schemas.topics import (
    ARTICLES_ENRICHED,
    DEAD_LETTERS,
    STORIES_ARTICLES,
    STORIES_DEMAND,
    USER_EVENTS,
    USERS_EMBEDDINGS,
)
from udfs.decode_events import DecodeEvents, meeting_tag, passing_type
from udfs.extract_facts import ExtractFacts, facts_type
from udfs.extract_placements import ExtractPlacements
from udfs.join_articles import JoinArticles
from udfs.route_outcomes import dead_letters_tag, kafka_record_type
from udfs.tell_demand import TellDemand
from udfs.update_profiles import UpdateProfiles, clicks_tag
from udfs.write_values import WriteValues

LIST_SHARDS = 8
"""Pipelines of lists at once; more would make each of them shorter."""


class Inputs(NamedTuple):
    """What the job reads, each Row(key, value, topic, partition, offset, timestamp)."""

    events: DataStream
    articles: DataStream
    placements: DataStream


class Outputs(NamedTuple):
    """What the job produces: (key, value) of Kafka records; what is written to Redis is empty."""

    profiles: DataStream
    demand: DataStream
    letters: DataStream
    written_lists: DataStream


def build(inputs: Inputs, tables: StreamTableEnvironment, s: ProfilesSettings) -> Outputs:
    """
    events ─ gather ─ decode ─┬─ meet their article ─┬─ gather ─ update ─┬─> profiles, Redis
    articles ──┬──────────────│──────────┘           │                   └── count in SQL
    placements ┘              ├─ need no article ────┘                       ├─ write ─> Redis
                              └─> letters                                    └─ tell ─> demand
    """
    arrivals = gathered(
        inputs.events,
        tables,
        "profiles.gather-arrivals",
        by="partition",
        lists=ARRIVAL,
        every_ms=s.events_every_ms,
    )
    decoded = step(
        arrivals.process(DecodeEvents(**s.registry()), passing_type()), "profiles.decode"
    )
    facts = step(
        inputs.articles.process(ExtractFacts(**s.registry()), facts_type()), "profiles.facts"
    )
    placements = step(
        inputs.placements.process(ExtractPlacements(**s.registry()), facts_type()),
        "profiles.placements",
    )
    joiner = JoinArticles(keep_s=s.article_keep_s, wait_ms=s.article_wait_s * 1000)
    known = keyed(facts.union(placements))
    meeting = keyed(side_output(decoded, meeting_tag())).connect(known)
    joined = step(meeting.process(joiner, passing_type()), "profiles.join")
    moments = gathered(
        decoded.union(joined),
        tables,
        "profiles.gather-readers",
        by="shard",
        lists={"events": "`events`"},
        every_ms=s.profile_every_ms,
    ).key_by(_shard_of_moment, Types.INT())
    profiles = step(moments.process(update_profiles(s), kafka_record_type()), "profiles.update")
    clicks = side_output(profiles, clicks_tag())
    letters = side_output(decoded, dead_letters_tag()).union(
        side_output(placements, dead_letters_tag())
    )
    return Outputs(
        profiles, told_demand(clicks, tables, s), letters, written_lists(clicks, tables, s)
    )


def update_profiles(s: ProfilesSettings) -> UpdateProfiles:
    """The updating operator as the settings want it."""
    profile_rules = ProfileRules(
        long_half_life_ms=round(s.long_half_life_s * 1000),
        session_half_life_ms=round(s.session_half_life_s * 1000),
        retention_ms=s.profile_retention_s * 1000,
        events_per_minute=s.reader_events_per_minute,
        reads_max=s.reads_max,
        marks_max=s.event_ids_max,
    )
    return UpdateProfiles(
        keys_file=s.keys_file,
        rules=FoldRules(
            profile_rules, wait_ms=s.article_wait_s * 1000, fresh_ms=s.lists_fresh_s * 1000
        ),
        redis_url=s.redis_url.get_secret_value(),
        retry_s=s.redis_retry_s,
        **s.registry(),
    )


def told_demand(
    clicks: DataStream, tables: StreamTableEnvironment, s: ProfilesSettings
) -> DataStream:
    """Count who comes to which story by windows, and tell it."""
    teller = TellDemand(every_s=s.demand_every_s, most=s.demand_max, **s.registry())
    return step(
        count_demand(clicks, tables, s).process(teller, kafka_record_type()),
        "profiles.tell-demand",
    )


def written_lists(
    clicks: DataStream, tables: StreamTableEnvironment, s: ProfilesSettings
) -> DataStream:
    """Count clicks by windows, and write the lists to Redis."""
    writer = WriteValues(
        list_entry,
        redis_url=s.redis_url.get_secret_value(),
        retry_s=s.redis_retry_s,
        every_ms=s.redis_batch_ms,
    )
    return step(
        count_lists(clicks, tables, s)
        .key_by(_shard_of_list, Types.INT())
        .process(writer, kafka_record_type()),
        "profiles.redis-lists",
    )


def list_entry(counted: Row) -> tuple[str, bytes, int]:
    """What Redis holds of a counted list."""
    name, window_end_s, clicks, ttl_s = counted
    value = f'{{"window_end_ms": {window_end_s * 1000}, "clicks": {clicks}}}'
    return name, value.encode(), ttl_s


def _shard_of_moment(moment: Row) -> int:
    shard: int = moment[0]
    return shard


def _shard_of_list(counted: Row) -> int:
    return zlib.crc32(counted[0].encode()) % LIST_SHARDS


def main() -> None:
    """Wire the job to Kafka and Redis and hand it to Flink."""
    s = settings_from_arguments("profiles", ProfilesSettings)
    require_redis(s)
    env = StreamExecutionEnvironment.get_execution_environment()
    tables = StreamTableEnvironment.create(env)
    configure_tables(tables, s)
    ticks = clock(tables)
    inputs = Inputs(
        *(
            kafka_source(tables, topic, s, event_time=KAFKA_TIME).union(ticks)
            for topic in (USER_EVENTS, ARTICLES_ENRICHED, STORIES_ARTICLES)
        )
    )
    outputs = build(inputs, tables, s)
    kafka_table_sink(tables, outputs.profiles, USERS_EMBEDDINGS, s, "profiles.sink-profiles")
    step(outputs.demand.sink_to(kafka_sink(STORIES_DEMAND, s)), "profiles.sink-demand")
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
    run("profiles", main)
