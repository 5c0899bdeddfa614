"""`wiredesk serve` on the stack of the tests, and a Chromium that editors use."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import httpx
from confluent_kafka import Producer
from playwright.sync_api import Browser, Playwright
from pydantic import SecretStr

from cli.serve_database import with_history
from local import ports
from schemas.codec import RecordCodec
from schemas.record import Record
from schemas.topics import TOPICS
from serving.access import Access
from serving.history import History
from serving.settings import Role, ServeSettings

PATIENCE_S = 120.0


class Editor(NamedTuple):
    """Someone who may log in: by a key as often as they like, by a link once."""

    key: str
    link: str


@dataclass
class RunningConsole:
    """A server of its own, its database, and a way to write its topics."""

    kafka: str
    port: int
    folder: Path
    process: subprocess.Popen | None = None

    @classmethod
    def start(cls, kafka: str, folder: Path) -> "RunningConsole":
        console = cls(kafka, ports.any_free(avoid=set()), folder)
        console.up()
        return console

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def up(self) -> None:
        """Start the server and wait until it has read its topics."""
        with (self.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command(), env=self._environment(), stdout=log, stderr=log
            )
        deadline = time.monotonic() + 2 * PATIENCE_S
        while not self._is_ready():
            assert self.process.poll() is None, (self.folder / "serve.log").read_text()
            assert time.monotonic() < deadline, "the server did not become ready"
            time.sleep(0.1)

    def down(self) -> None:
        """End the server as an operator does."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
            self.process = None

    def allow(self, name: str) -> Editor:
        """A new editor."""
        settings = ServeSettings(database_url=SecretStr(self._database))

        async def made(history: History) -> Editor:
            access = Access(settings, history)
            key = await access.add_key(name, Role.EDITOR)
            return Editor(key, self.url + await access.add_login_link(name, Role.EDITOR))

        return with_history(settings, made)

    def tell(self, *records: Record) -> None:
        """Write records to their topics, as the jobs do."""
        names = {topic.record_type: topic for topic in TOPICS.values()}
        producer = Producer({"bootstrap.servers": self.kafka, "linger.ms": 0})
        for record in records:
            topic = names[type(record)]
            key = str(getattr(record, topic.key))
            producer.produce(topic.name, RecordCodec(topic).encode(record), key.encode())
        assert producer.flush(30) == 0

    def _command(self) -> list[str]:
        wiredesk = str(Path(sys.executable).with_name("wiredesk"))
        return [wiredesk, "serve", "--port", str(self.port), "--no-analyze", "--log-plain"]

    @property
    def _database(self) -> str:
        return f"sqlite:///{self.folder / 'serve.sqlite'}"

    def _environment(self) -> dict[str, str]:
        return os.environ | {"WIREDESK_SERVE_DATABASE_URL": self._database}

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False


def chromium(playwright: Playwright) -> Browser:
    """The distribution's browser."""
    path = shutil.which("chromium")
    assert path, "chromium is not installed; `make setup-tests` installs it"
    return playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
