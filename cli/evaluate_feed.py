"""`wiredesk evaluate feed`: which of the articles shown a reader clicks, and why we think so."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.files import JsonOption, write_json
from cli.progress import steps

if TYPE_CHECKING:
    from evaluation.feed_report import Ranking, Report

out = Console()


def evaluate_feed(
    articles: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help='JSONL rows {"id", "title", "abstract", "published_ms"?, "source"?, "entities"?}.',
        ),
    ] = None,
    impressions: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help='JSONL rows {"user", "history": [ID, …], "candidates": [{"id", "clicked"}]}.',
        ),
    ] = None,
    mind: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="Instead: MIND's own files, or its folders …train and …dev.",
        ),
    ] = None,
    nrms: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="Graphs that python -m training.fit_attention learned from these files: NRMS is "
            "ranked, too.",
        ),
    ] = None,
    json_file: JsonOption = None,
) -> None:
    """Learn from four readers of five, rank what the fifth was shown: AUC, MRR, nDCG and more."""
    from evaluation import feed, feed_attention

    with steps("reading") as say:
        rows = feed.rows_of(articles, impressions, mind)
        graphs = None if nrms is None else feed_attention.read(nrms, feed.FOLDS)
        report = feed.evaluate(rows, graphs, say)
    _show(report)
    write_json(json_file, report.as_json())


def _show(report: "Report") -> None:
    out.print(
        f"{report.impressions:,} impressions of {report.readers:,} readers that were not learned "
        "from, candidates shuffled"
    )
    table = Table()
    table.add_column("")
    for heading in ("AUC", "MRR", "nDCG@5", "nDCG@10", "variety", "coverage", "novelty"):
        table.add_column(heading, justify="right")
    for name, ranking in report.rankings.items():
        chosen = name == report.champion
        table.add_row(
            f"{name}{' (champion)' if chosen else ''}",
            *_cells(ranking),
            style="bold" if chosen else "",
        )
    table.add_section()
    for name, ranking in report.baselines.items():
        table.add_row(name, *_cells(ranking))
    out.print(table)
    lengths = Table(
        "clicks in the history", "impressions", "champion's AUC", "linear", "without history"
    )
    for least, count in report.by_length_of.items():
        lengths.add_row(
            f"{least} or more" if least else "none",
            f"{count:,}",
            f"{report.ours.by_length[least]:.3f}",
            f"{report.rankings['linear'].by_length[least]:.3f}",
            f"{report.impersonal.by_length[least]:.3f}",
        )
    out.print(lengths)
    for line in report.statements():
        out.print(line, highlight=False, soft_wrap=True)


def _cells(ranking: "Ranking") -> list[str]:
    values = [f"{value:.3f}" for value in ranking.values.values()]
    return [*values, f"{ranking.variety:.2f}", f"{ranking.coverage:.2f}", f"{ranking.novelty:.1f}"]
