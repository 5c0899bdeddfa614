"""`submit JOB` of the image, with a `flink` that writes down what it is asked."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.submission import flink_name, known_jobs, overlay

ROOT = Path(__file__).parents[2]

FLINK = """#!{python}
import json, sys
if sys.argv[1] == "list":
    open("{folder}/listed", "w").write(json.dumps(sys.argv[1:]))
    print(open("{folder}/running").read())
else:
    open("{folder}/asked", "w").write(json.dumps(sys.argv[1:]))
"""


@pytest.fixture
def submit(tmp_path):
    """Runs the script; returns what `flink run` was asked, None if it was not."""
    (tmp_path / "bin").mkdir()
    flink = tmp_path / "bin" / "flink"
    flink.write_text(FLINK.format(python=sys.executable, folder=tmp_path))
    flink.chmod(0o755)
    shutil.copytree(ROOT / "flink-conf", tmp_path / "conf")

    def run(job, *arguments, running="", **environment):
        (tmp_path / "running").write_text(running)
        path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
        subprocess.run(
            [ROOT / "docker" / "submit", job, *arguments],
            env={"PATH": path, "FLINK_HOME": str(tmp_path), **environment},
            check=True,
        )
        asked = tmp_path / "asked"
        return json.loads(asked.read_text()) if asked.exists() else None

    return run


@pytest.mark.parametrize("job", known_jobs())
def test_a_job_is_submitted_with_its_overlay(submit, job):
    asked = submit(job, "--parallelism", "2")
    assert asked[:2] == ["run", "--detached"]
    options = dict(word.removeprefix("-D").split("=", 1) for word in asked if word.startswith("-D"))
    assert options == overlay(job)
    assert asked[-4:] == ["--parallelism", "2", "--pyModule", f"jobs.{job}"]


def test_a_job_that_runs_is_left_alone(submit):
    line = f"21.11.2026 09:00:00 : 0f : {flink_name('enrich')} (RUNNING)"
    assert submit("enrich", running=line) is None
    assert submit("audience", running=line) is not None


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        (["--jobmanager", "flink:8081"], ["--jobmanager", "flink:8081"]),
        (["--jobmanager=flink:8081"], ["--jobmanager=flink:8081"]),
        (["-m", "flink:8081"], ["--jobmanager", "flink:8081"]),
        (["--parallelism", "2"], []),
    ],
)
def test_another_cluster_is_asked_what_runs_there(submit, tmp_path, given, passed):
    line = f"21.11.2026 09:00:00 : 0f : {flink_name('enrich')} (RUNNING)"
    assert submit("enrich", *given, running=line) is None
    assert json.loads((tmp_path / "listed").read_text()) == ["list", "--running", *passed]
    asked = submit("enrich", *given)
    assert asked[-2 - len(given) : -2] == given


def checkpoint(folder, second):
    """A checkpoint that was completed at a second."""
    folder.mkdir(parents=True)
    (folder / "_metadata").touch()
    os.utime(folder / "_metadata", (second, second))
    return str(folder)


def restored(asked):
    return asked[asked.index("--fromSavepoint") + 1] if "--fromSavepoint" in asked else None


def test_a_job_goes_on_from_its_newest_checkpoint(submit, tmp_path):
    state = tmp_path / "with space"
    newest = checkpoint(state / "breaking" / "1f" / "chk-3", 2000)
    checkpoint(state / "breaking" / "2f" / "chk-90", 1000)
    checkpoint(state / "enrich" / "3f" / "chk-1", 3000)
    (state / "breaking" / "1f" / "chk-4").mkdir()  # never completed
    asked = submit("breaking", CHECKPOINTS=str(state))
    assert restored(asked) == newest
    assert asked[asked.index("--claimMode") + 1] == "claim"
    assert f"-Dexecution.checkpointing.dir=file://{state}/breaking" in asked
    assert asked[-2:] == ["--pyModule", "jobs.breaking"]


def test_a_job_without_a_checkpoint_begins_anew_in_a_folder_of_its_own(submit, tmp_path):
    (tmp_path / "state" / "audience").mkdir(parents=True)
    for job in ("audience", "profiles"):
        asked = submit(job, CHECKPOINTS=str(tmp_path / "state"))
        assert restored(asked) is None
        assert f"-Dexecution.checkpointing.dir=file://{tmp_path}/state/{job}" in asked


@pytest.mark.parametrize(
    "named", [["--fromSavepoint", "/savepoint-1"], ["--fromSavepoint=/savepoint-1"], ["-s", "/s-1"]]
)
def test_a_savepoint_that_is_named_comes_before_checkpoints(submit, tmp_path, named):
    chosen = checkpoint(tmp_path / "state" / "enrich" / "1f" / "chk-3", 2000)
    asked = submit("enrich", *named, CHECKPOINTS=str(tmp_path / "state"))
    assert chosen not in asked
    assert asked[-2 - len(named) : -2] == named


def test_checkpoints_of_a_cluster_elsewhere_are_left_to_it(submit):
    asked = submit("enrich", CHECKPOINTS="")
    assert restored(asked) is None
    assert not [word for word in asked if "checkpointing.dir" in word]
