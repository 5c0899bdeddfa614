"""The job enrich as it runs on the stack of the tests."""

import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from local import stack as local_stack
from local.stack import Stack, StackConfig
from local.submission import Submission, submit


@dataclass(frozen=True)
class RunningEnrich:
    """Addresses of the stack, the job's id, and what tests do to both."""

    kafka: str
    redis: str
    flink: str
    state_dir: Path
    jars_dir: Path
    job_id: str

    @classmethod
    def start(cls, stack: Stack, jars_dir: Path, **settings: object) -> "RunningEnrich":
        """Submit the job with these settings, in the place of one that runs."""
        overrides = tuple(f"{key}={value}" for key, value in settings.items())
        submitted = submit(Submission("enrich", overrides), replace=True, wait=True, report=str)
        assert stack.kafka
        assert stack.redis
        assert stack.flink
        return cls(stack.kafka, stack.redis, stack.flink, stack.state_dir, jars_dir, submitted.id)

    def stack(self) -> Stack:
        """The stack as it is now."""
        now = local_stack.status(self.state_dir)
        assert now is not None
        return now

    def heal(self) -> None:
        """Start again what has died, as `wiredesk local up` does."""
        local_stack.up(StackConfig(self.state_dir, jars_dir=self.jars_dir), lambda *_: None)

    def restarts(self) -> int:
        """How often Flink has restarted the job."""
        path = f"http://{self.flink}/jobs/{self.job_id}/metrics?get=numRestarts"
        with urllib.request.urlopen(path, timeout=10) as answer:
            (metric,) = json.load(answer)
        return int(metric["value"])
