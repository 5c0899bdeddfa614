"""The wheel on a Flink cluster of someone else, by README's commands: no checkout in sight."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from topic_reader import TopicReader

from local import flink_cluster, jars
from local.errors import StackError
from local.flink_rest import Flink
from local.java import java
from local.loopback import java_agent
from local.ports import HOST, any_free
from local.process import wait_until
from local.state import PROJECT
from schemas.topics import ARTICLES_ENRICHED

pytestmark = pytest.mark.e2e

PATIENCE_S = 120
JARS = PROJECT / ".wiredesk" / "jars"
INSTALLED = "/opt/wiredesk"
"""Where README installs the wheel."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture(scope="module")
def environment(folder):
    """An environment with the wheel; its dependencies are this one's, our checkout is not."""
    uv = Path(sys.executable).with_name("uv")
    home = folder / "wiredesk"
    venv.create(home)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    (site / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    built = [uv, "build", "--quiet", "--wheel", "--out-dir", folder, PROJECT]
    subprocess.run(built, check=True)
    (wheel,) = folder.glob("wiredesk-*.whl")
    into = ["--python", home / "bin" / "python", "--no-deps", wheel]
    subprocess.run([uv, "pip", "install", "--quiet", *into], check=True)
    return home


@pytest.fixture(scope="module")
def flink_home(folder):
    """A distribution as README wants it: two jars in lib/, our configuration with addresses."""
    home = folder / "flink"
    for part in ("bin", "conf"):
        shutil.copytree(flink_cluster.FLINK_HOME / part, home / part)
    for script in (home / "bin").iterdir():
        script.chmod(0o755)
    for part in ("lib", "opt", "plugins"):
        shutil.copytree(flink_cluster.FLINK_HOME / part, home / part, copy_function=os.symlink)
    for jar in (*(home / "opt").glob("flink-python-*.jar"), *jars.connector(JARS).glob("*.jar")):
        (home / "lib" / jar.name).symlink_to(jar)
    config = (PROJECT / "flink-conf" / "config.yaml").read_text()
    (home / "conf" / "config.yaml").write_text(config + _addresses(folder))
    return home


def _addresses(folder):
    """What README leaves to the cluster, and an agent that keeps all of it on loopback."""
    agent = java_agent(jars.agent(JARS), folder / "loopback.btm")
    rest = any_free(avoid=set())
    added = {
        "jobmanager.rpc.address": HOST,
        "jobmanager.rpc.port": any_free(avoid={rest}),
        "jobmanager.bind-host": HOST,
        "rest.address": HOST,
        "rest.bind-address": HOST,
        "rest.port": rest,
        "taskmanager.host": HOST,
        "taskmanager.bind-host": HOST,
        "taskmanager.numberOfTaskSlots": 2,
        "execution.checkpointing.dir": (folder / "checkpoints").as_uri(),
        "io.tmp.dirs": str(folder),
        "env.java.opts.jobmanager": agent,
        "env.java.opts.taskmanager": agent,
    }
    return "".join(f"{key}: {value}\n" for key, value in added.items())


@pytest.fixture(scope="module")
def shell(folder, environment, flink_home):
    """The environment of someone who has the wheel and Flink, and nothing of ours."""
    (folder / "state").mkdir()
    (folder / "state" / "jars").symlink_to(JARS)
    programs = [environment / "bin", flink_home / "bin", Path(java()).parent, "/usr/bin", "/bin"]
    return {
        "HOME": str(folder),
        "PATH": os.pathsep.join(map(str, programs)),
        "FLINK_LOG_DIR": str(folder),
        "WIREDESK_STATE_DIR": str(folder / "state"),
    }


@pytest.fixture(scope="module")
def cluster(folder, flink_home, shell):
    """A JobManager and a TaskManager, started by Flink's own scripts."""
    config = (flink_home / "conf" / "config.yaml").read_text()
    flink = Flink(f"{HOST}:{re.search(r'^rest.port: (.*)$', config, re.MULTILINE)[1]}")
    started = []
    try:
        for role in ("jobmanager", "taskmanager"):
            command = [str(flink_home / "bin" / f"{role}.sh"), "start-foreground"]
            log = (folder / f"{role}.log").open("w")
            started.append(subprocess.Popen(command, cwd=folder, env=shell, stdout=log, stderr=log))
        assert wait_until(lambda: _taskmanagers(flink) == 1, timeout_s=PATIENCE_S)
        yield flink
    finally:
        for each in started:
            each.terminate()
        for each in started:
            each.wait(PATIENCE_S)


def _taskmanagers(flink):
    try:
        return len(flink.taskmanagers())
    except StackError:
        return 0


@pytest.fixture(scope="module")
def settings(folder, stack, topics_created):
    """The one file, where README's commands look for it."""
    lines = {
        "kafka_bootstrap": stack.kafka,
        "redis_url": f"redis://{stack.redis}",
        "consumer_group": "elsewhere",
    }
    file = folder / "wiredesk.toml"
    file.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items()))
    return file


def readme_s(words):
    """The one block of commands in README that holds these words."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (PROJECT / "README.md").read_text(), re.S | re.M)
    (block,) = (block for block in blocks if words in block)
    return block


def run(script, folder, environment, shell):
    """What commands print; each is to end well."""
    script = script.replace(INSTALLED, str(environment))
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=folder,
        env=shell,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_readme_s_commands_submit_a_job_that_enriches(
    folder, environment, shell, cluster, settings, stack
):
    run(readme_s("flink run"), folder, environment, shell)
    (job,) = cluster.jobs()
    article = {"article_id": "elsewhere-1", "title": "Bridge closed", "body": "It is closed."}
    (folder / "articles.jsonl").write_text(json.dumps(article))
    reader = TopicReader(stack.kafka, ARTICLES_ENRICHED.name, "elsewhere-1")
    run("wiredesk replay articles.jsonl --settings wiredesk.toml", folder, environment, shell)
    reader.wait(lambda: bool(reader.records), PATIENCE_S)
    reader.close()
    cluster.cancel(job.id)


def test_the_wheel_s_own_command_submits_a_job_of_thread_mode(
    folder, environment, shell, cluster, settings
):
    """With what flink-conf/ asks of Flink for it, in the wheel; it waits until every task works."""
    told = run(
        f"wiredesk submit audience --jobmanager {cluster.url} "
        f"--python {INSTALLED}/bin/python --settings wiredesk.toml",
        folder,
        environment,
        shell,
    )
    assert "wiredesk-audience runs as job" in told


def test_nothing_of_the_checkout_is_in_the_environment(folder, environment, shell):
    told = run("python -c 'import jobs, local; print(jobs.__file__)'", folder, environment, shell)
    assert told.startswith(str(environment))
