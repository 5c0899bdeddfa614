"""`wiredesk evaluate nextclick`: what a session clicks next, beside simpler ways to foretell it."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.files import JsonOption, write_json
from cli.progress import progress
from cli.reading import moment_ms

if TYPE_CHECKING:
    from evaluation.nextclick import Figures, Report

out = Console()

GLOBO_REPORTED_FROM = "2017-10-09T00:00Z"


def evaluate_nextclick(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help='JSONL rows {"session", "article", "at_ms", "reader"?, "place"?: {name: value}}, '
            "or the CSV of globo_clicks; plain or compressed, - for standard input.",
        ),
    ],
    report_from: Annotated[
        str,
        typer.Option("--from", metavar="TIME", help="Learn before, report from then on. ISO 8601."),
    ] = GLOBO_REPORTED_FROM,
    learn: Annotated[
        int, typer.Option(min=1, help="Next clicks drawn to learn from; counts take all clicks.")
    ] = 12_000,
    ask: Annotated[int, typer.Option(min=1, help="Next clicks drawn to report.")] = 20_000,
    json_file: JsonOption = None,
) -> None:
    """Replay clicks in time and rank each drawn next click against 50 of the hour before."""
    from evaluation import nextclick

    with progress("replaying") as done:
        report = nextclick.evaluate(
            file, moment_ms(report_from), learn=learn, ask=ask, progress=done
        )
    _show(report)
    write_json(json_file, report.as_json())


def _show(report: "Report") -> None:
    out.print(
        f"{report.clicks:,} clicks; learned from {report.learned:,} next clicks, reported "
        f"{report.asked:,} of the {report.next_clicks:,} later ones"
    )
    table = Table()
    table.add_column("")
    for heading in ("HR@5", "HR@10", "MRR@10"):
        table.add_column(heading, justify="right")
    table.add_row("Wiredesk", *_cells(report.ours), style="bold")
    for name, found in report.baselines.items():
        table.add_row(name, *_cells(found))
    out.print(table)
    out.print(
        f"HR@10 ± {report.width:.3f} (95 %); {report.hidden:.1%} of the articles had no click in "
        "the hour before: the ranking did not learn from such ones, and they count here"
    )
    strongest = list(report.gains.items())[:8]
    out.print("learned most from " + ", ".join(f"{name} {gain:.0%}" for name, gain in strongest))


def _cells(found: "Figures") -> list[str]:
    return [f"{value:.3f}" for value in found]
