"""The bar of a command that takes its time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_TOLD_EVERY_S = 0.25
"""A bar that is moved for every record takes processor time from what is measured."""


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[..., None]]:
    """Gives a function that is called with what is done, and with the total where only the work
    finds it out.
    """
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        refresh_per_second=2,
    ) as bar:
        task = bar.add_task(what, total=total)
        told_at = 0.0

        def tell(done: int, of: int | None = total) -> None:
            nonlocal told_at
            if done == of or time.monotonic() - told_at > _TOLD_EVERY_S:
                bar.update(task, completed=done, total=of)
                told_at = time.monotonic()

        yield tell
