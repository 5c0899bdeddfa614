"""Topics are brought to their specification, and compared with it."""

import json

import pytest

from cli.topics import Change, LiveTopic, change
from schemas.topics import ARTICLES_RAW, DEAD_LETTERS, TOPICS


def test_create_makes_every_topic_as_specified(run, kafka):
    shown = run("topics", "create")
    assert shown.exit_code == 0, shown.output
    assert set(kafka.records) == set(TOPICS)
    for name, topic in TOPICS.items():
        assert len(kafka.records[name]) == topic.partitions
        assert kafka.configs[name] == topic.config


@pytest.mark.parametrize(("brokers", "copies"), [(1, 1), (2, 2), (5, 3)])
def test_copies_follow_the_brokers_up_to_three(run, kafka, brokers, copies):
    kafka.brokers = brokers
    run("topics", "create")
    assert kafka.replication == copies


def test_copies_can_be_given(run, kafka):
    kafka.brokers = 5
    run("topics", "create", "--replication", 2)
    assert kafka.replication == 2


@pytest.mark.usefixtures("kafka")
def test_second_create_changes_nothing(run):
    run("topics", "create")
    assert run("topics", "create").stdout.count("as specified") == len(TOPICS)


def test_existing_topic_grows_and_takes_the_configuration(run, kafka):
    kafka.create(ARTICLES_RAW.name, 1, {"retention.ms": "5"})
    shown = run("topics", "create")
    assert "partitions 1 → 4" in shown.stdout
    assert "retention.ms 5 → 604800000" in shown.stdout
    assert len(kafka.records[ARTICLES_RAW.name]) == 4
    assert kafka.configs[ARTICLES_RAW.name] == ARTICLES_RAW.config


def test_partitions_never_shrink():
    live = LiveTopic(99, 1, dict(ARTICLES_RAW.config))
    assert change(ARTICLES_RAW, live) == Change(None, {})


def test_describe_marks_differences_and_counts_records(run, kafka):
    for topic in TOPICS.values():
        kafka.create(topic.name, topic.partitions, topic.config)
    kafka.configs[DEAD_LETTERS.name]["retention.ms"] = "3600000"
    kafka.add(ARTICLES_RAW.name, b"x")
    shown = run("topics", "describe").stdout
    assert "1 h (specified: 30 d)" in shown
    assert "Differences are yellow" in shown


def test_describe_says_nothing_of_differences_when_there_are_none(run, kafka):
    for topic in TOPICS.values():
        kafka.create(topic.name, topic.partitions, topic.config)
    assert "Differences" not in run("topics", "describe").stdout


def test_describe_as_json_holds_specified_and_actual(run, kafka):
    kafka.create(ARTICLES_RAW.name, 4, ARTICLES_RAW.config)
    kafka.add(ARTICLES_RAW.name, b"x")
    told = json.loads(run("topics", "describe", "--json").stdout)
    assert told[ARTICLES_RAW.name]["actual"]["records"] == 1
    assert told[ARTICLES_RAW.name]["differs"] is False
    assert told[DEAD_LETTERS.name] == {
        "specified": {
            "key": DEAD_LETTERS.key,
            "record": "dead_letter",
            "partitions": 1,
            "config": DEAD_LETTERS.config,
        },
        "actual": None,
        "differs": True,
    }
