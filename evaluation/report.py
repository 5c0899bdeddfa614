"""An evaluation on the terminal."""

from collections.abc import Iterable, Iterator

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from evaluation.measure import Evaluation
from evaluation.metrics import BINS, Calibration

_BAR = 30
"""Characters that 100 % take in the reliability picture."""


def show(console: Console, evaluation: Evaluation) -> None:
    """Print rows, figures with intervals, baselines, calibration and speed."""
    console.print(rendered(evaluation))


def rendered(evaluation: Evaluation) -> RenderableType:
    """The whole report."""
    return Group(*_parts(evaluation))


def _parts(evaluation: Evaluation) -> Iterator[RenderableType]:
    yield Text(f"{evaluation.head} on {evaluation.data}: {evaluation.rows:,} rows", style="bold")
    if evaluation.metrics:
        yield _figures(evaluation)
    if evaluation.unanswered:
        yield Text(f"{evaluation.unanswered:,} rows {evaluation.why_unanswered}.")
    if evaluation.calibration:
        yield Text(
            f"\nexpected calibration error {evaluation.calibration.error:.4f}; on so few rows "
            f"{evaluation.calibration.by_chance:.4f} without any fault"
        )
        yield reliability(evaluation.calibration)
    yield Text(f"\n{evaluation.docs_per_s:,.1f} docs/s")
    yield from map(Text, evaluation.remarks)


def _figures(evaluation: Evaluation) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("metric")
    table.add_column("here", justify="right")
    table.add_column("95 % interval", justify="right")
    for name in evaluation.baselines:
        table.add_column(name, justify="right")
    for name, measured in evaluation.metrics.items():
        table.add_row(
            name,
            _percent(measured.value),
            f"{_percent(measured.low)} to {_percent(measured.high)}",
            *(
                _percent(metrics[name]) if name in metrics else ""
                for metrics in evaluation.baselines.values()
            ),
        )
    return table


def reliability(calibration: Calibration) -> Table:
    """What was said against what was true, a line a bin: the bar is what was true, `|` what was
    said."""
    table = Table(box=None, pad_edge=False)
    for name in ("probability", "decisions", "said", "true"):
        table.add_column(name, justify="right")
    table.add_column("")
    rows: Iterable[tuple[int, float, float]] = zip(
        calibration.counts, calibration.confidence, calibration.accuracy, strict=True
    )
    for number, (count, said, true) in enumerate(rows):
        if not count:
            continue
        bounds = f"{number / BINS:.2f} to {(number + 1) / BINS:.2f}"
        bar = list("█" * round(true * _BAR) + "·" * (_BAR - round(true * _BAR)))
        bar[min(_BAR - 1, int(said * _BAR))] = "|"
        table.add_row(bounds, f"{count:,}", _percent(said), _percent(true), "".join(bar))
    return table


def _percent(fraction: float) -> str:
    """Percent with two digits, as the literature prints them.

    >>> _percent(0.59613)
    '59.61'
    """
    return f"{100 * fraction:.2f}"
