from pathlib import Path

from ruamel.yaml import YAML

from local import flink_cluster, jars
from local.flink_cluster import CONF, FLINK_HOME, merge, overrides
from local.state import Ports

PORTS = Ports(kafka=19092, redis=16379, flink=18081, controller=40001, rpc=40002)


def read(config: str) -> dict[str, object]:
    """Refuses a key that is there twice."""
    return dict(YAML(typ="safe").load(config))


def merged(tmp_path: Path) -> dict[str, object]:
    given = (CONF / "config.yaml").read_text()
    return read(merge(given, overrides(tmp_path, PORTS, slots=2)))


def test_config_is_flat() -> None:
    config = read((CONF / "config.yaml").read_text())
    assert not [key for key, value in config.items() if isinstance(value, dict)]


def test_jvm_options_are_the_distribution_s() -> None:
    theirs = YAML(typ="safe").load((FLINK_HOME / "conf" / "config.yaml").read_text())
    ours = read((CONF / "config.yaml").read_text())
    assert ours["env.java.opts.all"] == theirs["env"]["java"]["opts"]["all"]


def test_override_takes_the_place_of_a_key() -> None:
    assert read(merge("a.b: 1\na.bc: 2\n", {"a.b": 3})) == {"a.b": 3, "a.bc": 2}


def test_local_cluster_keeps_the_project_s_behaviour(tmp_path: Path) -> None:
    config = merged(tmp_path)
    assert config["heartbeat.timeout"] == "8 s"
    assert config["taskmanager.numberOfTaskSlots"] == 2


def test_local_cluster_binds_loopback_only(tmp_path: Path) -> None:
    hosts = {
        key: value
        for key, value in merged(tmp_path).items()
        if key.endswith(("address", "host", "bind-host", "bind-address"))
    }
    assert len(hosts) == 6
    assert set(hosts.values()) == {"127.0.0.1"}


def test_two_local_clusters_share_no_fixed_port(tmp_path: Path) -> None:
    config = merged(tmp_path)
    ports = {key: str(value) for key, value in config.items() if key.endswith("port")}
    del ports["metrics.reporter.prom.port"]  # a range: each takes a free one
    assert set(ports.values()) == {"0", str(PORTS.rpc), str(PORTS.flink)}


def test_metrics_ports_are_a_range() -> None:
    assert len(flink_cluster.metrics_ports()) > 10


def test_libraries_are_linked_once_and_stale_links_go(tmp_path: Path) -> None:
    fetched = tmp_path / "jars"
    jars.connector(fetched).mkdir(parents=True)
    (jars.connector(fetched) / "kafka.jar").touch()
    flink_cluster.configure(tmp_path, fetched, PORTS, 1)
    lib = tmp_path / "flink" / "lib"
    before = {link.name: link.lstat().st_ino for link in lib.iterdir()}
    (lib / "kafka-old.jar").symlink_to(fetched / "gone.jar")

    flink_cluster.configure(tmp_path, fetched, PORTS, 1)

    assert {link.name: link.lstat().st_ino for link in lib.iterdir()} == before
    assert "kafka.jar" in before
    assert any(name.startswith("flink-dist") for name in before)
