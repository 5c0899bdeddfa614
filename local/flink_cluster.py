"""A Flink cluster: JobManager and TaskManagers from the distribution inside `apache-flink`.

The JVMs are started directly, as the distribution's scripts would: memory comes from the same
`BashJavaUtils`, the rest from `flink-conf/config.yaml`. So the pid we hold is the JVM's.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyflink  # type: ignore[import-untyped]
from ruamel.yaml import YAML

from local import jars
from local.errors import StackError
from local.java import java
from local.loopback import java_agent
from local.ports import HOST
from local.state import PROJECT, Ports

FLINK_HOME = Path(pyflink.__file__).parent
CONF = PROJECT / "flink-conf"
JOBMANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
TASKMANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
CLIENT = "org.apache.flink.client.cli.CliFrontend"


def overrides(state_dir: Path, ports: Ports, slots: int) -> Mapping[str, str | int]:
    """What a local cluster adds to the project's configuration."""
    return {
        "jobmanager.rpc.address": HOST,
        "jobmanager.rpc.port": ports.rpc,
        "jobmanager.bind-host": HOST,
        "rest.address": HOST,
        "rest.bind-address": HOST,
        "rest.port": ports.flink,
        "rest.bind-port": str(ports.flink),
        "blob.server.port": "0",
        "taskmanager.host": HOST,
        "taskmanager.bind-host": HOST,
        "taskmanager.rpc.port": "0",
        "taskmanager.data.port": 0,
        "taskmanager.numberOfTaskSlots": slots,
        "metrics.internal.query-service.port": "0",
        "io.tmp.dirs": str(state_dir / "tmp"),
        "execution.checkpointing.dir": (state_dir / "checkpoints").as_uri(),
        "execution.checkpointing.savepoint-dir": (state_dir / "savepoints").as_uri(),
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
    }


def merge(config: str, added: Mapping[str, str | int]) -> str:
    """Flat YAML with these keys at its end, in place of its own.

    >>> print(merge("# why\\na.b: 1\\nc: 2\\n", {"a.b": 3, "d": "x"}))
    # why
    c: 2
    <BLANKLINE>
    # This cluster
    a.b: 3
    d: "x"
    <BLANKLINE>
    """
    kept = [line for line in config.splitlines() if line.split(":")[0] not in added]
    ours = [f"{key}: {json.dumps(value)}" for key, value in added.items()]
    return "\n".join([*kept, "", "# This cluster", *ours, ""])


def configure(state_dir: Path, jars_dir: Path, ports: Ports, slots: int) -> None:
    """Write what the cluster and its clients read: configuration, libraries, folders."""
    for folder in ("tmp", "checkpoints", "savepoints", "logs"):
        (state_dir / folder).mkdir(parents=True, exist_ok=True)
    _link_libraries(state_dir, jars_dir)
    _write_config(_conf(state_dir), overrides(state_dir, ports, slots))


