"""The scorer that the job `breaking` begins with: python -m training.fit_breaking --help.

No public set holds many independent publishers over time, and clicks of readers may be used for
research only. So it learns from simulated news, `bench.arrivals`, where what is assumed is written
down, and says so in its version. Features do not depend on the scale, and several outcomes are
learned together, so that one scorer serves desks that wait for five publishers and for forty. What
the simulation knows nothing of is ignored: its sources fall silent by chance. Half of the examples
come from streams that have just begun, as a new desk's has.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from rich.console import Console

from bench.arrivals import Arrival, Assumptions, arrivals
from evaluation.breaking import LEAST_SCORE
from evaluation.metrics import calibration_error
from evaluation.pickup_replay import DAY_MS, Replay, Row, as_warning, peaks, replay
from models.breaking import budget, fit, scorer
from models.breaking.budget import Peaks
from models.breaking.outcome import HOUR_MS, Outcome
from models.breaking.scorer import SHIPPED, Scorer

OUTCOME = Outcome(10, 2.0)
"""The desk's on whose peaks the first threshold rests."""

OTHERS = ((5, 1.0), (6, 3.0), (8, 2.0), (15, 2.0), (20, 4.0), (40, 6.0))
OUTCOMES = (OUTCOME, *(Outcome(sources, hours) for sources, hours in OTHERS))
NEWS = Assumptions(stories_an_hour=60.0, branching=(1.0, 2.5))
"""As many stories break as a busy desk wants alerts: twelve a day."""

IGNORED = ("idle_10", "idle_20", "idle_50", "stream_share_5", "stream_share_20")
"""Simulated sources fall silent by chance; a share depends on how many other stories there are."""

START_MS = 1_767_571_200_000
"""Monday, 2026-01-05."""

DAYS = 28
SEED = 7


class Learned(NamedTuple):
    """A scorer, and how good it is on simulated days that it had not seen.

    broke_per_day  stories that reach OUTCOME
    """

    scorer: Scorer
    broke_per_day: float


def learn(news: Assumptions, *, days: int, seed: int, version: str, dated: date) -> Learned:
    """A scorer of simulated days; the same for the same arguments."""
    end_ms = START_MS + days * DAY_MS
    found = arrivals(news, start_ms=START_MS, hours=days * 24, seed=seed)
    rows = first_reports(found, end_ms)
    whole = [replay(rows, outcome, START_MS) for outcome in OUTCOMES]
    anew = [replay(day, outcome, START_MS) for outcome in OUTCOMES for day in _days(rows)]
    sets = [_moments(replayed, worth=0.5 / len(OUTCOMES)) for replayed in (*whole, *anew)]
    fitted = fit.fit(sets, OUTCOME, version, ignored=IGNORED)
    of_desk = fitted.unseen[: len(whole[0].evidence)]
    broke = [story.broke_ms is not None for story in whole[0].stories]
    told = of_desk >= LEAST_SCORE
    came_true = np.array(broke)[whole[0].story].astype(np.float64)
    error = calibration_error(of_desk[told], came_true[told]).error
    metadata = {
        "fitted_on": "simulated publishers (bench.arrivals), no real news",
        "assumptions": repr(news),
        "seed": str(seed),
        "days": str(days),
        "stories": str(len(broke)),
        "outcomes": "; ".join(f"sources={o.sources},hours={o.hours:g}" for o in OUTCOMES),
        "date": dated.isoformat(),
        "simulated_calibration_error": f"{error:.4f}",
        "simulated_broke_per_day": f"{sum(broke) / days:.1f}",
    }
    prior = _prior(whole[0], of_desk)
    made = Scorer(version, OUTCOME, fitted.scorer.forest, fitted.scorer.calibrator, prior, metadata)
    return Learned(made, sum(broke) / days)


def first_reports(found: Iterable[Arrival], end_ms: int) -> list[Row]:
    """Arrivals that are no reprints, as the job's independent sources, in order of time."""
    rows = [
        Row(str(arrival.story), str(arrival.source), arrival.published_ms)
        for arrival in found
        if not arrival.reprint and arrival.published_ms < end_ms
    ]
    return sorted(rows, key=lambda row: (row.published_ms, row.story))


def _days(rows: Sequence[Row]) -> list[list[Row]]:
    """Each day by itself, from an hour of its own on: the stream of a desk that has just begun."""
    parts: dict[int, list[Row]] = {}
    for row in rows:
        day = (row.published_ms - START_MS) // DAY_MS
        if row.published_ms >= START_MS + day * DAY_MS + (day * 5 % 24) * HOUR_MS:
            parts.setdefault(day, []).append(row)
    return list(parts.values())


def _moments(replayed: Replay, worth: float) -> fit.Moments:
    broke = np.array([story.broke_ms is not None for story in replayed.stories])
    born = np.array([story.born_ms // DAY_MS for story in replayed.stories])
    story = replayed.story
    return fit.Moments(replayed.evidence, broke[story], born[story], replayed.outcome, worth)


def _prior(replayed: Replay, unseen: np.ndarray) -> Peaks:
    """The peaks of the last days, as a desk keeps them."""
    prior = Peaks()
    for place, peak in peaks(unseen, replayed.story, as_warning(replayed)).items():
        prior = budget.observe(prior, replayed.stories[place].born_ms, round(peak, 6))
    return prior


def main(
    out: Annotated[Path, typer.Option(help="Where the scorer is kept.")] = SHIPPED,
    days: Annotated[int, typer.Option(min=8, help="Simulated days.")] = DAYS,
    seed: Annotated[int, typer.Option(help="Of the simulation.")] = SEED,
    version: Annotated[str, typer.Option(help="Name of the scorer.")] = "simulated-1",
    dated: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Its date. Default: today.")
    ] = None,
) -> None:
    """Simulate publishers, fit a scorer, say what it learned from, and keep it."""
    day = (dated or datetime.now(UTC)).date()
    learned = learn(NEWS, days=days, seed=seed, version=version, dated=day)
    scorer.write(learned.scorer, out)
    for name, value in learned.scorer.metadata.items():
        Console().print(f"{name}: {value}", highlight=False)
    for alerts in (5, 12, 25):
        level = budget.threshold(Peaks(), alerts, prior=learned.scorer.prior)
        Console().print(f"first threshold at {alerts} alerts a day: {level:.3f}", highlight=False)


if __name__ == "__main__":
    typer.run(main)
