"""The job `breaking`: enriched articles to stories, stories to alerts, as editors steer."""

import hashlib
from dataclasses import replace
from typing import Any, NamedTuple

from pyflink.common import Time, Types
from pyflink.datastream import (
    AsyncDataStream,
    DataStream,
    KeyedStream,
    StreamExecutionEnvironment,
)
from pyflink.table import StreamTableEnvironment

from jobs.runtime.arguments import settings_from_arguments
from jobs.runtime.breaking_settings import BreakingSettings
from jobs.runtime.endpoints import kafka_sink, kafka_source
from jobs.runtime.steps import step
from jobs.runtime.windows import count_per_window
from models.breaking import desks, scorer
from models.breaking.commands import Place
from models.breaking.watching import Terms
from models.stories import cluster
from models.stories.neighbourhood import Tidying
from schemas.topics import (
    ALERTS_BREAKING,
    ARTICLES_ENRICHED,
    DEAD_LETTERS,
    EDITORIAL_AUDIT,
    EDITORIAL_CONTROL,
    QUALITY_SIGNALS,
    STORIES,
    STORIES_ARTICLES,
)
from udfs.address_windows import AddressWindows
from udfs.place_articles import (
    PlaceArticles,
    mentions_tag,
    news_for_desks_tag,
    news_for_telling_tag,
)
from udfs.read_articles import ReadArticles, addressed_type
from udfs.read_commands import (
    AcceptCommands,
    ReadCommands,
    audit_tag,
    commands_tag,
    keyed_command_type,
)
from udfs.route_outcomes import dead_letters_tag, kafka_record_type
from udfs.tell_stories import TellStories, shard_of
from udfs.watch_desks import WatchDesks, signals_tag
from udfs.write_alerts import WriteAlerts

NO_TIMEOUT = Time.milliseconds(0)
"""Any other value costs a timer for each record (PyFlink 2.3)."""

TELL_EVERY_MS = 1000
DAY_S = 24 * 3600


class Outputs(NamedTuple):
    """What the job produces, each Row(key, value) of a Kafka record; `written` is empty.

    heard  what stories are told from, `addressed_type`: news, scores, judged windows
    """

    stories: DataStream
    placed: DataStream
    alerts: DataStream
    audit: DataStream
    letters: DataStream
    signals: DataStream
    written: DataStream
    heard: DataStream


def build(raws: DataStream, orders: DataStream, s: BreakingSettings) -> Outputs:
    """raws ─ read ─ place ─┬─────────────────────────────> placed
                       │    ├─ count per window ─┐
    orders ─ accept ───┴────┴────────────────────┴─ watch ─┬─> alerts
                                                           └─ tell ─> stories
    Stories, where their articles went, and alerts also go to Redis.
    """
    articles = step(raws.process(read_articles(s), addressed_type()), "breaking.read")
    given = step(orders.process(read_commands(s), keyed_command_type()), "breaking.commands")
    accepted = step(_by_key(given).process(accept_commands(s)), "breaking.accept")
    for_stories, for_desks, for_telling = (
        accepted.get_side_output(commands_tag(place))
        for place in (Place.STORIES, Place.DESK, Place.TELLING)
    )
    placed = step(
        _by_key(articles.union(for_stories)).process(place_articles(s), kafka_record_type()),
        "breaking.place",
    )
    counted = count_per_window(placed.get_side_output(mentions_tag()), s.window_lateness_s)
    windows = step(counted.process(address_windows(s), addressed_type()), "breaking.windows")
    news = placed.get_side_output(news_for_desks_tag())
    alerts = step(
        _by_key(news.union(windows, for_desks)).process(watch_desks(s), kafka_record_type()),
        "breaking.watch",
    )
    said = placed.get_side_output(news_for_telling_tag())
    judged = alerts.get_side_output(news_for_telling_tag())
    stories = step(
        said.union(judged, for_telling)
        .key_by(shard_of, Types.STRING())
        .process(tell_stories(s), kafka_record_type()),
        "breaking.tell",
    )
    return Outputs(
        stories=stories,
        placed=placed,
        alerts=alerts,
        audit=_answers(accepted, placed, alerts, stories),
        letters=_letters(articles, given),
        signals=alerts.get_side_output(signals_tag()),
        written=_written(alerts, s),
        heard=said.union(judged),
    )


def _by_key(stream: DataStream) -> KeyedStream:
    """By the first field, text."""
    return stream.key_by(lambda row: row[0], Types.STRING())


def _answers(first: DataStream, *more: DataStream) -> DataStream:
    """Answers to commands, wherever they are given."""
    rest = (each.get_side_output(audit_tag()) for each in more)
    return first.get_side_output(audit_tag()).union(*rest)


def _letters(articles: DataStream, given: DataStream) -> DataStream:
    """Records of both topics that are none."""
    return articles.get_side_output(dead_letters_tag()).union(
        given.get_side_output(dead_letters_tag())
    )


