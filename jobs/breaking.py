"""The job `breaking`: enriched articles to stories, stories to alerts, as editors steer."""

import hashlib
from dataclasses import replace
from typing import NamedTuple

from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from jobs.runtime.arguments import run, settings_from_arguments
from jobs.runtime.breaking_settings import BreakingSettings
from jobs.runtime.endpoints import KAFKA_TIME, kafka_sink, kafka_source
from jobs.runtime.gathering import ARRIVAL, gathered
from jobs.runtime.modes import in_worker
from jobs.runtime.prerequisites import require_redis
from jobs.runtime.steps import step
from jobs.runtime.streams import awaited, keyed, side_output
from jobs.runtime.windows import count_per_window
from models.breaking import desks, scorer
from models.breaking.commands import Place
from models.breaking.watching import Terms
from models.stories import clustering
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
    STORIES_DEMAND,
    Topic,
)
from udfs.address_windows import AddressWindows
from udfs.addressing import addressed_type
from udfs.place_articles import (
    PlaceArticles,
    mentions_tag,
    news_for_desks_tag,
    news_for_telling_tag,
)
from udfs.read_articles import ReadArticles
from udfs.read_commands import (
    AcceptCommands,
    ReadCommands,
    audit_tag,
    commands_tag,
    keyed_command_type,
)
from udfs.read_demand import ReadDemand
from udfs.route_outcomes import dead_letters_tag, kafka_record_type
from udfs.tell_stories import TellStories
from udfs.watch_desks import WatchDesks, signals_tag
from udfs.write_alerts import WriteAlerts

TELL_EVERY_MS = 1000
DAY_S = 24 * 3600


class Inputs(NamedTuple):
    """What the job reads, each Row(key, value, topic, partition, offset, timestamp).

    articles  those of a moment at once: Row(partition, keys, values, offsets, times)
    """

    articles: DataStream
    commands: DataStream
    demand: DataStream


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

    def by_topic(self) -> list[tuple[Topic, DataStream]]:
        """Where each goes."""
        return [
            (STORIES, self.stories),
            (STORIES_ARTICLES, self.placed),
            (ALERTS_BREAKING, self.alerts),
            (EDITORIAL_AUDIT, self.audit),
            (DEAD_LETTERS, self.letters),
            (QUALITY_SIGNALS, self.signals),
        ]


def build(inputs: Inputs, s: BreakingSettings) -> Outputs:
    """articles ─ read ─ place ─┬─────────────────────────────> placed
                           │    ├─ count per window ─┐
    commands ─ accept ─────┴────┴────────────────────┼─ watch ─┬─> alerts
    demand ─ read ───────────────────────────────────┘         └─ tell ─> stories
    Stories, where their articles went, and alerts also go to Redis.
    """
    articles = step(inputs.articles.process(read_articles(s), addressed_type()), "breaking.read")
    demand = step(inputs.demand.process(read_demand(s), addressed_type()), "breaking.demand")
    given = step(
        inputs.commands.process(read_commands(s), keyed_command_type()), "breaking.commands"
    )
    accepted = step(keyed(given).process(accept_commands(s)), "breaking.accept")
    for_stories, for_desks, for_telling = (
        side_output(accepted, commands_tag(place))
        for place in (Place.STORIES, Place.DESK, Place.TELLING)
    )
    placed = step(
        keyed(articles.union(for_stories)).process(place_articles(s), kafka_record_type()),
        "breaking.place",
    )
    counted = count_per_window(side_output(placed, mentions_tag()), s.window_lateness_s)
    windows = step(counted.process(address_windows(s), addressed_type()), "breaking.windows")
    news = side_output(placed, news_for_desks_tag())
    alerts = step(
        keyed(news.union(windows, for_desks, demand)).process(watch_desks(s), kafka_record_type()),
        "breaking.watch",
    )
    said = side_output(placed, news_for_telling_tag())
    judged = side_output(alerts, news_for_telling_tag())
    stories = step(
        keyed(said.union(judged, for_telling)).process(tell_stories(s), kafka_record_type()),
        "breaking.tell",
    )
    return Outputs(
        stories=stories,
        placed=placed,
        alerts=alerts,
        audit=_answers(accepted, placed, alerts, stories),
        letters=_letters(articles, given, demand),
        signals=side_output(alerts, signals_tag()),
        written=_written(alerts, s),
        heard=said.union(judged),
    )


def _answers(first: DataStream, *more: DataStream) -> DataStream:
    """Answers to commands, wherever they are given."""
    rest = (side_output(each, audit_tag()) for each in more)
    return side_output(first, audit_tag()).union(*rest)


def _letters(first: DataStream, *more: DataStream) -> DataStream:
    """Records of any topic that are none."""
    rest = (side_output(each, dead_letters_tag()) for each in more)
    return side_output(first, dead_letters_tag()).union(*rest)


