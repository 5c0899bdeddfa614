"""The job `profiles` on the real stack, in the TaskManager's own threads, state in RocksDB."""

import json
import time
import urllib.request

import numpy as np
import pytest
import redis
from kafka import KafkaProducer
from topic_reader import TopicReader
from typer.testing import CliRunner

from cli.main import app
from local import reader_keys
from local.submission import Submission, cancel, submit
from models.keyring import KeyringFile, pseudonym, read_keyring
from models.sealing import opened_profile
from schemas.codec import RecordCodec
from schemas.enriched_article import EnrichedArticle, Language
from schemas.redis_keys import popular_key, profile_key
from schemas.story import StoryArticle
from schemas.topics import (
    ARTICLES_ENRICHED,
    STORIES_ARTICLES,
    STORIES_DEMAND,
    USERS_EMBEDDINGS,
)

pytestmark = pytest.mark.e2e

READER = "ada@example.org"
PATIENCE_S = 120


def article(article_id, seed):
    vector = np.random.default_rng(seed).normal(size=384)
    now_ms = time.time_ns() // 1_000_000
    return EnrichedArticle(
        article_id=article_id,
        url="",
        source="courier.example",
        title="",
        published_ms=now_ms,
        ingested_ms=now_ms,
        enriched_ms=now_ms,
        content_hash="",
        language=Language(code="xx", confidence=1.0),
        embedding=(vector / np.linalg.norm(vector)).astype("<f2").tobytes(),
        model_versions={"embedding": "e2e-1"},
    )


def placed(article_id, story_id):
    return StoryArticle(
        article_id=article_id,
        story_id=story_id,
        source="courier.example",
        published_ms=0,
        probability=1.0,
        novelty=1.0,
        placed_ms=0,
    )


class Desk:
    """The job, and what a test does to it and sees of it."""

    def __init__(self, stack, folder, job_id):
        self.job_id, self.flink, self.kafka = job_id, stack.flink, stack.kafka
        self._folder = folder
        host, _, port = stack.redis.rpartition(":")
        self.redis = redis.Redis(host, int(port))
        self._keys = KeyringFile(reader_keys.profiles_file(stack.state_dir))
        ring = read_keyring(reader_keys.ensure(reader_keys.pseudonyms_file(stack.state_dir)))
        self.user_key = pseudonym(READER, ring.newest)

    def publish(self, topic, *records):
        producer = KafkaProducer(bootstrap_servers=self.kafka)
        codec = RecordCodec(topic)
        for each in records:
            producer.send(topic.name, codec.encode(each), each.article_id.encode())
        producer.flush()
        producer.close()

    def read(self, *article_ids):
        """The reader clicks."""
        file = self._folder / "events.jsonl"
        rows = [{"user": READER, "kind": "click", "article_id": each} for each in article_ids]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        self.run("readers", "send", str(file), "--consent")

    def run(self, *arguments):
        done = CliRunner().invoke(app, list(arguments))
        assert done.exit_code == 0, done.output
        return done.output

    def profile(self):
        value = self.redis.get(profile_key(self.user_key))
        if value is None:
            return None
        return opened_profile(RecordCodec(USERS_EMBEDDINGS).decode(value), self._keys)

    def profile_with(self, clicks):
        """The profile, once so many clicks are in it."""
        wait(lambda: (found := self.profile()) and found.counts.get("click") == clicks)
        return self.profile()

    def flink_says(self, path):
        with urllib.request.urlopen(
            f"http://{self.flink}/jobs/{self.job_id}{path}", timeout=10
        ) as told:
            return json.load(told)

    def number(self, name):
        """The sum of a metric over the job's subtasks."""
        total = 0
        for vertex in self.flink_says("")["vertices"]:
            metrics = f"/vertices/{vertex['id']}/metrics"
            ids = [one["id"] for one in self.flink_says(metrics) if one["id"].endswith(name)]
            if ids:
                found = self.flink_says(f"{metrics}?get={','.join(ids)}")
                total += sum(int(one["value"]) for one in found)
        return total


def wait(satisfied):
    deadline = time.monotonic() + PATIENCE_S
    while not satisfied():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def desk(stack, topics_created, tmp_path_factory):
    quick = ("lists_slide_s=1", "source_idle_s=1", "demand_every_s=1")
    wanted = Submission("profiles", quick)
    submitted = submit(wanted, replace=True, wait=True, report=str)
    yield Desk(stack, tmp_path_factory.mktemp("readers"), submitted.id)
    cancel("profiles", jobmanager=None, savepoint=False)


def test_reader_is_known_after_a_click_and_forgotten_after_erase(desk):
    records = TopicReader(desk.kafka, USERS_EMBEDDINGS.name, prefix=desk.user_key)
    desk.read("e2e-p1", "e2e-p2")  # before their articles
    desk.publish(STORIES_ARTICLES, placed("e2e-p2", "e2e-story"))
    desk.publish(ARTICLES_ENRICHED, article("e2e-p1", 1), article("e2e-p2", 2))
    profile = desk.profile_with(clicks=2)
    assert (profile.encoder, len(profile.long_vector)) == ("e2e-1", 768)
    assert READER not in str(records.records)
    assert json.loads(desk.run("readers", "show", "--user", READER))["counts"] == {"click": 2}
    wait(lambda: desk.redis.exists(popular_key("hour", "xx")))
    assert json.loads(desk.redis.get(popular_key("hour", "xx")))["clicks"]["e2e-p1"] == 1

    told = desk.run("erase", "--user", READER, "--yes")
    assert "NOT CLEAN" not in told
    assert [key for key in desk.redis.scan_iter() if desk.user_key.encode() in key] == []
    records.wait(lambda: records.records and records.records[-1][2] is None, PATIENCE_S)

    demand = TopicReader(desk.kafka, STORIES_DEMAND.name)
    desk.read("e2e-p2")  # the job's state is empty, too: this is the first click
    profile = desk.profile_with(clicks=1)
    assert profile.reads.keys == "e2e-p2"
    records.close()

    demand.wait(lambda: demand.records, PATIENCE_S)
    told = RecordCodec(STORIES_DEMAND).decode(demand.records[-1][2])
    assert (told.readers, told.stories) == (1, 1)
    assert [(one.story_id, one.readers) for one in told.most_read] == [("e2e-story", 1)]
    assert desk.user_key.encode() not in demand.records[-1][2]
    demand.close()


def test_job_runs_as_its_own_configuration_says(desk):
    assert "RocksDB" in desk.flink_says("/checkpoints/config")["state_backend"]


def test_numbers_of_its_operators_reach_flink(desk):
    desk.read("e2e-p1")
    wait(lambda: desk.number(".wiredesk.events") > 0)
