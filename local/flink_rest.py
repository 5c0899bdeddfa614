"""The part of Flink's REST interface that the commands use."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from local.errors import StackError

ENDED = frozenset({"FINISHED", "CANCELED", "FAILED"})


@dataclass(frozen=True)
class Job:
    """A job as the cluster lists it."""

    id: str
    name: str
    state: str
    started_ms: int

    @property
    def running(self) -> bool:
        return self.state not in ENDED


@dataclass(frozen=True)
class Checkpoint:
    """A completed checkpoint, and the largest and longest of the job so far.

    state_bytes   of the whole state
    most_written  bytes that one wrote: what earlier ones have written is not written again
    """

    state_bytes: int
    most_written: int
    longest_s: float


class Flink:
    """A cluster's REST interface.

    address  "host:port" of its JobManager, or a whole URL
    """

    def __init__(self, address: str, *, timeout_s: float = 10) -> None:
        self.url = (address if "://" in address else f"http://{address}").rstrip("/")
        self._timeout_s = timeout_s

    def taskmanagers(self) -> dict[str, int]:
        """Last sign of life of every registered TaskManager, in ms since the epoch."""
        listed = self._call("GET", "/taskmanagers")["taskmanagers"]
        return {each["id"]: each["timeSinceLastHeartbeat"] for each in listed}

    def jobs(self) -> list[Job]:
        """Every job the cluster remembers, the newest first."""
        listed = self._call("GET", "/jobs/overview")["jobs"]
        jobs = [Job(job["jid"], job["name"], job["state"], job["start-time"]) for job in listed]
        return sorted(jobs, key=lambda job: -job.started_ms)

    def job(self, job_id: str) -> Job:
        told = self._call("GET", f"/jobs/{job_id}")
        return Job(told["jid"], told["name"], told["state"], told["start-time"])

    def tasks(self, job_id: str) -> set[str]:
        """The states its tasks are in."""
        return {vertex["status"] for vertex in self._call("GET", f"/jobs/{job_id}")["vertices"]}

    def failure(self, job_id: str) -> str:
        """Stack trace of its latest failure; empty if it never failed."""
        entries = self._call("GET", f"/jobs/{job_id}/exceptions")["exceptionHistory"]["entries"]
        return str(entries[0]["stacktrace"]) if entries else ""

    def fresh_checkpoint(self, job_id: str, *, timeout_s: float = 120) -> Checkpoint:
        """One that begins after this call. Raises StackError."""
        asked_ms, deadline = time.time_ns() // 1_000_000, time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            told = self._call("GET", f"/jobs/{job_id}/checkpoints")
            latest, summary = told["latest"]["completed"], told["summary"]
            if latest and latest["trigger_timestamp"] > asked_ms:
                return Checkpoint(
                    state_bytes=int(latest["state_size"]),
                    most_written=int(summary["checkpointed_size"]["max"]),
                    longest_s=summary["end_to_end_duration"]["max"] / 1000,
                )
            time.sleep(0.2)
        raise StackError(f"Job {job_id} completed no checkpoint within {timeout_s:g} s.")

    def cancel(self, job_id: str) -> None:
        """Begin to cancel; the job ends a little later."""
        self._call("PATCH", f"/jobs/{job_id}?mode=cancel")

    def stop_with_savepoint(self, job_id: str) -> str:
        """Begin to stop; returns the id to ask `savepoint` with."""
        told = self._call("POST", f"/jobs/{job_id}/stop", {"drain": False})
        return str(told["request-id"])

    def savepoint(self, job_id: str, request_id: str) -> str | None:
        """Where the savepoint lies; None while it is being written."""
        told = self._call("GET", f"/jobs/{job_id}/savepoints/{request_id}")
        if told["status"]["id"] != "COMPLETED":
            return None
        operation = told["operation"]
        if "location" not in operation:
            cause = operation["failure-cause"]["stack-trace"].splitlines()[0]
            why = cause.rpartition("Failure reason: ")[2]
            raise StackError(f"The savepoint failed, the job goes on: {why}")
        return str(operation["location"])

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(
            self.url + path, data=content, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_s) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise StackError(f"Flink at {self.url} refused {method} {path}: {error}") from error
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            reason = getattr(error, "reason", error)
            raise StackError(f"No Flink answers at {self.url}: {reason}") from error
