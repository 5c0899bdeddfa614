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

    def run(job, *arguments, running=""):
        (tmp_path / "running").write_text(running)
        subprocess.run(
            [ROOT / "docker" / "submit", job, *arguments],
            env={"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "FLINK_HOME": str(tmp_path)},
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
