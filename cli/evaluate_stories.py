"""`wiredesk evaluate stories`: how well articles find their stories, beside simpler ways."""

from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.files import JsonOption, write_json
from cli.progress import steps

if TYPE_CHECKING:
    from evaluation.clusters import Agreement
    from evaluation.stories import Job, Report

out = Console()


def evaluate_stories(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help='JSONL rows {"id", "title", "body"?, "source", "published_ms", "story"}; '
            "- for standard input.",
        ),
    ],
    through_flink: Annotated[
        bool,
        typer.Option(
            help="Let the job itself place the articles, in a Flink of its own: slower, the same "
            "figures; for files of up to some 100,000 rows."
        ),
    ] = False,
    parallelism: Annotated[
        int,
        typer.Option(
            min=1,
            help="Of the job; several readers of one topic mix up the order of its articles.",
        ),
    ] = 1,
    language: Annotated[
        str, typer.Option(help="Of all rows: articles are enriched in it, stories are of one.")
    ] = "en",
    evidence: Annotated[
        bool,
        typer.Option(help="Learn the decisions without each kind of evidence, too: slower."),
    ] = False,
    json_file: JsonOption = None,
) -> None:
    """Place articles into stories: BCubed, pairwise, AMI, documents/s, beside three baselines."""
    from evaluation import stories

    with steps("reading") as say:
        job = _job(parallelism) if through_flink else None
        report = stories.evaluate(file, job, language=language, evidence=evidence, progress=say)
    out.print(f"{report.rows} articles of {report.gold} stories")
    table = Table()
    table.add_column("")
    for heading in ("setting", "BCubed P", "R", "F1", "pairwise P", "R", "F1", "AMI", "stories"):
        table.add_column(heading, justify="right")
    table.add_row("Wiredesk", "", *_cells(report.ours))
    for name, (setting, found) in report.baselines.items():
        table.add_row(name, f"{setting:g}", *_cells(found))
    out.print(table)
    out.print(
        f"BCubed F1 {report.over_baseline:+.3f} over the best baseline, each tuned on these rows; "
        f"{report.documents_per_s:.0f} documents/s without the models"
    )
    if report.by_job:
        out.print(
            f"The first line is the job's: {report.by_job.differ} of {report.rows} articles are in "
            f"a story of another id than in the replay, whose BCubed F1 is "
            f"{report.by_job.bcubed_f1_lost:+.4f} higher"
        )
    if report.crossed:
        _show_crossed(report)
    write_json(json_file, report.to_json())


def _job(parallelism: int) -> "Job":
    from cli.through_flink import place

    return partial(place, parallelism=parallelism)


def _show_crossed(report: "Report") -> None:
    parts = len(next(iter(report.crossed.values())))
    table = Table(title=f"BCubed F1, cross-validated over {parts} parts of the stories")
    table.add_column("")
    for heading in (*(f"part {part + 1}" for part in range(parts)), "mean"):
        table.add_column(heading, justify="right")
    without = {f"… learned without {name}": found for name, found in report.without.items()}
    for name, found in (report.crossed | without).items():
        table.add_row(name, *(f"{f1:.3f}" for f1 in (*found, fmean(found))))
    out.print(table)
    out.print(
        "All rows are placed. Each way is tuned, and ours learned, on the stories of the other "
        "parts. The shipped decisions above have seen the sets named in `training/fit_stories.py`."
    )


def _cells(found: "Agreement") -> list[str]:
    measures = [found.bcubed, found.pairwise]
    parts = [part for m in measures for part in (m.precision, m.recall, m.f1)]
    return [f"{part:.3f}" for part in (*parts, found.ami)] + [str(found.clusters)]
