"""A TaskManager dies: no click and no comment is lost, and none counts twice."""

import json
import time
import urllib.request

import psutil
import pytest
import redis
from kafka import KafkaProducer

from local import reader_keys
from local.submission import Submission, cancel, submit
from models.keyring import KeyringFile
from models.sealing import opened_profile
from schemas.codec import RecordCodec
from schemas.comment import Comment
from schemas.redis_keys import audience_key, profile_key
from schemas.topics import COMMENTS_RAW, USER_EVENTS, USERS_EMBEDDINGS
from schemas.user_event import UserEvent

pytestmark = pytest.mark.e2e

ALL = 50
HALF = 25
PATIENCE_S = 150


class Crowd:
    """Those who click or comment, everything twice, and what a job knows of it."""

    def __init__(self, stack):
        self._stack = stack
        self._run = f"delivery-{time.time_ns()}"
        host, _, port = stack.redis.rpartition(":")
        self._redis = redis.Redis(host, int(port))
        self._producer = KafkaProducer(bootstrap_servers=stack.kafka, acks="all")

    def click(self, numbers):
        """One reader clicks articles, and each event is sent a second time."""
        now_ms = time.time_ns() // 1_000_000
        for number in [*numbers, *numbers]:
            event = UserEvent(
                event_id=f"{self._run}-{number}",
                user_key=f"1.{self._run}",
                kind="click",
                article_id=f"{self._run}-{number}",
                ts_ms=now_ms,
                consent=True,
            )
            self._send(USER_EVENTS, event.user_key, event)
        self._producer.flush()

    def clicks(self):
        """How many clicks the reader's profile counts."""
        sealed = self._redis.get(profile_key(f"1.{self._run}"))
        if sealed is None:
            return 0
        keys = KeyringFile(reader_keys.profiles_file(self._stack.state_dir))
        profile = opened_profile(RecordCodec(USERS_EMBEDDINGS).decode(sealed), keys)
        return profile.counts["click"]

    def comment(self, numbers):
        """Comments of many on one article, each sent a second time."""
        now_ms = time.time_ns() // 1_000_000
        for number in [*numbers, *numbers]:
            comment = Comment(
                comment_id=f"{self._run}-{number}",
                article_id=self._run,
                author_key=f"1.{number:022d}",
                text=f"Ship number {number} should never have left the harbour in this weather.",
                published_ms=now_ms,
            )
            self._send(COMMENTS_RAW, comment.comment_id, comment)
        self._producer.flush()

    def comments(self):
        """How many comments the mood of the article counts."""
        return int(self._redis.hget(audience_key(f"article/{self._run}"), "comments") or 0)

    def close(self):
        self._producer.close()
        self._redis.close()

    def _send(self, topic, key, record):
        self._producer.send(topic.name, RecordCodec(topic).encode(record), key.encode())


@pytest.fixture
def crowd(stack, topics_created):
    found = Crowd(stack)
    yield found
    found.close()


@pytest.fixture
def running(heal):
    """Starts a job in the place of one that runs, once a slot is free; ends it after the test."""
    jobs = []

    def start(job, *overrides):
        stack = heal()
        wait_for(lambda: rest(stack, "/overview")["slots-available"] > 0, True)
        jobs.append(job)
        return submit(Submission(job, overrides), replace=True, wait=True, report=str).id

    yield start
    for job in jobs:
        cancel(job, jobmanager=None, savepoint=False)


def wait_for(count, wanted):
    deadline = time.monotonic() + PATIENCE_S
    while (found := count()) != wanted:
        assert time.monotonic() < deadline, f"{found} after {PATIENCE_S} s, expected {wanted}"
        time.sleep(0.1)


def kill_taskmanagers_of(job_id, stack):
    """Kill the TaskManagers that a job runs on."""
    homes = set()
    for vertex in rest(stack, f"/jobs/{job_id}")["vertices"]:
        tasks = rest(stack, f"/jobs/{job_id}/vertices/{vertex['id']}")["subtasks"]
        homes |= {task["taskmanager-id"] for task in tasks}
    killed = [each.pid for each in stack.processes if each.name in homes]
    assert killed
    for pid in killed:
        psutil.Process(pid).kill()


def rest(stack, path):
    with urllib.request.urlopen(f"http://{stack.flink}{path}", timeout=10) as answer:
        return json.load(answer)


def count_once(say, count, job_id, heal):
    """Say half; the rest while a TaskManager dies; then all of it again, with one thing more."""
    say(range(HALF))
    wait_for(count, HALF)
    say(range(HALF, ALL))
    kill_taskmanagers_of(job_id, heal())
    heal()
    wait_for(count, ALL)
    say(range(ALL + 1))
    wait_for(count, ALL + 1)


@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
def test_clicks_count_once_though_a_taskmanager_dies(crowd, running, heal, delivery):
    job_id = running("profiles", f"delivery={delivery}", "article_wait_s=1", "source_idle_s=1")
    count_once(crowd.click, crowd.clicks, job_id, heal)


def test_comments_count_once_though_a_taskmanager_dies(crowd, running, heal):
    job_id = running("audience")
    count_once(crowd.comment, crowd.comments, job_id, heal)
