"""Where the Python of a job's operators runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from pyflink.common import Configuration
from pyflink.datastream import DataStream
from pyflink.util.java_utils import get_j_env_configuration

EXECUTION_MODE = "python.execution-mode"


@contextmanager
def in_worker(stream: DataStream) -> Iterator[None]:
    """Operators that are made meanwhile run in a worker process, though the job is in thread mode.

    An AsyncFunction needs the worker; keyed state costs a tenth in the TaskManager's own threads,
    and has no bundles to wait for there. PyFlink looks at the mode when an operator is made (2.3),
    the TaskManager at what the job had in the end: so one job has both.
    """
    env = stream.get_execution_environment()
    java = get_j_env_configuration(env._j_stream_execution_environment)
    before = java.getString(EXECUTION_MODE, "process")
    env.configure(_mode("process"))
    try:
        yield
    finally:
        env.configure(_mode(before))


def _mode(name: str) -> Configuration:
    return Configuration().set_string(EXECUTION_MODE, name)
