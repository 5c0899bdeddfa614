"""Sending jobs to a Flink cluster with `flink run`, and ending them."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from jobs.runtime.catalogue import JOBS, load_shared
from local import flink_cluster, jars, reader_keys, stack, state
from local.errors import StackError
from local.flink_cluster import CONF, Client
from local.flink_rest import Flink, Job
from local.process import wait_until
from local.stack import Stack
from local.state import PROJECT

START_TIMEOUT_S = 60
CANCEL_TIMEOUT_S = 60
SAVEPOINT_TIMEOUT_S = 300
WORKS = {"RUNNING", "FINISHED"}
KEYS_SETTING = "profile_keys_file"
NO_THREADS = "No module named 'pemja'"
HINT = "; the first python on the TaskManagers' PATH is to be the one with Wiredesk"
THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Submission:
    """What to run, and how."""

    job: str
    overrides: tuple[str, ...] = ()  # key=value, as the job's main takes them
    settings: Path | None = None
    jobmanager: str | None = None  # None: the local stack
    parallelism: int | None = None
    savepoint: str | None = None
    python: str | None = None


@dataclass(frozen=True)
class Submitted:
    """A job that Flink accepted."""

    id: str
    page: str
    running: bool  # every task; False while some still start


def flink_name(job: str) -> str:
    """The job's name on the cluster.

    >>> flink_name("enrich")
    'wiredesk-enrich'
    """
    return f"wiredesk-{job}"


def known_jobs(folder: Path = PROJECT / "jobs") -> list[str]:
    """The jobs there are: one file each."""
    return sorted(file.stem for file in folder.glob("*.py") if not file.stem.startswith("_"))


def submit(
    wanted: Submission, *, replace: bool, wait: bool, report: Callable[[str], None]
) -> Submitted:
    """Run `flink run`, and `wait` until every task works.

    Raises SettingError before anything is touched; StackError if the job runs already and is not
    to be replaced, or if it fails at once.
    """
    _require_known(wanted.job)
    running = None if wanted.jobmanager else _local_stack()
    defaults = local_defaults(wanted, running)
    if running:
        _require_savepoint(wanted.savepoint)
    address = _address(wanted.jobmanager, running)
    flink = Flink(address)
    replaced = _running(flink, wanted.job)
    for before in replaced:
        if not replace:
            raise StackError(
                f"{before.name} runs already as job {before.id}: `wiredesk cancel {wanted.job}` "
                "first, or submit with --replace."
            )
        report(f"cancelling job {before.id}")
        _cancel(flink, before)
    report(f"flink run: {wanted.job}")
    client = flink_cluster.client(running.state_dir) if running else _remote_client()
    command = [*client.command, *arguments(wanted, address, defaults)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | client.environment
    )
    found = re.search(r"JobID ([0-9a-f]{32})", done.stdout)
    if done.returncode or found is None:
        told = done.stdout + done.stderr
        client.output.write_text(told)
        gone = f" The job that ran, {replaced[0].id}, is cancelled." if replaced else ""
        raise StackError(
            f"Flink did not take {wanted.job}: {reason(told)} (see {client.output}).{gone}"
        )
    job_id = found.group(1)
    report("waiting for its Python workers")
    running_now = wait and _wait_for_tasks(flink, job_id)
    return Submitted(job_id, f"{flink.url}/#/job/running/{job_id}", running_now)


def running_job(job: str) -> Job | None:
    """The job as it runs on the local stack, None if it does not."""
    return next(iter(_running(Flink(_address(None, _local_stack())), job)), None)


def cancel(job: str, *, jobmanager: str | None, savepoint: bool) -> str | None:
    """End the job and wait until it has ended. Returns the savepoint's path, if one is taken."""
    flink = Flink(_address(jobmanager, None if jobmanager else _local_stack()))
    found = _running(flink, job)
    if not found:
        names = ", ".join(each.name for each in flink.jobs() if each.running) or "nothing"
        raise StackError(f"{flink_name(job)} does not run on {flink.url}; there runs: {names}.")
    if savepoint:
        return _stop(flink, found[0])
    for each in found:
        _cancel(flink, each)
    return None


def arguments(wanted: Submission, address: str, defaults: Mapping[str, str]) -> list[str]:
    """Arguments of `flink`: its own, then the job's. What the user set wins over `defaults`."""
    for override in wanted.overrides:
        if "=" not in override:
            raise StackError(f"--set {override}: expected key=value.")
    host = address.split("://")[-1].rpartition(":")[0]
    python = wanted.python or (sys.executable if host in THIS_MACHINE else None)
    overrides = [*(f"{key}={value}" for key, value in defaults.items()), *wanted.overrides]
    return [
        *("run", "--detached", "--jobmanager", address),
        *_option("--parallelism", wanted.parallelism),
        *_option("--fromSavepoint", wanted.savepoint),
        *(f"-D{key}={value}" for key, value in overlay(wanted.job).items()),
        *("--pyClientExecutable", sys.executable),
        *_option("--pyExecutable", python),
        *("--pyModule", f"jobs.{wanted.job}"),
        *_option("--settings", wanted.settings),
        *(word for override in overrides for word in ("--set", override)),
    ]


def local_defaults(wanted: Submission, running: Stack | None) -> dict[str, str]:
    """What the local stack says of settings that neither the user's file, environment nor --set
    names. Raises SettingError; StackError where Kafka or Redis of the stack is away.
    """
    settings = load_shared(JOBS[wanted.job], file=wanted.settings, overrides=wanted.overrides)
    given = settings.model_fields_set
    if running is None:
        return {}
    found = local_settings(running)
    _require_local(given | found.keys())
    if KEYS_SETTING not in given:
        found |= local_keys(wanted.job, running)
    return {key: value for key, value in found.items() if key not in given}


