import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

from local import submission
from local.errors import StackError
from local.stack import Stack
from local.submission import (
    Submission,
    arguments,
    known_jobs,
    local_defaults,
    local_settings,
    reason,
)


def settings_in(command: list[str]) -> list[str]:
    return [value for flag, value in pairwise(command) if flag == "--set"]


def test_job_s_arguments_come_after_flink_s() -> None:
    wanted = Submission(
        "enrich",
        overrides=("delivery=exactly_once",),
        settings=Path("/etc/desk.toml"),
        parallelism=2,
        savepoint="/savepoints/1",
    )
    assert arguments(wanted, "127.0.0.1:18081", {}) == [
        *("run", "--detached", "--jobmanager", "127.0.0.1:18081"),
        *("--parallelism", "2", "--fromSavepoint", "/savepoints/1"),
        *("--pyClientExecutable", sys.executable, "--pyExecutable", sys.executable),
        *("--pyModule", "jobs.enrich"),
        *("--settings", "/etc/desk.toml", "--set", "delivery=exactly_once"),
    ]


def test_what_the_user_sets_comes_last_and_so_wins() -> None:
    wanted = Submission("enrich", overrides=("redis_url=redis://elsewhere",))
    command = arguments(wanted, "127.0.0.1:18081", {"redis_url": "redis://127.0.0.1:1"})
    assert settings_in(command) == ["redis_url=redis://127.0.0.1:1", "redis_url=redis://elsewhere"]


def test_remote_cluster_uses_its_own_python() -> None:
    assert "--pyExecutable" not in arguments(Submission("enrich"), "flink.example:8081", {})


def test_remote_cluster_uses_the_python_asked_for() -> None:
    command = arguments(Submission("enrich", python="/opt/python"), "flink.example:8081", {})
    assert command[command.index("--pyExecutable") + 1] == "/opt/python"


def test_override_without_value_is_refused() -> None:
    with pytest.raises(StackError, match=r"--set delivery: expected key=value"):
        arguments(Submission("enrich", overrides=("delivery",)), "127.0.0.1:1", {})


def test_local_stack_gives_kafka_and_redis(tmp_path: Path) -> None:
    running = Stack(tmp_path, "127.0.0.1:19092", "127.0.0.1:16379", "127.0.0.1:18081", ())
    assert local_settings(running) == {
        "kafka_bootstrap": "127.0.0.1:19092",
        "redis_url": "redis://127.0.0.1:16379",
    }


def test_what_does_not_answer_is_not_set(tmp_path: Path) -> None:
    running = Stack(tmp_path, None, "127.0.0.1:16379", "127.0.0.1:18081", ())
    assert local_settings(running) == {"redis_url": "redis://127.0.0.1:16379"}


def test_what_the_settings_file_or_the_environment_names_is_not_the_local_stack_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = Stack(tmp_path, "127.0.0.1:19092", "127.0.0.1:16379", "127.0.0.1:18081", ())
    file = tmp_path / "wiredesk.toml"
    file.write_text('kafka_bootstrap = "kafka.example:9092"\n')
    wanted = Submission("enrich", settings=file)
    assert local_defaults(wanted, running) == {"redis_url": "redis://127.0.0.1:16379"}
    monkeypatch.setenv("WIREDESK_REDIS_URL", "redis://redis.example")
    assert local_defaults(wanted, running) == {}


def test_jobs_are_the_files_in_the_folder(tmp_path: Path) -> None:
    for name in ("breaking.py", "enrich.py", "__init__.py", "notes.txt"):
        (tmp_path / name).touch()
    assert known_jobs(tmp_path) == ["breaking", "enrich"]


def test_unknown_job_names_the_known_ones() -> None:
    with pytest.raises(StackError, match=r"No job named 'enrch'; there are: .*enrich"):
        submission.submit(Submission("enrch"), replace=False, wait=False, report=print)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("Traceback\nModuleNotFoundError: No module named 'x'\n", "ModuleNotFoundError: No module"),
        ("a.A: outer\nCaused by: b.BException: inner\n\tat c.D(E)", "BException: inner"),
        (
            "jobs.enrich: setting x is unknown\n"
            "org.apache.flink.client.program.ProgramAbortException: x\nCaused by: y.ZError: code 1",
            "jobs.enrich: setting x is unknown",
        ),
        ("", "it gave no reason"),
    ],
)
def test_reason_is_the_innermost(told: str, why: str) -> None:
    assert reason(told).startswith(why)


def test_job_is_not_sent_to_look_for_a_kafka_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = Stack(tmp_path, None, "127.0.0.1:2", "127.0.0.1:3", ())
    monkeypatch.setattr(submission, "_local_stack", lambda: running)
    with pytest.raises(StackError, match=r"Kafka of the local stack does not answer"):
        submission.submit(Submission("enrich"), replace=False, wait=False, report=print)


def test_savepoint_that_is_not_there_is_found_out_before_anything_is_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = Stack(tmp_path, "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", ())
    monkeypatch.setattr(submission, "_local_stack", lambda: running)
    wanted = Submission("enrich", savepoint=f"file:{tmp_path}/none")
    with pytest.raises(StackError, match=r"There is no savepoint file:.*/none\."):
        submission.submit(wanted, replace=True, wait=False, report=print)


def test_thread_mode_without_our_python_is_told_with_what_to_do() -> None:
    failure = "pemja.core.PythonException: <class 'E'>: No module named 'pemja'\n\tat x.Y(Z)"
    flink = SimpleNamespace(
        url="http://flink.example:8081", tasks=lambda _: {"FAILED"}, failure=lambda _: failure
    )
    with pytest.raises(StackError, match=r"the first python on the TaskManagers' PATH"):
        submission._wait_for_tasks(flink, "0")
