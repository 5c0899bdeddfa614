"""What is forgotten is told where a job is submitted."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from jobs.runtime import prerequisites
from jobs.runtime.enrich_settings import EnrichSettings
from jobs.runtime.prerequisites import require_connector, require_redis, require_topic
from jobs.runtime.settings import load
from local.ports import any_free
from schemas.errors import KafkaAway, ServiceError, SetupError
from schemas.topics import ARTICLES_ENRICHED, ARTICLES_RAW


@pytest.fixture
def kafka(monkeypatch):
    """Settings of a Kafka that has one topic; `asked` counts the connections."""
    asked = []

    @contextmanager
    def administering(client):
        asked.append(client)
        yield SimpleNamespace(list_topics=lambda: [ARTICLES_RAW.name])

    monkeypatch.setattr(prerequisites, "administering", administering)
    prerequisites._topics.cache_clear()
    yield SimpleNamespace(
        settings=load(EnrichSettings, environment={}, overrides=["kafka_bootstrap=k:1"]),
        asked=asked,
    )
    prerequisites._topics.cache_clear()


def test_topic_that_is_missing_is_named_with_what_makes_it(kafka):
    missing = r"Kafka at k:1 has no topic articles\.enriched; `wiredesk topics create`"
    with pytest.raises(ServiceError, match=missing):
        require_topic(ARTICLES_ENRICHED, kafka.settings)


def test_kafka_is_asked_once_for_all_topics(kafka):
    require_topic(ARTICLES_RAW, kafka.settings)
    require_topic(ARTICLES_RAW, kafka.settings)
    assert len(kafka.asked) == 1


def test_kafka_that_only_flink_reaches_is_no_obstacle(kafka, monkeypatch, capsys):
    def away(client):
        raise KafkaAway("no Kafka broker answers at k:1")

    monkeypatch.setattr(prerequisites, "administering", away)
    require_topic(ARTICLES_ENRICHED, kafka.settings)
    told = "no Kafka broker answers at k:1; its topics were not looked for\n"
    assert capsys.readouterr().err == told


def redis_settings(url):
    return load(EnrichSettings, environment={}, overrides=[f"redis_url={url}"])


def test_redis_that_answers_is_nothing_to_tell(redis_client, capsys):
    port = redis_client.connection_pool.connection_kwargs["port"]
    require_redis(redis_settings(f"redis://127.0.0.1:{port}/0"))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("login", ["", ":wrong@", "nobody:wrong@"])
def test_redis_that_refuses_the_login_ends_the_submission(redis_client, login):
    redis_client.config_set("requirepass", "right")
    port = redis_client.connection_pool.connection_kwargs["port"]
    with pytest.raises(ServiceError, match="Redis refuses the login of redis_url: ") as refused:
        require_redis(redis_settings(f"redis://{login}127.0.0.1:{port}/0"))
    assert "wrong" not in str(refused.value)


def test_redis_that_only_flink_reaches_is_no_obstacle(capsys):
    require_redis(redis_settings(f"redis://127.0.0.1:{any_free(avoid=set())}/0"))
    told = capsys.readouterr().err
    assert told.startswith("Redis does not answer here: ")
    assert told.endswith("; the job will wait for it\n")


@pytest.mark.flink
def test_missing_connector_is_named_with_its_place():
    with pytest.raises(SetupError, match="jar of flink-sql-connector-kafka into lib/"):
        require_connector()
