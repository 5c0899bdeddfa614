"""What a command that takes its time tells meanwhile: a bar on a terminal, plain lines in a log.

On stderr, so that what it finds is alone on stdout.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

err = Console(stderr=True)

Say = Callable[[str], None]
"""Called with what is being done."""

_BAR_EVERY_S = 0.25
"""A bar that is moved for every record takes processor time from what is measured."""
_LINE_EVERY_S = 15.0
_NUMBERS = re.compile(r"(?<![\w-])\d[\d,.]*")


class Tell(Protocol):
    """Called with what is done, with the total where only the work finds it out, and with other
    words for both.
    """

    def __call__(self, done: float, of: float | None = ..., words: str | None = ...) -> None: ...


@contextmanager
def progress(what: str, total: float | None = None) -> Iterator[Tell]:
    """Tells how far something is, and at its end how long it took."""
    with _timed(what), bar(what, total) as tell:
        yield tell


def bar(what: str, total: float | None = None) -> AbstractContextManager[Tell]:
    """Tells how far something is, and nothing of its end."""
    return _drawn(what, total) if err.is_terminal else _written(what, total)


@contextmanager
def phase(what: str) -> Iterator[None]:
    """Tells that something goes on, and at its end how long it took."""
    with _timed(what), err.status(Text(what)) if err.is_terminal else nullcontext():
        yield


@contextmanager
def steps(first: str) -> Iterator[Say]:
    """Gives a function that is called with each step, and with how far it is.

    first  what a terminal shows until there is a step
    """
    if err.is_terminal:
        with err.status(Text(first)) as status:
            yield lambda step: status.update(Text(step))
    else:
        yield _Log()


class _Log:
    """A line for each new step; where only its numbers change, one every 15 seconds."""

    def __init__(self) -> None:
        self._step = ""
        self._told_at = 0.0

    def __call__(self, step: str) -> None:
        known, now = _NUMBERS.sub("", step), time.monotonic()
        if known != self._step or now - self._told_at >= _LINE_EVERY_S:
            self._step, self._told_at = known, now
            _line(step)


@contextmanager
def _timed(what: str) -> Iterator[None]:
    if not err.is_terminal:
        _line(what)
    began = time.monotonic()
    yield
    _line(f"{time.monotonic() - began:7.1f} s  {what}")


@contextmanager
def _drawn(what: str, total: float | None) -> Iterator[Tell]:
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[words]}", markup=False),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        refresh_per_second=2,
    ) as shown:
        task = shown.add_task(what, total=total, words="")
        told_at = 0.0

        def tell(done: float, of: float | None = total, words: str | None = None) -> None:
            nonlocal told_at
            if done == of or time.monotonic() - told_at > _BAR_EVERY_S:
                shown.update(task, completed=done, total=of, words=words or _count(done, of))
                told_at = time.monotonic()

        yield tell


@contextmanager
def _written(what: str, total: float | None) -> Iterator[Tell]:
    told_at = time.monotonic()

    def tell(done: float, of: float | None = total, words: str | None = None) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= _LINE_EVERY_S:
            _line(f"{what}: {words or _count(done, of)}")
            told_at = time.monotonic()

    yield tell


def _count(done: float, of: float | None) -> str:
    return f"{done:,}" if of is None else f"{done:,} of {of:,}"


def _line(text: str) -> None:
    err.print(text, markup=False, highlight=False, soft_wrap=True)
