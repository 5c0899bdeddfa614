"""`wiredesk evaluate extraction`: how well articles are read from their pages."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.files import JsonOption, write_json


def extraction(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help='HTML files and ground_truth.jsonl: {"file", "body", "title"?, "published"?}.',
        ),
    ],
    json_file: JsonOption = None,
    processes: Annotated[int, typer.Option(min=1, help="Processes that read side by side.")] = 1,
    misses: Annotated[bool, typer.Option("--misses", help="List wrong titles and dates.")] = False,
    others: Annotated[
        bool, typer.Option(help="Also measure trafilatura's default and readability.")
    ] = True,
) -> None:
    """Measure body, title and date of articles read from HTML, and pages a second."""
    from evaluation.extraction import evaluate_extraction

    report = evaluate_extraction(folder, processes=processes, others=others)
    table = Table(box=None, pad_edge=False)
    for name in ("", "body F1", "median", "title", "date", "pages/s"):
        table.add_column(name, justify="left" if not name else "right")
    for name, scores in {"wiredesk": report.ours, **report.others}.items():
        table.add_row(
            name,
            f"{scores.body_f1:.3f}",
            f"{scores.body_f1_median:.3f}",
            _share(scores.title_accuracy),
            _share(scores.date_accuracy),
            f"{scores.pages_per_s:.1f}",
        )
    out = Console()
    out.print(table)
    out.print(f"{report.pages} pages", highlight=False)
    if misses:
        for file, what, read, true in report.misses:
            out.print(f"{file}: {what}: {read!r}; true: {true!r}", markup=False, highlight=False)
    write_json(json_file, report.as_json())


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
