"""The job `audience`: comments analysed, moods of articles and stories, the moderators' queue."""

from typing import Literal, NamedTuple

from pyflink.common import Duration, Row, Types, WatermarkStrategy
from pyflink.common.watermark_strategy import TimestampAssigner
from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from jobs.runtime.arguments import run, settings_from_arguments
from jobs.runtime.audience_settings import AudienceSettings
from jobs.runtime.endpoints import KAFKA_TIME, kafka_sink, kafka_source
from jobs.runtime.modes import in_worker
from jobs.runtime.prerequisites import require_redis
from jobs.runtime.steps import step
from jobs.runtime.streams import awaited, keyed, side_output
from models.audience.mood import MoodPolicy
from models.audience.queue import QueueRules
from schemas.topics import (
    AUDIENCE_SENTIMENT,
    COMMENTS_ENRICHED,
    COMMENTS_RAW,
    DEAD_LETTERS,
    EDITORIAL_AUDIT,
    EDITORIAL_CONTROL,
    MODERATION_QUEUE,
    STORIES_ARTICLES,
)
from udfs.comment_rows import (
    candidates_tag,
    case_event_type,
    cases_tag,
    comment_type,
    mood_event_type,
    outcome_type,
    story_voices_tag,
    voices_tag,
)
from udfs.decide_cases import DecideCases, audit_tag
from udfs.enrich_comments import EnrichComments
from udfs.follow_moods import FollowMoods
from udfs.follow_versions import FollowVersions
from udfs.queue_comments import QueueComments
from udfs.read_placements import ReadPlacements
from udfs.read_verdicts import AddressVerdicts, ReadVerdicts, verdict_type
from udfs.route_comments import RouteComments
from udfs.route_outcomes import dead_letters_tag, kafka_record_type
from udfs.write_audience import WriteCases, WriteComments, WriteMoods
from udfs.write_records import WriteRecords


class Inputs(NamedTuple):
    """What the job reads, each Row(key, value, topic, partition, offset, timestamp)."""

    comments: DataStream
    placements: DataStream
    commands: DataStream


class Followed(NamedTuple):
    """What comes of comments on keyed state, as in `Outputs`."""

    enriched: DataStream
    moods: DataStream
    cases: DataStream
    audits: DataStream
    letters: DataStream


class Outputs(NamedTuple):
    """What the job produces, each Row(key, value) of a Kafka record; `written` are empty."""

    enriched: DataStream
    moods: DataStream
    cases: DataStream
    audits: DataStream
    letters: DataStream
    written: tuple[DataStream, ...]


def build(inputs: Inputs, s: AudienceSettings) -> Outputs:
    """comments ─ analyse in batches ─ route ─ follow versions ─┬─> enriched ─ write ─> Redis
    placements ─ read ─┐                                     ├─ voices ─ article moods ─┬─> moods
                       └────────────────────────────────────>┘       └─ story moods ──┘
    commands ─ read ────────────> decide <─ queue within budget <─ candidates
                                     └─> cases, audits
    """
    with in_worker(inputs.comments):
        outcomes = step(
            awaited(inputs.comments, enrich_comments(s), s.in_flight_max, outcome_type()),
            "audience.analyse",
        )
        comments = step(outcomes.process(RouteComments(), comment_type()), "audience.route")
        letters = side_output(comments, dead_letters_tag())
    followed = follow(comments, letters, inputs, s)
    with in_worker(inputs.comments):
        written = (
            _written(followed.enriched, WriteComments, "audience.redis-comments", s),
            _written(followed.moods, WriteMoods, "audience.redis-moods", s),
            _written(followed.cases, WriteCases, "audience.redis-cases", s),
        )
    return Outputs(*followed, written)


def follow(
    comments: DataStream, letters: DataStream, inputs: Inputs, s: AudienceSettings
) -> Followed:
    """What lives on keyed state: versions, moods, the moderators' queue.

    No two operators in thread mode are chained: of two interpreters in one thread, the second waits
    for itself as soon as a C extension asks for the interpreter's lock (pemja 0.5.7).
    """
    enriched = step(
        keyed(comments).process(follow_versions(s), kafka_record_type()),
        "audience.versions",
    ).disable_chaining()
    placements = step(
        inputs.placements.process(ReadPlacements(**s.registry()), mood_event_type()),
        "audience.placements",
    ).disable_chaining()
    voices = step(
        side_output(enriched, voices_tag())
        .union(placements)
        .assign_timestamps_and_watermarks(watermarks(s)),
        "audience.watermarks",
    ).disable_chaining()
    article_moods = step(
        voices.key_by(_first, Types.STRING()).process(
            follow_moods("article", s), kafka_record_type()
        ),
        "audience.articles",
    ).disable_chaining()
    story_moods = step(
        side_output(article_moods, story_voices_tag())
        .key_by(_first, Types.STRING())
        .process(follow_moods("story", s), kafka_record_type()),
        "audience.stories",
    )
    queued = step(
        side_output(enriched, candidates_tag())
        .key_by(_first, Types.STRING())
        .process(QueueComments(rules=queue_rules(s), **s.registry()), case_event_type()),
        "audience.queue",
    )
    commands = step(
        inputs.commands.process(ReadVerdicts(**s.registry()), verdict_type()),
        "audience.commands",
    ).disable_chaining()
    verdicts = step(
        commands.key_by(_first, Types.STRING()).process(
            AddressVerdicts(memory_s=s.moderation_memory_s, **s.registry()), case_event_type()
        ),
        "audience.verdicts",
    )
    cases = step(
        queued.union(side_output(enriched, cases_tag()), verdicts)
        .key_by(_first, Types.STRING())
        .process(DecideCases(memory_s=s.moderation_memory_s, **s.registry()), kafka_record_type()),
        "audience.cases",
    ).disable_chaining()
    all_letters = letters.union(
        side_output(placements, dead_letters_tag()),
        side_output(commands, dead_letters_tag()),
    )
    moods = article_moods.union(story_moods)
    return Followed(enriched, moods, cases, side_output(cases, audit_tag()), all_letters)


