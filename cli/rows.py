"""Rows of a file that a command sends: the options, and what becomes of bad ones."""

from dataclasses import dataclass
from typing import Annotated

import typer

from cli.progress import err
from ingest.rows import BadRow, RowFormat
from schemas.article import Article
from schemas.errors import SetupError

_SHOWN = 20

StrictOption = Annotated[
    bool, typer.Option("--strict", help="Stop at the first bad row. Default: skip it.")
]
RowFormatOption = Annotated[
    RowFormat | None,
    typer.Option("--format", help="Default: by the file's name; standard input is jsonl."),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="FIELD=COLUMN",
        help="The column that holds a field, e.g. --map title=headline. Repeatable.",
    ),
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


def columns_by_field(pairs: list[str] | None) -> dict[str, str]:
    """`title=headline` to {"title": "headline"}. Raises SetupError unless Article has the field."""
    renamed = {}
    for pair in pairs or []:
        name, equals, column = pair.partition("=")
        if not (name and equals and column):
            raise SetupError(f"--map {pair!r} is not of the form FIELD=COLUMN")
        if name not in Article.model_fields:
            raise SetupError(
                f"--map {pair!r}: an article has no field {name!r}; "
                f"it has {', '.join(Article.model_fields)}"
            )
        renamed[name] = column
    return renamed
