"""The job `breaking` on a real stack: the same alerts whatever dies, none twice; editors' commands."""

from collections import Counter
from collections.abc import Iterator

import pytest
from kafka import KafkaProducer
from made_articles import START_MS, article
from running_enrich import RunningEnrich
from test_enrich_delivery import RECOVERY_S, kill_working_taskmanager
from topic_reader import TopicReader

from cli.connection import connect
from local import state, submission
from local.stack import Stack
from local.submission import Submission, submit
from schemas.alert import Alert
from schemas.codec import RecordCodec
from schemas.editorial import AuditEntry, EditorialCommand
from schemas.enriched_article import EnrichedArticle
from schemas.topics import (
    ALERTS_BREAKING,
    ARTICLES_ENRICHED,
    EDITORIAL_AUDIT,
    EDITORIAL_CONTROL,
    STORIES_ARTICLES,
)

pytestmark = pytest.mark.e2e

JARS = state.PROJECT / ".wiredesk" / "jars"
BURST = 60
"""Articles; every third is of the story that breaks."""


@pytest.fixture(scope="module")
def breaking(stack: Stack, topics_created: None) -> Iterator[RunningEnrich]:
    """The job alone on its stack, exactly-once."""
    for other in ("enrich", "audience", "profiles"):
        if submission.running_job(other):
            submission.cancel(other, jobmanager=None, savepoint=False)
    wanted = Submission("breaking", ("delivery=exactly_once",))
    submitted = submit(wanted, replace=True, wait=True, report=str)
    yield RunningEnrich(
        str(stack.kafka),
        str(stack.redis),
        str(stack.flink),
        stack.state_dir,
        JARS,
        submitted.id,
    )
    submission.cancel("breaking", jobmanager=None, savepoint=False)


def burst() -> list[EnrichedArticle]:
    """Half an hour of news: one story breaks among others that nobody takes up. No article has
    another's words: by chance it would be found a copy, which counts for no source.
    """
    return [
        article(
            f"quake-{n}",
            "quake hits",
            f"quake{n}.example",
            n / 2,
            title=f"Quake{n} shakes{n} town{n} tonight{n}",
        )
        if n % 3 == 0
        else article(f"other-{n}", f"other{n} matter{n}", f"other{n % 7}.example", n / 2)
        for n in range(BURST)
    ]


def send(kafka: str, articles: list[EnrichedArticle]) -> None:
    codec = RecordCodec(ARTICLES_ENRICHED)
    producer = KafkaProducer(**connect(kafka).client(), acks="all")
    for each in articles:
        producer.send(
            ARTICLES_ENRICHED.name, key=each.article_id.encode(), value=codec.encode(each)
        ).get(60)
    producer.close()


def order(kafka: str, **fields: object) -> EditorialCommand:
    command = EditorialCommand(author="ada", issued_ms=START_MS, **fields)
    producer = KafkaProducer(**connect(kafka).client(), acks="all")
    value = RecordCodec(EDITORIAL_CONTROL).encode(command)
    producer.send(EDITORIAL_CONTROL.name, key=command.command_id.encode(), value=value).get(60)
    producer.close()
    return command


def alerts(reader: TopicReader) -> list[Alert]:
    codec = RecordCodec(ALERTS_BREAKING)
    return [codec.decode(value) for _, _, value in list(reader.records)]


def answers(reader: TopicReader) -> list[AuditEntry]:
    codec = RecordCodec(EDITORIAL_AUDIT)
    return [codec.decode(value) for _, _, value in list(reader.records)]


def test_killed_taskmanager_gives_the_same_alerts_and_none_twice(breaking: RunningEnrich) -> None:
    articles = burst()
    told = TopicReader(breaking.kafka, ALERTS_BREAKING.name)
    audit = TopicReader(breaking.kafka, EDITORIAL_AUDIT.name)
    placed = TopicReader(breaking.kafka, STORIES_ARTICLES.name)
    send(breaking.kafka, articles[:1])
    placed.wait(lambda: placed.records, RECOVERY_S)  # the story has the name of its first article
    placed.close()
    send(breaking.kafka, articles[1 : BURST // 2])
    told.wait(lambda: alerts(told), RECOVERY_S)
    opened = alerts(told)[0]
    assert opened.state == "opened"
    assert opened.story_id == "quake-0"
    send(breaking.kafka, articles[BURST // 2 : BURST * 3 // 4])
    kill_working_taskmanager(breaking)
    send(breaking.kafka, articles[BURST * 3 // 4 :])
    told.wait(lambda: "escalated" in [alert.state for alert in alerts(told)], RECOVERY_S)
    command = order(
        breaking.kafka, command_id="confirm-quake", kind="confirm", alert_id=opened.alert_id
    )
    order(breaking.kafka, command_id="confirm-quake", kind="confirm", alert_id=opened.alert_id)
    audit.wait(lambda: len(answers(audit)) == 2, RECOVERY_S)
    told.wait(lambda: "confirmed" in [alert.state for alert in alerts(told)], RECOVERY_S)
    seen = alerts(told)
    told.close()
    audit.close()
    assert [(alert.state, alert.sequence) for alert in seen] == [
        ("opened", 1),
        ("escalated", 2),
        ("confirmed", 3),
    ]
    assert {alert.alert_id for alert in seen} == {opened.alert_id}
    assert seen[-1].independent_sources >= 2 * opened.independent_sources
    assert seen[-1].by == "ada"
    outcomes = Counter((entry.command_id, entry.outcome) for entry in answers(audit))
    assert outcomes == {(command.command_id, "applied"): 1, (command.command_id, "repeated"): 1}
