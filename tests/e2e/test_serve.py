"""The server on the real stack: an alert reaches a stream, a command reaches its topic."""

import asyncio
import json
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Producer
from server_parts import alert
from topic_reader import TopicReader

from cli.serve_database import load, with_history
from local import process
from local.ports import any_free
from schemas.codec import RecordCodec
from schemas.topics import ALERTS_BREAKING, EDITORIAL_CONTROL
from serving.access import Access
from serving.settings import Role

pytestmark = pytest.mark.e2e

PATIENCE_S = 120
WIREDESK = Path(sys.executable).with_name("wiredesk")


@pytest.fixture
def key(stack, topics_created):
    return with_history(
        load(None), lambda history: Access(load(None), history).add_key("e2e", Role.EDITOR)
    )


@pytest.fixture
def server(stack, topics_created, tmp_path):
    """The address of `wiredesk serve`, ready, and how to end it."""
    port = any_free(avoid=set())
    log = (tmp_path / "serve.log").open("w+")
    running = subprocess.Popen(
        [WIREDESK, "serve", "--port", str(port), "--no-analyze"], stderr=log, stdout=log
    )
    address = f"http://127.0.0.1:{port}"

    def ready():
        assert running.poll() is None, (tmp_path / "serve.log").read_text()
        try:
            return httpx.get(f"{address}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    try:
        assert process.wait_until(ready, timeout_s=PATIENCE_S), (tmp_path / "serve.log").read_text()
        yield address
        running.terminate()
        assert running.wait(PATIENCE_S) in (0, -signal.SIGTERM), (
            tmp_path / "serve.log"
        ).read_text()
    finally:
        running.kill()
        running.wait()
        log.close()


def publish(kafka, record):
    producer = Producer({"bootstrap.servers": kafka})
    value = RecordCodec(ALERTS_BREAKING).encode(record)
    producer.produce(ALERTS_BREAKING.name, value, record.desk.encode())
    assert producer.flush(PATIENCE_S) == 0


async def test_an_alert_reaches_the_stream_and_a_command_its_topic(stack, server, key):
    now_ms = time.time_ns() // 1_000_000
    raised = alert(f"e2e-{uuid.uuid4().hex}", desk="e2e", at_ms=now_ms, raised_ms=now_ms)
    given = f"e2e-{uuid.uuid4().hex}"
    commands = TopicReader(stack.kafka, EDITORIAL_CONTROL.name, given)
    headers = {"authorization": f"Bearer {key}"}
    async with (
        asyncio.timeout(PATIENCE_S),
        httpx.AsyncClient(base_url=server, headers=headers, timeout=PATIENCE_S) as http,
    ):
        query = {"kind": ["alert", "command"], "desk": "e2e"}
        async with http.stream("GET", "/v1/streams", params=query) as events:
            lines = events.aiter_lines()
            async for line in lines:
                if line == "event: ready":
                    break
            await asyncio.to_thread(publish, stack.kafka, raised)
            async for line in lines:
                if line.startswith("data: ") and raised.alert_id in line:
                    break
            shown = await http.get(f"/v1/alerts/{raised.alert_id}/explanation")
            assert shown.json()["desk"] == "e2e"
            body = {"kind": "confirm", "alert_id": raised.alert_id, "command_id": given}
            assert (await http.post("/v1/editorial/commands", json=body)).status_code == 202
            async for line in lines:
                if line.startswith("data: ") and given in line:
                    assert json.loads(line.removeprefix("data: "))["author"] == "e2e"
                    break
    await asyncio.to_thread(commands.wait, lambda: bool(commands.records), PATIENCE_S)
    commands.close()
    sent = RecordCodec(EDITORIAL_CONTROL).decode(commands.records[0][2])
    assert (sent.kind, sent.alert_id) == ("confirm", raised.alert_id)