def _written(alerts: DataStream, s: BreakingSettings) -> DataStream:
    """Alerts to Redis; stories are written where they are told."""
    return step(
        AsyncDataStream.unordered_wait(
            alerts, write_alerts(s), NO_TIMEOUT, s.in_flight_max, kafka_record_type()
        ),
        "breaking.redis-alerts",
    )


def redis_of(s: BreakingSettings) -> dict[str, Any]:
    """How Redis is written, as the settings want it."""
    return {
        "redis_url": s.redis_url.get_secret_value(),
        "ttl_s": s.redis_ttl_s,
        "retry_s": s.redis_retry_s,
    }


def write_alerts(s: BreakingSettings) -> WriteAlerts:
    """The operator that writes alerts as the settings want it."""
    return WriteAlerts(
        **redis_of(s),
        registry_url=s.schema_registry_url,
        registry_auth=s.secret("schema_registry_auth"),
    )


def read_articles(s: BreakingSettings) -> ReadArticles:
    """The reading operator as the settings want it."""
    return ReadArticles(
        ahead_ms=s.ahead_tolerance_s * 1000,
        future_ms=s.future_tolerance_s * 1000,
        registry_url=s.schema_registry_url,
        registry_auth=s.secret("schema_registry_auth"),
    )


def read_commands(s: BreakingSettings) -> ReadCommands:
    """The operator that reads commands as the settings want it."""
    return ReadCommands(
        registry_url=s.schema_registry_url, registry_auth=s.secret("schema_registry_auth")
    )


def accept_commands(s: BreakingSettings) -> AcceptCommands:
    """The gate of commands as the settings want it."""
    return AcceptCommands(
        desks=[desk.name for desk in the_desks(s)],
        memory_s=s.command_memory_s,
        registry_url=s.schema_registry_url,
        registry_auth=s.secret("schema_registry_auth"),
    )


def place_articles(s: BreakingSettings) -> PlaceArticles:
    """The placing operator as the settings want it."""
    clustering = cluster.read(s.stories_file or cluster.SHIPPED)
    return PlaceArticles(
        clustering=replace(clustering, window_ms=s.story_window_s * 1000),
        tidying=Tidying(every_ms=s.tidy_every_s * 1000),
        desks=the_desks(s),
        memory_s=s.story_window_s + DAY_S,
        registry_url=s.schema_registry_url,
        registry_auth=s.secret("schema_registry_auth"),
    )


def address_windows(s: BreakingSettings) -> AddressWindows:
    """The operator that hands windows to desks as the settings want it."""
    return AddressWindows(desks=[desk.name for desk in the_desks(s)])


def watch_desks(s: BreakingSettings) -> WatchDesks:
    """The alerting operator as the settings want it."""
    scorer_file = s.scorer_file or scorer.SHIPPED
    stories_file = s.stories_file or cluster.SHIPPED
    version = scorer.read(scorer_file).version
    return WatchDesks(
        desks=the_desks(s),
        scorer_file=scorer_file,
        terms=Terms(
            alert_ms=s.alert_lifetime_s * 1000,
            mute_ms=s.default_mute_s * 1000,
            stale_ms=s.stale_after_s * 1000,
            model_versions={
                "scorer": version,
                "calibrator": version,
                "stories": hashlib.sha256(stories_file.read_bytes()).hexdigest()[:12],
            },
        ),
        registry_url=s.schema_registry_url,
        registry_auth=s.secret("schema_registry_auth"),
    )


def tell_stories(s: BreakingSettings) -> TellStories:
    """The telling operator as the settings want it."""
    return TellStories(
        redis=redis_of(s) | {"top": s.top_stories},
        every_ms=TELL_EVERY_MS,
        pin_ms=s.default_mute_s * 1000,
        memory_s=s.story_window_s + DAY_S,
        registry_url=s.schema_registry_url,
        registry_auth=s.secret("schema_registry_auth"),
    )


def the_desks(s: BreakingSettings) -> tuple[desks.Desk, ...]:
    """The desks that are alerted."""
    return desks.read(s.desks_file or desks.SHIPPED)


def main() -> None:
    """Wire the job to Kafka and Redis and hand it to Flink."""
    s = settings_from_arguments("breaking", BreakingSettings)
    env = StreamExecutionEnvironment.get_execution_environment()
    tables = StreamTableEnvironment.create(env)
    raws = kafka_source(tables, ARTICLES_ENRICHED, s)
    orders = kafka_source(tables, EDITORIAL_CONTROL, s)
    outputs = build(raws, orders, s)
    for stream, topic in zip(outputs, SINKS, strict=False):
        step(stream.sink_to(kafka_sink(topic, s)), f"breaking.sink-{topic.name}")
    env.execute("wiredesk-breaking")


SINKS = (
    STORIES,
    STORIES_ARTICLES,
    ALERTS_BREAKING,
    EDITORIAL_AUDIT,
    DEAD_LETTERS,
    QUALITY_SIGNALS,
)
"""Where the first of `Outputs` go; what is written is in Redis already."""

if __name__ == "__main__":
    main()