def _written(alerts: DataStream, s: BreakingSettings) -> DataStream:
    """Alerts to Redis; stories are written where they are told."""
    with in_worker(alerts):
        writing = awaited(alerts, write_alerts(s), s.in_flight_max, kafka_record_type())
        return step(writing.start_new_chain(), "breaking.redis-alerts")


def write_alerts(s: BreakingSettings) -> WriteAlerts:
    """The operator that writes alerts as the settings want it."""
    return WriteAlerts(**s.redis(), **s.registry())


def read_articles(s: BreakingSettings) -> ReadArticles:
    """The reading operator as the settings want it."""
    return ReadArticles(
        ahead_ms=s.ahead_tolerance_s * 1000,
        future_ms=s.future_tolerance_s * 1000,
        **s.registry(),
    )


def read_commands(s: BreakingSettings) -> ReadCommands:
    """The operator that reads commands as the settings want it."""
    return ReadCommands(**s.registry())


def read_demand(s: BreakingSettings) -> ReadDemand:
    """The operator that hands readers' demand to desks as the settings want it."""
    return ReadDemand(
        desks=[desk.name for desk in the_desks(s)],
        **s.registry(),
    )


def accept_commands(s: BreakingSettings) -> AcceptCommands:
    """The gate of commands as the settings want it."""
    return AcceptCommands(
        desks=[desk.name for desk in the_desks(s)],
        memory_s=s.command_memory_s,
        **s.registry(),
    )


def place_articles(s: BreakingSettings) -> PlaceArticles:
    """The placing operator as the settings want it."""
    decisions = clustering.read(s.stories_file or clustering.SHIPPED)
    return PlaceArticles(
        clustering=replace(decisions, window_ms=s.story_window_s * 1000),
        tidying=Tidying(every_ms=s.tidy_every_s * 1000),
        desks=the_desks(s),
        memory_s=s.story_window_s + DAY_S,
        **s.registry(),
    )


def address_windows(s: BreakingSettings) -> AddressWindows:
    """The operator that hands windows to desks as the settings want it."""
    return AddressWindows(desks=[desk.name for desk in the_desks(s)])


def watch_desks(s: BreakingSettings) -> WatchDesks:
    """The alerting operator as the settings want it. Raises SettingError where readers are to raise
    alerts and the scorer cannot score them.
    """
    scorer_file = s.scorer_file or scorer.SHIPPED
    stories_file = s.stories_file or clustering.SHIPPED
    known, its_desks = scorer.read(scorer_file), the_desks(s)
    if any(desk.reader_outcome for desk in its_desks):
        scorer.require_for_readers(known)
    return WatchDesks(
        desks=its_desks,
        scorer_file=scorer_file,
        terms=Terms(
            alert_ms=s.alert_lifetime_s * 1000,
            mute_ms=s.default_mute_s * 1000,
            stale_ms=s.stale_after_s * 1000,
            model_versions={
                "scorer": known.version,
                "calibrator": known.version,
                "stories": hashlib.sha256(stories_file.read_bytes()).hexdigest()[:12],
            },
        ),
        **s.registry(),
    )


def tell_stories(s: BreakingSettings) -> TellStories:
    """The telling operator as the settings want it."""
    return TellStories(
        desks=[desk.name for desk in the_desks(s)],
        redis=s.redis() | {"top": s.top_stories},
        every_ms=TELL_EVERY_MS,
        pin_ms=s.default_mute_s * 1000,
        memory_s=s.story_window_s + DAY_S,
        **s.registry(),
    )


def gathered_articles(
    articles: DataStream, tables: StreamTableEnvironment, s: BreakingSettings
) -> DataStream:
    """The articles of a moment at once. Their input must not end, so `build` is given them."""
    tables.get_config().set("table.local-time-zone", "UTC")
    return gathered(
        articles,
        tables,
        "breaking.gather",
        by="partition",
        lists=ARRIVAL,
        every_ms=s.articles_every_ms,
    )


def the_desks(s: BreakingSettings) -> tuple[desks.Desk, ...]:
    """The desks that are alerted."""
    return desks.read(s.desks_file or desks.SHIPPED)


def main() -> None:
    """Wire the job to Kafka and Redis and hand it to Flink."""
    s = settings_from_arguments("breaking", BreakingSettings)
    require_redis(s)
    env = StreamExecutionEnvironment.get_execution_environment()
    tables = StreamTableEnvironment.create(env)
    articles = kafka_source(tables, ARTICLES_ENRICHED, s)
    commands, demand = (  # their time is event time: in thread mode that of a row cannot be read
        kafka_source(tables, topic, s, event_time=KAFKA_TIME)
        for topic in (EDITORIAL_CONTROL, STORIES_DEMAND)
    )
    moments = gathered_articles(articles, tables, s)
    outputs = build(Inputs(moments, commands, demand), s)
    for topic, stream in outputs.by_topic():
        step(stream.sink_to(kafka_sink(topic, s)), f"breaking.sink-{topic.name}")
    env.execute("wiredesk-breaking")


if __name__ == "__main__":
    run("breaking", main)