def _write_config(folder: Path, added: Mapping[str, str | int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(merge(_project_config(), added))


def _link_libraries(state_dir: Path, jars_dir: Path) -> None:
    """The distribution's jars and the Kafka connector, side by side."""
    lib = _lib(state_dir)
    lib.mkdir(parents=True, exist_ok=True)
    found = [
        *(FLINK_HOME / "lib").glob("*.jar"),
        # loaded once, not once a job: a TaskManager runs out of metaspace after six jobs otherwise
        *(FLINK_HOME / "opt").glob("flink-python-*.jar"),
        *jars.connector(jars_dir).glob("*.jar"),
    ]
    wanted = {lib / jar.name: jar for jar in found}
    for link in lib.iterdir():  # a running JVM may be about to open one that stays
        if link not in wanted or link.readlink() != wanted[link]:
            link.unlink()
    for link, jar in wanted.items():
        if not link.is_symlink():
            link.symlink_to(jar)


def jobmanager(state_dir: Path, jars_dir: Path) -> list[str]:
    """The JobManager's command line."""
    jvm, dynamic = _memory(state_dir, "GET_JM_RESOURCE_PARAMS")
    conf = ["--configDir", str(_conf(state_dir))]
    return [*_jvm(state_dir, jars_dir, "jobmanager", jvm), JOBMANAGER, *conf, *dynamic]


def taskmanagers(state_dir: Path, jars_dir: Path, names: Sequence[str]) -> dict[str, list[str]]:
    """The command line of each. Flink knows them by these names too, in its pages and metrics."""
    if not names:
        return {}
    jvm, dynamic = _memory(state_dir, "GET_TM_RESOURCE_PARAMS")
    conf = ["--configDir", str(_conf(state_dir))]
    return {
        name: [
            *_jvm(state_dir, jars_dir, name, jvm),
            TASKMANAGER,
            *conf,
            *("-D", f"taskmanager.resource-id={name}"),
            *dynamic,
        ]
        for name in names
    }


def metrics_ports() -> range:
    """Where JobManager and TaskManagers serve Prometheus, each on one port of these."""
    first, _, last = _setting("metrics.reporter.prom.port").partition("-")
    return range(int(first), int(last) + 1)


@dataclass(frozen=True)
class Client:
    """How to run `flink`."""

    command: list[str]
    environment: dict[str, str]
    output: Path


def client(state_dir: Path) -> Client:
    """`flink` for the cluster of this state folder."""
    return _client(state_dir, _conf(state_dir))


def remote_client(state_dir: Path, jars_dir: Path) -> Client:
    """`flink` for a cluster elsewhere: nothing of the local one's configuration goes along."""
    (state_dir / "logs").mkdir(parents=True, exist_ok=True)
    _link_libraries(state_dir, jars_dir)
    conf = state_dir / "flink" / "remote-conf"
    _write_config(conf, {"python.client.executable": sys.executable})
    return _client(state_dir, conf)


def _client(state_dir: Path, conf: Path) -> Client:
    logs = state_dir / "logs"
    settings = FLINK_HOME / "conf" / "log4j-cli.properties"
    logging = [f"-Dlog.file={logs / 'client.log'}", f"-Dlog4j.configurationFile=file:{settings}"]
    return Client(
        command=[java(), *_opens(), *logging, "-cp", _classpath(state_dir), CLIENT],
        environment=environment(state_dir) | {"FLINK_CONF_DIR": str(conf)},
        output=logs / "client.out",
    )


def environment(state_dir: Path) -> dict[str, str]:
    """What Flink's processes find in their environment; the jobs are this checkout's."""
    python_path = [str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "FLINK_HOME": str(FLINK_HOME),
        "FLINK_BIN_DIR": str(FLINK_HOME / "bin"),
        "FLINK_OPT_DIR": str(FLINK_HOME / "opt"),
        "FLINK_PLUGINS_DIR": str(FLINK_HOME / "plugins"),
        "FLINK_LIB_DIR": str(_lib(state_dir)),
        "FLINK_CONF_DIR": str(_conf(state_dir)),
        "FLINK_LOG_DIR": str(state_dir / "logs"),
        "PYTHONPATH": os.pathsep.join(python_path),
        # Thread mode looks for its Python on the path.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }


def _memory(state_dir: Path, what: str) -> tuple[list[str], list[str]]:
    """JVM options and `-D` options that follow from the configured memory."""
    utils = "org.apache.flink.runtime.util.bash.BashJavaUtils"
    dist = next(_lib(state_dir).glob("flink-dist-*.jar"))
    classpath = f"{FLINK_HOME / 'bin' / 'bash-java-utils.jar'}:{dist}"
    command = [java(), "-cp", classpath, utils, what, "--configDir", str(_conf(state_dir))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    mark = "BASH_JAVA_UTILS_EXEC_RESULT:"
    told = [line.removeprefix(mark) for line in done.stdout.splitlines() if line.startswith(mark)]
    if done.returncode or len(told) != 2:
        raise StackError(f"Flink refuses flink-conf/config.yaml: {_reason(done)}")
    return told[0].split(), told[1].split()


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    lines = (done.stderr + done.stdout).strip().splitlines()
    return next((line for line in lines if "Exception" in line), lines[-1] if lines else "")


def _jvm(state_dir: Path, jars_dir: Path, name: str, options: list[str]) -> list[str]:
    agent = java_agent(jars.agent(jars_dir), state_dir / "flink" / "loopback.btm")
    logs = state_dir / "logs"
    logging = [
        f"-Dlog.file={logs / f'{name}.log'}",  # where the Flink UI looks for it
        f"-Dlog4j.configurationFile=file:{CONF / 'log4j-console.properties'}",
        f"-XX:ErrorFile={logs / f'{name}-crash-%p.log'}",
    ]
    return [java(), *options, agent, *_opens(), *logging, "-cp", _classpath(state_dir)]


def _opens() -> list[str]:
    return _setting("env.java.opts.all").split()


def _setting(key: str) -> str:
    return str(YAML(typ="safe").load(_project_config())[key])


def _project_config() -> str:
    file = CONF / "config.yaml"
    if not file.exists():
        raise StackError(f"{file} is not there: install Wiredesk again.")
    return file.read_text()


def _classpath(state_dir: Path) -> str:
    """flink-dist last, as in the distribution's scripts."""
    found = sorted(_lib(state_dir).glob("*.jar"))
    return ":".join(
        str(jar) for jar in sorted(found, key=lambda j: j.name.startswith("flink-dist"))
    )


def _lib(state_dir: Path) -> Path:
    return state_dir / "flink" / "lib"


def _conf(state_dir: Path) -> Path:
    return state_dir / "flink" / "conf"
