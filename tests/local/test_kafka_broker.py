from pathlib import Path

from local import kafka_broker
from local.state import Ports

PORTS = Ports(kafka=19092, redis=16379, flink=18081, controller=40001, rpc=40002)


def test_broker_listens_on_loopback_only(tmp_path: Path) -> None:
    listeners = kafka_broker.properties(PORTS, tmp_path)["listeners"].split(",")
    assert [listener.split("//")[1] for listener in listeners] == [
        "127.0.0.1:19092",
        "127.0.0.1:40001",
    ]


def test_configuration_takes_large_articles_and_makes_no_topics(tmp_path: Path) -> None:
    kafka_broker.configure(tmp_path, PORTS)
    written = (tmp_path / "kafka.properties").read_text().splitlines()
    assert f"message.max.bytes={16 * 2**20}" in written
    assert "auto.create.topics.enable=false" in written
    assert f"log.dirs={tmp_path / 'kafka'}" in written
