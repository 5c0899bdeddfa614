"""`wiredesk evaluate breaking`: alerts on replayed stories, beside the rules they have to beat."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.files import JsonOption, write_json
from cli.progress import phase
from cli.reading import moment_ms

if TYPE_CHECKING:
    from evaluation.breaking import Comparison, Job, Operating, Report
    from models.breaking.scorer import Scorer

out = Console()

_BAR = 40
"""Characters of a full bar."""


def evaluate_breaking(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help='JSONL rows {"id", "story", "source", "published_ms"}; - for stdin.',
        ),
    ],
    outcome: Annotated[
        str, typer.Option(metavar="sources=K,hours=H", help="What breaking news is.")
    ],
    train_until: Annotated[
        str, typer.Option(metavar="TIME", help="Stories born before fit and calibrate. ISO 8601.")
    ],
    scorer_file: Annotated[
        str | None,
        typer.Option(
            "--scorer",
            metavar="FILE",
            help="Judge a scorer as it is instead of fitting one; `shipped` is the jobs'.",
        ),
    ] = None,
    through_flink: Annotated[
        bool,
        typer.Option(
            help="Let the job itself score the pick-ups, in a Flink of its own: slower, the same "
            "figures; for files of up to some 100,000 rows."
        ),
    ] = False,
    json_file: JsonOption = None,
) -> None:
    """Replay pick-ups of stories: alerts at 5, 12 and 25 a day, lead, calibration."""
    from evaluation import breaking
    from models.breaking.outcome import parse

    wanted, until_ms = parse(outcome), moment_ms(train_until)
    scorer = _scorer(scorer_file) if scorer_file else None
    with phase("replaying"):
        report = breaking.evaluate(
            file, wanted, until_ms, scorer, _job() if through_flink else None
        )
    _show(report)
    write_json(json_file, report.to_json())


def _scorer(file: str) -> "Scorer":
    from models.breaking import scorer

    return scorer.read(scorer.SHIPPED if file == "shipped" else Path(file))


def _job() -> "Job":
    from cli.through_flink import judge

    return judge


def _show(report: "Report") -> None:
    out.print(
        f"{report.stories:,} stories in {report.days:.1f} days, {report.broke} of them reached "
        f"{report.outcome.sources} sources within {report.outcome.hours:g} hours"
    )
    table = Table()
    table.add_column("")
    headings = ("budget", "alerts/day", "precision", "recall", "median lead, min", "false/week")
    for heading in headings:
        table.add_column(heading, justify="right")
    for name, points in (
        ("BreakingScore", report.by_budget),
        ("BreakingScore, as the desk sets it", report.as_set),
        *report.baselines.items(),
    ):
        for alerts, point in points.items():
            table.add_row(name, str(alerts), *_cells(point))
        table.add_section()
    out.print(table)
    out.print(
        "Thresholds are the lowest that keep the budget on the reported stories, except in the "
        "second block: there, the desk sets it as it goes, by the stories before or as a new one. "
        f"An alert counts before the story has broken. Scorer: {report.scorer.version}."
    )
    calibration = report.calibration
    out.print(
        f"Brier {report.brier:.4f}, calibration error {calibration.error:.4f} over "
        f"{sum(calibration.counts)} moments with a score of at least 0.05"
    )
    _picture(report)
    if report.job:
        out.print(_compared(report.job))


def _compared(job: "Comparison") -> str:
    if not job.differ and not job.astray:
        return f"All of this is the job's: at {job.moments} moments its score is the replay's."
    return (
        f"All of this is the job's: at {job.differ} of {job.moments} moments its score is not the "
        f"replay's, by {job.furthest:.2g} at most; it put {job.astray} rows into other stories."
    )


def _cells(point: "Operating") -> list[str]:
    return [
        f"{point.alerts_per_day:.1f}",
        f"{point.precision:.2f}",
        f"{point.recall:.2f}",
        "" if point.lead_min is None else f"{point.lead_min:.0f}",
        f"{point.false_per_week:.1f}",
    ]


def _picture(report: "Report") -> None:
    """Reliability: a bar is the share that broke, the mark where it should end."""
    calibration = report.calibration
    for count, said, true in zip(
        calibration.counts, calibration.confidence, calibration.accuracy, strict=True
    ):
        if count:
            bar = list(("█" * round(true * _BAR)).ljust(_BAR, "·"))
            bar[min(_BAR - 1, round(said * _BAR))] = "│"
            out.print(
                f"said {said:4.2f}  came true {true:4.2f}  {''.join(bar)}  {count}",
                highlight=False,
            )
