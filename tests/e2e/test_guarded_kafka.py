"""Kafka that asks for a password: every client of ours is let in, or says in one line why not."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from guarded_kafka import guarded_kafka

from cli import topics
from cli.connection import Connection
from local import state, submission
from local.errors import StackError
from local.ports import any_free
from local.process import wait_until
from local.submission import Submission
from schemas.settings import KafkaSettings
from schemas.topics import ARTICLES_ENRICHED, ARTICLES_RAW

pytestmark = pytest.mark.e2e

PATIENCE_S = 120
WIREDESK = Path(sys.executable).with_name("wiredesk")
REFUSED = "does not let us in by SASL_SSL"
INVALID = "[Error 58] SaslAuthenticationFailedError"
ARTICLE = {
    "article_id": "guarded-1",
    "source": "courier.example",
    "title": "Bridge over the Elbe closed",
    "body": "The city closed a bridge over the river Elbe on Monday. Engineers look at it.",
}


@pytest.fixture(scope="module")
def kafka(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guarded-kafka")
    with guarded_kafka(folder, state.PROJECT / ".wiredesk" / "jars") as kafka:
        reached = KafkaSettings.model_validate(kafka.settings("SCRAM-SHA-512", tls=True))
        topics.apply(Connection(reached))
        yield kafka


@pytest.fixture
def settings(kafka, tmp_path):
    """Writes settings that reach the broker to a file, the password included."""

    def write(mechanism="SCRAM-SHA-512", **how):
        file = tmp_path / f"{len(list(tmp_path.iterdir()))}.toml"
        lines = kafka.settings(mechanism, **how).items()
        file.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in lines))
        return file

    return write


@pytest.fixture
def articles(tmp_path):
    file = tmp_path / "articles.jsonl"
    file.write_text(json.dumps(ARTICLE))
    return file


def wiredesk(*words, settings):
    return subprocess.run(
        [WIREDESK, *words, "--settings", settings],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def told(*words, settings):
    """What a command prints; it is to end well."""
    done = wiredesk(*words, settings=settings)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ids(topic, settings):
    """Articles of a topic, as far as it reaches."""
    lines = told("tail", topic, "--from", "beginning", "--no-follow", settings=settings)
    return [json.loads(line)["article_id"] for line in lines.splitlines()]


@contextmanager
def server(settings, folder):
    """Address of `wiredesk serve` and its log, until the block ends."""
    port, log = any_free(avoid=set()), folder / "serve.log"
    with log.open("w") as out:
        running = subprocess.Popen(
            [WIREDESK, "serve", "--port", str(port), "--no-analyze", "--settings", settings],
            env=os.environ | {"WIREDESK_SERVE_DATABASE_URL": f"sqlite:///{folder}/serve.sqlite"},
            stderr=out,
        )
    try:
        yield f"http://127.0.0.1:{port}", log
    finally:
        running.terminate()
        running.wait(PATIENCE_S)


def is_ready(address):
    try:
        return httpx.get(f"{address}/readyz", timeout=10).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize(("mechanism", "tls"), [("PLAIN", False), ("SCRAM-SHA-512", True)])
def test_commands_look_after_topics_send_and_read(settings, articles, mechanism, tls):
    reached = settings(mechanism, tls=tls)
    told("topics", "create", settings=reached)
    told("replay", articles, settings=reached)
    told("ingest", "file", articles, settings=reached)
    assert ids(ARTICLES_RAW.name, reached).count(ARTICLE["article_id"]) >= 2
    told("alerts", "list", settings=reached)


def test_job_reads_and_writes(stack, settings, articles):
    reached = settings(tls=True)
    told("replay", articles, settings=reached)
    submission.submit(Submission("enrich", settings=reached), replace=True, wait=True, report=str)
    try:
        assert wait_until(
            lambda: ARTICLE["article_id"] in ids(ARTICLES_ENRICHED.name, reached),
            timeout_s=PATIENCE_S,
            every_s=0.5,
        )
    finally:
        submission.cancel("enrich", jobmanager=None, savepoint=False)


def test_server_reads_its_topics(stack, settings, tmp_path):
    with server(settings(tls=True), tmp_path) as (address, log):
        assert wait_until(lambda: is_ready(address), timeout_s=PATIENCE_S), log.read_text()


@pytest.mark.parametrize(
    "words",
    [
        ["topics", "create"],
        ["tail", ARTICLES_RAW.name],
    ],
    ids=" ".join,
)
def test_wrong_password_is_told_in_one_line(settings, words):
    wrong = settings(tls=True, password="wrong")
    done = wiredesk(*words, settings=wrong)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"{REFUSED} ({INVALID}" in done.stderr


def test_job_with_a_wrong_password_is_not_submitted(stack, settings):
    wrong = Submission("enrich", settings=settings(tls=True, password="wrong"))
    with pytest.raises(StackError, match=REFUSED):
        submission.submit(wrong, replace=True, wait=True, report=str)


def test_server_with_a_wrong_password_says_so(settings, tmp_path):
    with server(settings(tls=True, password="wrong"), tmp_path) as (address, log):
        told = f"{REFUSED} ({INVALID}"
        assert wait_until(lambda: told in log.read_text(), timeout_s=PATIENCE_S), log.read_text()
        assert not is_ready(address)
