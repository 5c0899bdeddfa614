"""Verdicts on alerts: read, and made a scorer that they taught, where that wins on replay."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from models.breaking.recalibration import FEWEST, Shift, Verdict, fitted, moved, trial
from models.breaking.scorer import Scorer
from schemas.alert import Alert
from schemas.errors import SetupError
from schemas.packed import numbered_lines

TRUE_STATES = ("confirmed",)
FALSE_STATES = ("dismissed", "corrected")
SCORER = "scorer"
"""Key of the scorer's version in an alert's model_versions."""

FITS = 2 / 3
"""Share of the verdicts, the earlier ones, that fit; the rest decides."""

_REVISION = re.compile(r"(.*)\+r(\d+)")


class Outcome(NamedTuple):
    """What came of a recalibration, in words; the new scorer where the challenger won."""

    told: str
    scorer: Scorer | None


def read(path: str) -> Iterator[Verdict]:
    """Verdicts of a JSONL file (`-`: standard input). Raises SetupError."""
    for line, content in numbered_lines(path):
        try:
            row = json.loads(content)
            at_ms, score, came_true = row["at_ms"], row["score"], row["came_true"]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise SetupError(
                f'{path}, line {line}: expected {{"at_ms", "score", "came_true"}}: {error!r}'
            ) from None
        is_score = type(score) in (int, float) and 0 <= score <= 1
        if type(at_ms) is not int or not is_score or not isinstance(came_true, bool):
            raise SetupError(
                f"{path}, line {line}: at_ms {at_ms!r}, score {score!r}, came_true "
                f"{came_true!r}; expected milliseconds, 0 to 1, true or false"
            )
        yield Verdict(at_ms, float(score), came_true)


def of_alerts(states: Iterable[Alert], scorer: Scorer) -> list[Verdict]:
    """What editors made of alerts of this scorer, by the time of the verdict.

    states  of alerts, each alert's in their order; a verdict that was taken back counts no more
    """
    back = Shift(1 / scorer.shift.slope, -scorer.shift.intercept / scorer.shift.slope)
    scores: dict[str, float] = {}
    found: dict[str, Verdict] = {}
    for alert in states:
        if alert.model_versions.get(SCORER) != scorer.version:
            continue
        said = alert.score if alert.unadjusted_score is None else alert.unadjusted_score
        score = scores.setdefault(alert.alert_id, moved(back, said))
        if alert.state in (*TRUE_STATES, *FALSE_STATES):
            found[alert.alert_id] = Verdict(alert.at_ms, score, alert.state in TRUE_STATES)
        elif alert.state == "opened" or alert.by is not None:  # an undo brought it back
            found.pop(alert.alert_id, None)
    return sorted(found.values())


def recalibrated(scorer: Scorer, verdicts: Sequence[Verdict]) -> Outcome:
    """Try a challenger: fitted on the earlier verdicts, judged beside the scorer on the later."""
    ordered = sorted(verdicts)
    fits = round(FITS * len(ordered))
    earlier, later = ordered[:fits], ordered[fits:]
    if len(later) < FEWEST:
        return Outcome(
            f"{len(ordered)} verdicts on alerts of {scorer.version}; at least "
            f"{round(FEWEST / (1 - FITS))} are needed to fit a challenger and to judge it",
            None,
        )
    challenger = fitted(earlier)
    result = trial(scorer.shift, challenger, later)
    told = (
        f"{len(earlier)} verdicts fit slope {challenger.slope:.2f}, intercept "
        f"{challenger.intercept:+.2f}; on the {result.verdicts} later ones its log loss is "
        f"{result.challenger:.3f} beside {result.champion:.3f} "
        f"(gain {result.gain:+.3f}, standard error {result.error:.3f}): "
    )
    if not result.won():
        return Outcome(told + "no clear win, the score stays as it is", None)
    until = datetime.fromtimestamp(ordered[-1].at_ms / 1000, UTC).date().isoformat()
    new = replace(
        scorer,
        version=revised(scorer.version),
        shift=challenger,
        metadata={
            **scorer.metadata,
            "recalibrated_on": f"{len(earlier)} verdicts, judged on {len(later)}, until {until}",
        },
    )
    return Outcome(told + f"it wins and becomes {new.version}", new)


def revised(version: str) -> str:
    """The name of a scorer after a recalibration.

    >>> revised("simulated-1"), revised("simulated-1+r1")
    ('simulated-1+r1', 'simulated-1+r2')
    """
    if found := _REVISION.fullmatch(version):
        return f"{found[1]}+r{int(found[2]) + 1}"
    return f"{version}+r1"
