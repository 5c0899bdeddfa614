"""BreakingScore: the probability that a story will break, and why.

`scorer.json` is the one that a job begins with. `python -m training.fit_breaking` makes it from
simulated publishers; `wiredesk alerts recalibrate` and a replay of one's own stories make better
ones.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.breaking import budget, calibration, forest
from models.breaking.budget import Peaks
from models.breaking.calibration import Calibrator, Probability
from models.breaking.evidence import Evidence
from models.breaking.features import NAMES, as_array, features, in_words
from models.breaking.forest import LEAF, Forest
from models.breaking.outcome import Outcome
from models.breaking.recalibration import Shift, all_moved
from schemas.errors import ModelFileError, SettingError, SetupError

Array = npt.NDArray[np.float64]

SHIPPED = Path(__file__).parent / "scorer.json"
"""Fitted by `training/fit_breaking.py` on simulated publishers."""

REASONS_GIVEN = 3

UNKNOWN_OF_READERS = frozenset({"idle_10", "idle_20", "idle_50"})
"""Features of who picks a story up; of readers there are counts alone."""


@dataclass(frozen=True)
class Scorer:
    """A forest and its calibrator, with the outcome they were fitted for.

    prior     peaks of the stories it was fitted on, not scored by itself: where the threshold of
              a new desk begins
    metadata  on what and when it was fitted, and how good it was there; for people
    shift     what verdicts of editors taught it since, see `recalibration`
    haste     how much less certain an early warning may be, see `haste`
    """

    version: str
    outcome: Outcome
    forest: Forest
    calibrator: Calibrator
    prior: Peaks = field(default_factory=Peaks)
    metadata: Mapping[str, str] = field(default_factory=dict)
    shift: Shift = field(default_factory=Shift)
    haste: float = 0.0

    def probabilities(self, evidence: Array, outcome: Outcome | None = None) -> Array:
        """Value, low and high of each moment, float64 (moments, 3).

        evidence  float64 (moments, fields of Evidence)
        outcome   of the desk that asks; the one fitted for if None
        """
        rows = features(evidence, outcome or self.outcome)
        said = calibration.probabilities(self.calibrator, self.forest.scores(rows))
        return all_moved(self.shift, said)

    def probability(self, evidence: Evidence, outcome: Outcome | None = None) -> Probability:
        """The probability of one moment with its bounds."""
        return Probability(*map(float, self.probabilities(as_array([evidence]), outcome)[0]))

    def reasons(
        self, evidence: Evidence, outcome: Outcome | None = None, who: str = "source"
    ) -> list[str]:
        """What raised the score most, in words, the strongest first.

        who  picks stories up: a source, or a reader
        """
        outcome = outcome or self.outcome
        row = features(as_array([evidence]), outcome)[0]
        values = dict(zip(NAMES, row.tolist(), strict=True))
        added = self.forest.contributions(row)
        strongest = sorted(added, key=lambda name: -added[name])[:REASONS_GIVEN]
        return [
            in_words(name, values[name], evidence, outcome, who)
            for name in strongest
            if added[name] > 0
        ]

    @property
    def reads(self) -> frozenset[str]:
        """Features that the forest looks at."""
        return frozenset(NAMES[column] for column in self.forest.feature if column != LEAF)


def require_for_readers(scorer: Scorer) -> None:
    """Raise SettingError if a scorer asks what nobody is told of readers."""
    if unknown := scorer.reads & UNKNOWN_OF_READERS:
        raise SettingError(
            f"scorer {scorer.version} reads {', '.join(sorted(unknown))}, which is not known of "
            'readers; expected readers = "shown" at every desk, or another scorer'
        )


def write(scorer: Scorer, path: Path) -> None:
    """Keep a scorer as JSON. Raises SetupError."""
    state = {
        "version": scorer.version,
        "metadata": dict(scorer.metadata),
        "outcome": {"sources": scorer.outcome.sources, "hours": scorer.outcome.hours},
        "forest": scorer.forest.to_state(),
        "calibrator": calibration.to_state(scorer.calibrator),
        "prior": budget.to_state(scorer.prior),
        "shift": list(scorer.shift),
        "haste": scorer.haste,
    }
    try:
        path.write_text(json.dumps(state) + "\n", "utf-8")
    except OSError as error:
        raise SetupError(f"scorer {path} cannot be written: {error.strerror}") from error


def read(path: Path = SHIPPED) -> Scorer:
    """The scorer in a file. Raises ModelFileError."""
    try:
        state = json.loads(path.read_text("utf-8"))
        scorer = Scorer(
            state["version"],
            Outcome(**state["outcome"]),
            forest.from_state(state["forest"]),
            calibration.from_state(state["calibrator"]),
            budget.from_state(state["prior"]),
            {name: str(value) for name, value in state["metadata"].items()},
            Shift(*map(float, state["shift"])),
            float(state.get("haste", 0.0)),  # files before there was such a thing
        )
    except OSError as error:
        raise ModelFileError(f"scorer {path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{path} is no scorer: {error!r}") from error
    if scorer.forest.names != NAMES:
        raise ModelFileError(
            f"scorer {path} reads features {', '.join(scorer.forest.names)}; "
            f"expected {', '.join(NAMES)}"
        )
    return scorer
