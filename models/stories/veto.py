"""Numbers and places that tell look-alikes apart: "X wins Ohio" is not "X wins Iowa"."""

import re
from collections.abc import Mapping, Set

_NUMBER = re.compile(r"(?<![\w.,])\d[\d.,]*(?![\w])")
_LONGEST_NUMBER = 20
FEWEST_TO_JUDGE = 3
"""Articles of a story from which on what all of them say is taken as its own."""

SETTLED = 0.8
"""Share of a story's articles that must name a place for the story to be bound to it."""


def numbers(text: str) -> frozenset[str]:
    """Numbers in a text as written, without separators of thousands; years and counts alike.

    >>> sorted(numbers("Flight 370: 1,200 searched, 3.5 km, G7"))
    ['1200', '3.5', '370']
    """
    found = (match[0].rstrip(".,")[:_LONGEST_NUMBER] for match in _NUMBER.finditer(text))
    return frozenset(re.sub(r",(?=\d{3})", "", number) for number in found)


def vetoed(
    article: Set[str],
    story: Mapping[str, int],
    story_articles: int,
) -> bool:
    """Whether an article names another place (or numbered thing) than a story is bound to.

    article  places of the article
    story    in how many of the story's articles each place stands
    """
    if not article or story_articles < FEWEST_TO_JUDGE:
        return False
    bound = {place for place, n in story.items() if n >= SETTLED * story_articles}
    return bool(bound) and not bound & article
