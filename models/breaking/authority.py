"""How often a source is followed: what its pick-ups led to, learned from the stream.

State of a source is two sums over the stories that it took up and whose time is over. A source that
was seen rarely is drawn to what a pick-up usually leads to.
"""

from typing import NamedTuple

PRIOR = 5.0
"""Pick-ups that what is usual counts as."""

MEMORY = 0.98
"""What a pick-up leaves of the weight of those of a source before it: half after some 35."""

USUAL_MEMORY = 0.9999
"""The same for all sources together."""


class Followed(NamedTuple):
    """Sums over pick-ups, the newest counting most.

    pickups  how many
    share    of the sources that breaking news has, how many came after the source, at most all
    """

    pickups: float = 0.0
    share: float = 0.0


def observe(past: Followed, later: int, needed: int, memory: float = MEMORY) -> Followed:
    """The state after a story whose time is over.

    later   sources that took it up after this one
    needed  sources that breaking news has
    """
    return Followed(memory * past.pickups + 1, memory * past.share + min(1.0, later / needed))


def authority(followed: Followed, usual: Followed) -> float:
    """The share of breaking news' sources that should follow this one, 0..1.

    usual  the same sums over all sources

    >>> usual = Followed(100.0, 5.0)
    >>> round(authority(Followed(), usual), 2), round(authority(Followed(20.0, 10.0), usual), 2)
    (0.05, 0.41)
    """
    mean = usual.share / usual.pickups if usual.pickups else 0.0
    return (followed.share + PRIOR * mean) / (followed.pickups + PRIOR)