def local_settings(running: Stack | None) -> dict[str, str]:
    """Where a job on the local stack finds Kafka and Redis."""
    if running is None:
        return {}
    urls = {
        "kafka_bootstrap": running.kafka,
        "redis_url": running.redis and f"redis://{running.redis}",
    }
    return {key: url for key, url in urls.items() if url}


def local_keys(job: str, running: Stack | None) -> dict[str, str]:
    """The local stack's key ring for profiles, where the job asks for one."""
    if running is None or KEYS_SETTING not in JOBS[job].model_fields:
        return {}
    return {KEYS_SETTING: str(reader_keys.ensure(reader_keys.profiles_file(running.state_dir)))}


def overlay(job: str, folder: Path = CONF) -> dict[str, str]:
    """What the job changes in `flink-conf/config.yaml`: the flat keys of `flink-conf/<job>.yaml`.

    >>> overlay("enrich")
    {}
    """
    file = folder / f"{job}.yaml"
    if not file.exists():
        return {}
    found = YAML(typ="safe").load(file)
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise StackError(f"{file} is not of the form key: value, one a line.")
    return {key: _flat(key, value, file) for key, value in found.items()}


def _flat(key: str, value: object, file: Path) -> str:
    """A value as Flink writes it; Flink's configuration knows no other kinds."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise StackError(f"{file}: {key} is {type(value).__name__}; expected text or a number.")


def reason(told: str) -> str:
    """The line that says why, in what `flink run` printed or in a Java stack trace.

    >>> reason("Starting\\njobs.enrich: setting `delivry` is unknown\\n\\tat org.apache.Some(Line)")
    'jobs.enrich: setting `delivry` is unknown'
    >>> reason("a.b.Outer: failed\\nCaused by: java.io.NotFoundException: no /x\\n\\t... 5 more")
    'NotFoundException: no /x'
    """
    # After this line Flink only says that Python ended.
    lines = told.split("org.apache.flink.client.program.ProgramAbortException")[0].splitlines()
    for pattern in (
        r"^(jobs\.\w+: .*)",
        r"^(?:Caused by: )?(?:[\w$]+\.)*(\w*(?:Error|Exception)\b.*)",
    ):
        found = [match.group(1) for line in lines if (match := re.search(pattern, line))]
        if found:
            return found[-1]
    return lines[-1] if lines else "it gave no reason"


def _option(name: str, value: object | None) -> Sequence[str]:
    return () if value is None else (name, str(value))


def _require_known(job: str) -> None:
    if job not in known_jobs():
        raise StackError(f"No job named {job!r}; there are: {', '.join(known_jobs())}.")


def _require_local(known: Collection[str]) -> None:
    """Raises StackError where the job would look for the local stack's Kafka or Redis in vain."""
    for key, name in (("kafka_bootstrap", "Kafka"), ("redis_url", "Redis")):
        if key not in known:
            raise StackError(
                f"{name} of the local stack does not answer: `wiredesk local up` brings it back, "
                f"or name another with --set {key}=…"
            )


def _require_savepoint(path: str | None) -> None:
    """Raises StackError where this machine should have a savepoint and has not."""
    here = (path or "").removeprefix("file:")
    if here.startswith("/") and not Path(here).exists():
        raise StackError(f"There is no savepoint {path}.")


def _remote_client() -> Client:
    state_dir = state.default_dir()
    jars.fetch(state_dir / "jars")
    return flink_cluster.remote_client(state_dir, state_dir / "jars")


def _local_stack() -> Stack:
    running = stack.status()
    if running is None or running.flink is None:
        raise StackError(
            "No Flink runs here: `wiredesk local up`, or name a cluster with --jobmanager."
        )
    return running


def _address(jobmanager: str | None, running: Stack | None) -> str:
    address = jobmanager or (running.flink if running else None)
    assert address is not None
    return address


def _running(flink: Flink, job: str) -> list[Job]:
    return [each for each in flink.jobs() if each.running and each.name == flink_name(job)]


def _wait_for_tasks(flink: Flink, job_id: str) -> bool:
    """Whether every task runs in time. Raises StackError if the job fails instead."""

    def settled() -> bool:
        return flink.tasks(job_id) <= WORKS or flink.failure(job_id) != ""

    wait_until(settled, timeout_s=START_TIMEOUT_S, every_s=0.3)
    if failure := flink.failure(job_id):
        told = f"{reason(failure)}{HINT if NO_THREADS in failure else ''}"
        raise StackError(f"The job was taken, but fails: {told} ({flink.url})")
    return flink.tasks(job_id) <= WORKS


def _cancel(flink: Flink, job: Job) -> None:
    flink.cancel(job.id)
    if not wait_until(lambda: not flink.job(job.id).running, timeout_s=CANCEL_TIMEOUT_S):
        raise StackError(f"{job.name} did not end within {CANCEL_TIMEOUT_S} s of being cancelled.")


def _stop(flink: Flink, job: Job) -> str:
    request = flink.stop_with_savepoint(job.id)
    done = wait_until(
        lambda: flink.savepoint(job.id, request) is not None, timeout_s=SAVEPOINT_TIMEOUT_S
    )
    path = flink.savepoint(job.id, request) if done else None
    if path is None:
        raise StackError(f"The savepoint takes longer than {SAVEPOINT_TIMEOUT_S} s.")
    wait_until(lambda: not flink.job(job.id).running, timeout_s=CANCEL_TIMEOUT_S)
    return path
