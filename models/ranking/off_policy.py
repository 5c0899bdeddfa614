"""What another ranking would have earned, from what this one showed and with which probability.

SNIPS (Swaminathan and Joachims, 2015): rewards weighted by how much likelier the other ranking
shows the same item at the same place, over the sum of those weights. Weights above `clip` are cut:
less variance, some bias, told by `clipped`.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

CLIP = 20.0
NORMAL_95 = 1.96


class Estimate(NamedTuple):
    """Reward of an item under the other ranking.

    low, high   95 %, by the delta method
    logged      mean reward under the ranking that was logged
    effective   how many evenly weighted items would tell as much
    clipped     share of the items whose weight was cut
    """

    value: float
    low: float
    high: float
    logged: float
    effective: float
    clipped: float


def snips(rewards: Array, shown_with: Array, wanted_with: Array, *, clip: float = CLIP) -> Estimate:
    """Estimate from items, one each: float64 (items,) all three.

    rewards      clicks, or whatever is to be earned
    shown_with   probability with which the logged ranking chose the item, above 0
    wanted_with  probability with which the other ranking chooses it for that place

    Raises ValueError where nothing can be told: no items, a probability outside its range, or a
    ranking that would show none of them.

    >>> same = snips(np.array([1.0, 0.0]), np.array([0.5, 0.5]), np.array([0.5, 0.5]))
    >>> same.value == same.logged
    True
    """
    if not len(rewards) == len(shown_with) == len(wanted_with) > 0:
        raise ValueError(
            f"{len(rewards)} rewards, {len(shown_with)} and {len(wanted_with)} probabilities; "
            "expected as many of each, and some"
        )
    if not (shown_with.min() > 0 and shown_with.max() <= 1):
        raise ValueError("a logged propensity outside 0..1, or 0")
    if not (wanted_with.min() >= 0 and wanted_with.max() <= 1):
        raise ValueError("a wanted propensity outside 0..1")
    ratios = wanted_with / shown_with
    weights = np.minimum(ratios, clip)
    total = weights.sum()
    if total <= 0:
        raise ValueError("the other ranking shows none of the logged items; nothing can be told")
    value = float(weights @ rewards / total)
    spread = float(np.sqrt((weights**2 * (rewards - value) ** 2).sum()) / total)
    return Estimate(
        value=value,
        low=value - NORMAL_95 * spread,
        high=value + NORMAL_95 * spread,
        logged=float(rewards.mean()),
        effective=float(total**2 / (weights**2).sum()),
        clipped=float((ratios > clip).mean()),
    )
