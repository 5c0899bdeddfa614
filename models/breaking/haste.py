"""A warning is worth more the earlier it comes: how much less certain an early one may be.

The threshold of a desk holds for a story that is about to break. For one that has a part of the
sources, `reach`, the log-odds that are asked for are lower by `haste` for each e-fold it lacks.
`urgency` is the same seen from the score: what is compared with the desk's one threshold.
"""

import math

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_LEAST = 1e-9


def urgency(score: float, reach: float, haste: float) -> float:
    """A score as the threshold sees it.

    reach  sources, in outcomes, above 0
    haste  of the scorer; 0 leaves the score as it is

    >>> urgency(0.5, 0.1, 0.0), round(urgency(0.5, 0.1, 0.3), 3), round(urgency(0.5, 1.0, 0.3), 3)
    (0.5, 0.666, 0.5)
    """
    return score if haste == 0 else _lifted(score, -haste * math.log(reach))


def asked(threshold: float, reach: float, haste: float) -> float:
    """The score that a threshold asks of a story: the other way round.

    >>> round(asked(0.666, 0.1, 0.3), 3)
    0.5
    """
    return threshold if haste == 0 else _lifted(threshold, haste * math.log(reach))


def urgencies(scores: Array, reach: Array, haste: float) -> Array:
    """`urgency` of many."""
    if haste == 0:
        return scores
    inside = np.clip(scores, _LEAST, 1 - _LEAST)
    odds = np.log(inside / (1 - inside)) - haste * np.log(reach)
    lifted: Array = 1 / (1 + np.exp(-odds))
    return lifted


def _lifted(score: float, log_odds: float) -> float:
    inside = min(1 - _LEAST, max(_LEAST, score))
    return 1 / (1 + math.exp(-(math.log(inside / (1 - inside)) + log_odds)))