class EventTime(TimestampAssigner):
    """Event time of a `mood_event_type`."""

    def extract_timestamp(self, value: Row, record_timestamp: int) -> int:  # noqa: ARG002
        event_ms: int = value[3]
        return event_ms


def watermarks(s: AudienceSettings) -> WatermarkStrategy:
    """Watermarks by the comments' event time; what has none, at 0, moves them not."""
    out_of_order = Duration.of_seconds(s.mood_out_of_order_s)
    return WatermarkStrategy.for_bounded_out_of_orderness(out_of_order).with_timestamp_assigner(
        EventTime()
    )


def enrich_comments(s: AudienceSettings) -> EnrichComments:
    """The analysing operator as the settings want it."""
    return EnrichComments(
        manifest=s.manifest(),
        non_commercial=s.non_commercial_models,
        analyzer=s.inference(),
        masker=s.masking(),
        mask_names=s.mask_names,
        queue=queue_rules(s),
        most_characters=s.comment_max_characters,
        future_tolerance_s=s.future_tolerance_s,
        **s.registry(),
    )


def queue_rules(s: AudienceSettings) -> QueueRules:
    """What moderators want, as the settings say."""
    return QueueRules(
        desk=s.moderation_desk,
        threshold=s.moderation_threshold,
        thresholds=s.moderation_thresholds,
        per_hour=s.moderation_per_hour,
        budgets=s.moderation_budgets,
        urgent=s.moderation_urgent,
        personal_data=s.moderation_personal_data,
    )


def follow_versions(s: AudienceSettings) -> FollowVersions:
    """The operator of versions as the settings want it."""
    return FollowVersions(memory_s=s.comment_memory_s, **s.registry())


def follow_moods(kind: Literal["article", "story"], s: AudienceSettings) -> FollowMoods:
    """The operator of moods as the settings want it."""
    return FollowMoods(
        kind=kind,
        policy=MoodPolicy(s.mood_half_life_s, s.mood_author_weight, s.mood_comments_max),
        lateness_s=s.mood_lateness_s,
        every_s=s.mood_every_s,
        patience_ms=s.mood_patience_ms,
        in_memory=s.subjects_in_memory,
        **s.registry(),
    )


def _written(
    records: DataStream, writer: type[WriteRecords], identity: str, s: AudienceSettings
) -> DataStream:
    """Records on their way to Redis, which is waited for while the models work."""
    writing = writer(**s.redis(), **s.registry())
    return step(
        awaited(records, writing, s.in_flight_max, kafka_record_type()).start_new_chain(),
        identity,
    )


def _first(row: Row) -> str:
    """What the rows of every stream here are keyed by: comment, subject, gate or queue."""
    key: str = row[0]
    return key


def main() -> None:
    """Wire the job to Kafka and Redis and hand it to Flink."""
    s = settings_from_arguments("audience", AudienceSettings)
    require_redis(s)
    env = StreamExecutionEnvironment.get_execution_environment()
    tables = StreamTableEnvironment.create(env)
    inputs = Inputs(
        comments=kafka_source(tables, COMMENTS_RAW, s),
        placements=kafka_source(tables, STORIES_ARTICLES, s, event_time=KAFKA_TIME),
        commands=kafka_source(tables, EDITORIAL_CONTROL, s, event_time=KAFKA_TIME),
    )
    outputs = build(inputs, s)
    step(outputs.enriched.sink_to(kafka_sink(COMMENTS_ENRICHED, s)), "audience.sink-enriched")
    step(outputs.moods.sink_to(kafka_sink(AUDIENCE_SENTIMENT, s)), "audience.sink-moods")
    step(outputs.cases.sink_to(kafka_sink(MODERATION_QUEUE, s)), "audience.sink-cases")
    step(outputs.audits.sink_to(kafka_sink(EDITORIAL_AUDIT, s)), "audience.sink-audit")
    step(outputs.letters.sink_to(kafka_sink(DEAD_LETTERS, s)), "audience.sink-dead-letters")
    env.execute("wiredesk-audience")


if __name__ == "__main__":
    run("audience", main)
