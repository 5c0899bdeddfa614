"""The job `enrich`: raw articles to enriched ones."""

from typing import NamedTuple

from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from jobs.runtime.arguments import run, settings_from_arguments
from jobs.runtime.endpoints import kafka_sink, kafka_source
from jobs.runtime.enrich_settings import EnrichSettings
from jobs.runtime.prerequisites import require_redis
from jobs.runtime.steps import step
from jobs.runtime.streams import awaited, side_output
from models.admission import PublicationWindow
from models.analyzer import AnalyzerConfig
from models.generative import Endpoint
from models.heads import HeadOptions
from schemas.topics import ARTICLES_ENRICHED, ARTICLES_RAW, DEAD_LETTERS
from udfs.enrich_articles import EnrichArticles, outcome_type
from udfs.route_outcomes import RouteOutcomes, dead_letters_tag, kafka_record_type
from udfs.write_articles import WriteArticles


class Outputs(NamedTuple):
    """What the job produces, each Row(key, value) of a Kafka record; `written` is empty."""

    enriched: DataStream
    letters: DataStream
    written: DataStream


def build(raws: DataStream, s: EnrichSettings) -> Outputs:
    """raws ─ decode, detect language, encode in batches ─ route ─┬─> enriched ─ write ─> Redis
    └─> letters
    """
    outcomes = step(
        awaited(raws, enrich_articles(s), s.in_flight_max, outcome_type()), "enrich.encode"
    )
    enriched = step(outcomes.process(RouteOutcomes(), kafka_record_type()), "enrich.route")
    letters = side_output(enriched, dead_letters_tag())
    written = step(
        awaited(
            enriched, write_articles(s), s.in_flight_max, kafka_record_type()
        ).start_new_chain(),  # Redis is waited for while the model works
        "enrich.redis",
    )
    return Outputs(enriched, letters, written)


def enrich_articles(s: EnrichSettings) -> EnrichArticles:
    """The enriching operator as the settings want it."""
    return EnrichArticles(
        manifest=s.manifest(),
        non_commercial=s.non_commercial_models,
        analyzer=analyzer_config(s),
        window=PublicationWindow(s.earliest_published, s.future_tolerance_s),
        **s.registry(),
    )


def analyzer_config(s: EnrichSettings) -> AnalyzerConfig:
    """How the models are run, as the settings want it."""
    return AnalyzerConfig(
        **vars(s.inference()),
        heads=HeadOptions(
            topics_precision=s.topics_precision,
            entities_score=s.entities_min_score,
            summary_sentences=s.summary_max_sentences,
            summary_characters=s.summary_max_characters,
            tags=s.tags_max,
        ),
        summarizer=summarizer(s),
    )


def summarizer(s: EnrichSettings) -> Endpoint | None:
    """Where summaries are written, if the settings want it."""
    if s.summary_url is None:
        return None
    return Endpoint(
        url=s.summary_url,
        model=s.summary_model,
        api_key=s.secret("summary_api_key"),
        timeout_s=s.summary_timeout_s,
        max_sentences=s.summary_max_sentences,
        max_characters=s.summary_max_characters,
    )


def write_articles(s: EnrichSettings) -> WriteArticles:
    """The writing operator as the settings want it."""
    return WriteArticles(
        **s.redis(),
        **s.registry(),
    )


def main() -> None:
    """Wire the job to Kafka and Redis and hand it to Flink."""
    s = settings_from_arguments("enrich", EnrichSettings)
    require_redis(s)
    env = StreamExecutionEnvironment.get_execution_environment()
    raws = kafka_source(StreamTableEnvironment.create(env), ARTICLES_RAW, s)
    outputs = build(raws, s)
    step(outputs.enriched.sink_to(kafka_sink(ARTICLES_ENRICHED, s)), "enrich.sink-enriched")
    step(outputs.letters.sink_to(kafka_sink(DEAD_LETTERS, s)), "enrich.sink-dead-letters")
    env.execute("wiredesk-enrich")


if __name__ == "__main__":
    run("enrich", main)
