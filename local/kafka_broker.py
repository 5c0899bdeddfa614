"""One Kafka broker: a single KRaft node run from its jars."""

import base64
import logging
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from local import jars
from local.errors import StackError
from local.java import java
from local.ports import HOST, is_open
from local.state import Ports

CONF = Path(__file__).parent / "kafka"


def properties(ports: Ports, data: Path) -> Mapping[str, str]:
    """What `server.properties` leaves open: addresses and the data folder."""
    return {
        "listeners": f"PLAINTEXT://{HOST}:{ports.kafka},CONTROLLER://{HOST}:{ports.controller}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{ports.kafka}",
        "controller.quorum.voters": f"1@{HOST}:{ports.controller}",
        "log.dirs": str(data),
    }


def configure(state_dir: Path, ports: Ports) -> None:
    """Write the broker's configuration."""
    given = (CONF / "server.properties").read_text()
    ours = properties(ports, _data(state_dir)).items()
    lines = "".join(f"{key}={value}\n" for key, value in ours)
    _config(state_dir).write_text(f"{given}\n# This stack\n{lines}")


def format_storage(state_dir: Path, jars_dir: Path) -> None:
    """Give an empty data folder its cluster id; a used one keeps its own."""
    if (_data(state_dir) / "meta.properties").exists():
        return
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # One word: an id may begin with a dash.
    tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}"]
    config = ["--config", str(_config(state_dir))]
    command = [*_jvm(jars_dir, heap="128m"), *tool, *config]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        why = done.stderr.strip().rpartition("\n")[2]
        raise StackError(f"Kafka could not format {_data(state_dir)}: {why}")


def command(state_dir: Path, jars_dir: Path) -> list[str]:
    """The broker's command line."""
    return [*_jvm(jars_dir, heap="768m"), "kafka.Kafka", str(_config(state_dir))]


def answers(port: int) -> bool:
    """Whether the broker answers a metadata request."""
    if not is_open(port):
        return False
    silent = logging.getLogger("local.kafka")
    silent.disabled = True  # librdkafka reports every failed try
    client = AdminClient({"bootstrap.servers": f"{HOST}:{port}"}, logger=silent)
    try:
        return bool(client.list_topics(timeout=2).brokers)
    except KafkaException:
        return False


def _jvm(jars_dir: Path, *, heap: str) -> list[str]:
    log = f"-Dlog4j2.configurationFile=file:{CONF / 'log4j2.properties'}"
    return [java(), f"-Xmx{heap}", log, "-cp", f"{jars.broker(jars_dir)}/*"]


def _config(state_dir: Path) -> Path:
    return state_dir / "kafka.properties"


def _data(state_dir: Path) -> Path:
    return state_dir / "kafka"
