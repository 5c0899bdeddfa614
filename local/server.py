"""`wiredesk serve` beside a local stack: started once, ended with it."""

import sys
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from local import process, state
from local.errors import StackError
from local.ports import HOST, is_free, next_free
from local.stack import TAIL_LINES, Report, last_lines, log_file

NAME = "server"
FIRST_PORT = 8080
START_TIMEOUT_S = 120


def ensure(state_dir: Path, report: Report) -> str:
    """Address of the stack's server, started unless it runs. Raises StackError."""
    with state.only_one(state_dir):
        saved = state.load(state_dir)
        if saved is None:
            raise StackError("No stack runs here: `wiredesk local up`.")
        port = saved.ports.server or FIRST_PORT
        if not _runs(saved):
            port = port if is_free(port) else next_free(FIRST_PORT, avoid=set())
            report(NAME, "starting")
            saved = replace(saved, ports=replace(saved.ports, server=port))
            started = process.start(
                NAME,
                [str(Path(sys.executable).with_name("wiredesk")), "serve", "--port", str(port)],
                log=log_file(state_dir, NAME),
                cwd=state_dir,
                env={
                    process.MARKER: state.stack_id(state_dir),
                    "WIREDESK_STATE_DIR": str(state_dir),
                },
            )
            saved = saved.with_process(started)
            state.save(saved)
    _wait(saved, f"http://{HOST}:{port}/healthz")
    return f"{HOST}:{port}"


def _runs(saved: state.State) -> bool:
    return any(each.name == NAME for each in saved.living)


def _wait(saved: state.State, url: str) -> None:
    def settled() -> bool:
        return not _runs(saved) or _answers(url)

    in_time = process.wait_until(settled, timeout_s=START_TIMEOUT_S, every_s=0.3)
    log = log_file(saved.state_dir, NAME)
    if not _runs(saved):
        tail = "\n".join(last_lines(log, TAIL_LINES))
        raise StackError(f"The server ended while it started. The end of {log}:\n{tail}")
    if not in_time:
        raise StackError(f"The server did not answer within {START_TIMEOUT_S} s: see {log}")


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2):
            return True
    except (URLError, OSError):
        return False
