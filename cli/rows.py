"""Rows of a file that a command sends: the options, and what becomes of bad ones."""

from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Console

from ingest.rows import BadRow, RowFormat
from schemas.errors import SetupError

err = Console(stderr=True)

_SHOWN = 20

StrictOption = Annotated[
    bool, typer.Option("--strict", help="Stop at the first bad row. Default: skip it.")
]
RowFormatOption = Annotated[
    RowFormat | None,
    typer.Option("--format", help="Default: by the file's name; standard input is jsonl."),
]


@dataclass
class BadRows:
    """The rows of a file that cannot be sent: told of and counted, or an error if strict."""

    path: str
    strict: bool
    count: int = 0

    def refuse(self, line: int, bad: BadRow) -> None:
        """Tell of one and count it. Raises SetupError if strict."""
        where = f"{self.path}:{line}: {bad}"
        if self.strict:
            raise SetupError(f"{where} (--strict)") from bad
        self.count += 1
        tell_skipped(where, self.count)


def tell_skipped(what: str, number: int) -> None:
    """Tell of the first ones that are skipped, and that there are more."""
    if number <= _SHOWN:
        err.print(f"skipped {what}", markup=False, highlight=False, soft_wrap=True)
    elif number == _SHOWN + 1:
        err.print("skipped more; the last line counts them")
