"""What a job needs of the world, looked for where it is submitted: one line says what to do.

Flink would take the job, and restart it for ever.
"""

import sys
from functools import cache

from py4j.protocol import Py4JJavaError
from pyflink.java_gateway import get_gateway
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from jobs.runtime.settings import JobSettings
from schemas.broker import administering, require_topics
from schemas.errors import KafkaAway, ServiceError, SetupError
from schemas.settings import KafkaSettings, client_arguments
from schemas.topics import Topic
from udfs.patient_redis import asking_once

CONNECTOR = "org.apache.flink.connector.kafka.sink.KafkaSink"


def require(topic: Topic, s: KafkaSettings) -> None:
    """Raises SetupError where a job could not read or write the topic."""
    require_connector()
    require_topic(topic, s)


def require_connector() -> None:
    """Raises SetupError where Flink's client has no Kafka connector."""
    loader = get_gateway().jvm.Thread.currentThread().getContextClassLoader()
    try:
        loader.loadClass(CONNECTOR)
    except Py4JJavaError as error:
        raise SetupError(
            "Flink has no Kafka connector: put the jar of flink-sql-connector-kafka into lib/ of "
            "every Flink machine and of the one that submits; README.md has the line that fetches "
            "it, under On your Flink cluster"
        ) from error


def require_topic(topic: Topic, s: KafkaSettings) -> None:
    """Raises ServiceError where Kafka does not let us in or has not the topic.

    A Kafka that is not reached from here may be reached from Flink: a line on stderr says that
    nobody looked.
    """
    kafka = {name: getattr(s, name) for name in KafkaSettings.model_fields}
    there = _topics(KafkaSettings.model_validate(kafka))
    if there is not None:
        require_topics(there, [topic.name], at=s.kafka_bootstrap)


@cache
def _topics(kafka: KafkaSettings) -> frozenset[str] | None:
    """The topics there are; None where Kafka is not reached."""
    try:
        with administering(client_arguments(kafka)) as admin:
            return frozenset(admin.list_topics())
    except KafkaAway as error:
        print(f"{error}; its topics were not looked for", file=sys.stderr)
        return None


def require_redis(s: JobSettings) -> None:
    """Raises ServiceError where Redis does not let us in.

    One that is not reached from here may be reached from Flink, or come back: a line on stderr says
    that the job will wait for it.
    """
    redis = asking_once(s.redis_url.get_secret_value())
    try:
        redis.ping()
    except (AuthenticationError, NoPermissionError) as error:
        raise ServiceError(f"Redis refuses the login of redis_url: {error}") from error
    except RedisError as error:
        print(f"Redis does not answer here: {error}; the job will wait for it", file=sys.stderr)
    finally:
        redis.close()
