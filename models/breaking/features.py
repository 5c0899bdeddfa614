"""Evidence relative to the outcome and to the stream.

Pick-ups of a story are counted in outcomes (K sources are 1), pick-ups of the stream against its
own usual pace, ages against the horizon. So a scorer means the same whether five publishers or five
thousand readers make news, and whether the stream is large or small.
"""

import numpy as np
import numpy.typing as npt

from models.breaking.evidence import Evidence
from models.breaking.outcome import Outcome
from models.breaking.rhythm import MINUTE_MS

Array = npt.NDArray[np.float64]

NAMES = (
    "reach",
    "age",
    "pace_5",
    "pace_10",
    "pace_20",
    "pace_40",
    "pace_80",
    "acceleration_20",
    "acceleration_80",
    "stream_share_5",
    "stream_share_20",
    "stream_level",
    "time_left",
    "projected_5",
    "projected_20",
    "projected_80",
    "shortfall",
    "idle_10",
    "idle_20",
    "idle_50",
)
"""
reach         distinct sources
age           of the horizon
pace_w        sources in the last w minutes
acceleration  log of the last quarter of a window against the whole of it
stream_share  of the pick-ups of all stories
stream_level  busyness now against the last day
time_left     in stretches like the last 20 minutes, by the traffic that the rhythm expects
projected_w   reach at the horizon if the pace of w minutes goes on
shortfall     log of the pace that is needed against the pace of 20 minutes
idle_n        mean idleness of the newest n sources
"""

FEWEST = 0.005
"""Sources, in outcomes, that are added before two small counts are compared."""

REASONS = {
    "reach": "distinct {who}s so far: {e.sources:.0f}",
    "age": "minutes since the first {who}: {minutes:.0f}",
    "pace_5": "{who}s in the last 5 minutes: {e.last_5:.0f}",
    "pace_10": "{who}s in the last 10 minutes: {e.last_10:.0f}",
    "pace_20": "{who}s in the last 20 minutes: {e.last_20:.0f}",
    "pace_40": "{who}s in the last 40 minutes: {e.last_40:.0f}",
    "pace_80": "{who}s in the last 80 minutes: {e.last_80:.0f}",
    "acceleration_20": "{who}s in the last 5 of 20 minutes: {e.last_5:.0f} of {e.last_20:.0f}",
    "acceleration_80": "{who}s in the last 20 of 80 minutes: {e.last_20:.0f} of {e.last_80:.0f}",
    "stream_share_5": "share of all pick-ups in the last 5 minutes: {value:.0%}",
    "stream_share_20": "share of all pick-ups in the last 20 minutes: {value:.0%}",
    "stream_level": "pace of the whole stream against its usual one: {value:.0%}",
    "time_left": "traffic still to come, in stretches like the last 20 minutes: {value:.0f}",
    "projected_5": "{who}s that the pace of 5 minutes leads to: {reached:.0f}",
    "projected_20": "{who}s that the pace of 20 minutes leads to: {reached:.0f}",
    "projected_80": "{who}s that the pace of 80 minutes leads to: {reached:.0f}",
    "shortfall": "pace that is still needed against that of 20 minutes: {ratio:.2f} times",
    "idle_10": "minutes the newest 10 {who}s were silent before, on average: {silent:.0f}",
    "idle_20": "minutes the newest 20 {who}s were silent before, on average: {silent:.0f}",
    "idle_50": "minutes the newest 50 {who}s were silent before, on average: {silent:.0f}",
}
"""What an editor reads for a feature that raised a score; `in_words` fills in the numbers, and who
picks stories up.
"""


def in_words(name: str, value: float, e: Evidence, outcome: Outcome, who: str = "source") -> str:
    """What an editor reads for the value of a feature at a moment."""
    return REASONS[name].format(
        e=e,
        who=who,
        value=value,
        minutes=e.age_ms / MINUTE_MS,
        reached=value * outcome.sources,
        ratio=np.exp(value),
        silent=np.expm1(value),
    )


def features(evidence: Array, outcome: Outcome) -> Array:
    """Features of moments.

    evidence  float64 (moments, fields of Evidence)
    Returns   float64 (moments, NAMES), finite
    """
    e = dict(zip(Evidence._fields, evidence.T, strict=True))
    story = {name: e[name] / outcome.sources for name in e if name.startswith("last_")}
    reach = e["sources"] / outcome.sources
    time_left = e["stream_ahead"] / e["stream_trend"]
    pace_20 = story["last_20"]
    columns = {
        "reach": reach,
        "age": e["age_ms"] / outcome.horizon_ms,
        "pace_5": story["last_5"],
        "pace_10": story["last_10"],
        "pace_20": pace_20,
        "pace_40": story["last_40"],
        "pace_80": story["last_80"],
        "acceleration_20": _log_ratio(story["last_5"], pace_20),
        "acceleration_80": _log_ratio(pace_20, story["last_80"]),
        "stream_share_5": _share(e["last_5"], e["stream_5"]),
        "stream_share_20": _share(e["last_20"], e["stream_20"]),
        "stream_level": _level(e["stream_20"] * 3, e["stream_hour"]),
        "time_left": time_left,
        "projected_5": reach + 4 * story["last_5"] * time_left,
        "projected_20": reach + pace_20 * time_left,
        "projected_80": reach + story["last_80"] * time_left / 4,
        "shortfall": np.log(
            (np.maximum(1 - reach, 0) + FEWEST) / (time_left + FEWEST) / (pace_20 + FEWEST)
        ),
        "idle_10": e["idle_10"],
        "idle_20": e["idle_20"],
        "idle_50": e["idle_50"],
    }
    return np.column_stack([columns[name] for name in NAMES])


def as_array(evidence: list[Evidence]) -> Array:
    """Rows of evidence as float64 (moments, fields)."""
    return np.array(evidence, np.float64).reshape(-1, len(Evidence._fields))


def _log_ratio(quarter: Array, whole: Array) -> Array:
    """Log of how much faster the last quarter of a window is than the window."""
    ratio: Array = np.log((4 * quarter + FEWEST) / (whole + FEWEST))
    return ratio


def _level(now: Array, usual: Array) -> Array:
    """Pace of the stream against its usual one; 1 before there is one."""
    level: Array = np.divide(now, usual, out=np.ones_like(now), where=usual > 0)
    return level


def _share(story: Array, stream: Array) -> Array:
    """A story's part of the stream; the stream lacks the minute that has just begun."""
    share: Array = story / np.maximum(np.maximum(stream, story), 1.0)
    return share
