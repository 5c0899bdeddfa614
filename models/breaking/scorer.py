"""BreakingScore: the probability that a story will break, and why."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.breaking import calibration, forest
from models.breaking.calibration import Calibrator, Probability
from models.breaking.evidence import Evidence
from models.breaking.features import NAMES, REASONS, as_array, features
from models.breaking.forest import Forest
from models.breaking.outcome import Outcome
from schemas.errors import ModelFileError

Array = npt.NDArray[np.float64]

REASONS_GIVEN = 3


@dataclass(frozen=True)
class Scorer:
    """A forest and its calibrator, with the outcome they were fitted for."""

    version: str
    outcome: Outcome
    forest: Forest
    calibrator: Calibrator

    def probabilities(self, evidence: Array, outcome: Outcome | None = None) -> Array:
        """Value, low and high of each moment, float64 (moments, 3).

        evidence  float64 (moments, fields of Evidence)
        outcome   of the desk that asks; the one fitted for if None
        """
        rows = features(evidence, outcome or self.outcome)
        return calibration.probabilities(self.calibrator, self.forest.scores(rows))

    def probability(self, evidence: Evidence, outcome: Outcome | None = None) -> Probability:
        """The probability of one moment with its bounds."""
        return Probability(*map(float, self.probabilities(as_array([evidence]), outcome)[0]))

    def reasons(self, evidence: Evidence, outcome: Outcome | None = None) -> list[str]:
        """What raised the score most, in words, the strongest first."""
        row = features(as_array([evidence]), outcome or self.outcome)[0]
        added = self.forest.contributions(row)
        strongest = sorted(added, key=lambda name: -added[name])[:REASONS_GIVEN]
        return [REASONS[name] for name in strongest if added[name] > 0]


def write(scorer: Scorer, path: Path) -> None:
    """Keep a scorer as JSON."""
    state = {
        "version": scorer.version,
        "outcome": {"sources": scorer.outcome.sources, "hours": scorer.outcome.hours},
        "forest": scorer.forest.to_state(),
        "calibrator": calibration.to_state(scorer.calibrator),
    }
    path.write_text(json.dumps(state) + "\n", "utf-8")


def read(path: Path) -> Scorer:
    """The scorer in a file. Raises ModelFileError."""
    try:
        state = json.loads(path.read_text("utf-8"))
        scorer = Scorer(
            state["version"],
            Outcome(**state["outcome"]),
            forest.from_state(state["forest"]),
            calibration.from_state(state["calibrator"]),
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
