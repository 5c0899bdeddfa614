"""Words written so that no filter finds them, as commenters do: to measure what that costs."""

import random
import re
from collections.abc import Callable

CHANCE = 0.5
"""Of a word to be disguised."""

LEAST_LETTERS = 4
"""Of a word that is."""

_WORD = re.compile(rf"[A-Za-z]{{{LEAST_LETTERS},}}")
_LEET = str.maketrans("aeiostAEIOST", "431057431057")
_SIGNS = str.maketrans("aisAIS", "@!$@!$")
_CYRILLIC = str.maketrans("aceiopxyACEOPX", "асеіорхуАСЕОРХ")


def _leet(word: str, chance: random.Random) -> str:
    """Digits or signs for some of the letters.

    >>> _leet("idiots", random.Random(1))
    'id10t5'
    """
    table = chance.choice((_LEET, _SIGNS))
    return "".join(c.translate(table) if chance.random() < CHANCE else c for c in word)


def _invisible(word: str, chance: random.Random) -> str:
    """A space without width inside the word."""
    place = chance.randrange(1, len(word))
    return f"{word[:place]}\u200b{word[place:]}"


def _repeated(word: str, chance: random.Random) -> str:
    """One letter three to five times."""
    place = chance.randrange(len(word))
    return word[:place] + word[place] * chance.randint(3, 5) + word[place + 1 :]


def _look_alike(word: str, chance: random.Random) -> str:  # noqa: ARG001
    """Cyrillic letters for Latin ones."""
    return word.translate(_CYRILLIC)


def _apart(word: str, chance: random.Random) -> str:
    """Its letters set apart."""
    return chance.choice(" .-").join(word)


DISGUISES: dict[str, Callable[[str, random.Random], str]] = {
    "leet": _leet,
    "zero-width": _invisible,
    "repeated letters": _repeated,
    "homoglyphs": _look_alike,
    "letters apart": _apart,
}
"""Name to what it does to one word."""


def disguised(text: str, how: str, seed: int) -> str:
    """A text with about half of its longer words disguised."""
    chance = random.Random(seed)
    change = DISGUISES[how]
    return _WORD.sub(
        lambda word: change(word[0], chance) if chance.random() < CHANCE else word[0], text
    )
