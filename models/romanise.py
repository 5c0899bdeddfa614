"""Text in Latin letters: an encoder that knows only those can then read every script."""

from functools import lru_cache

from anyascii import anyascii


def romanise(text: str) -> tuple[str, list[int]]:
    """ASCII letters for every character, and for each the index of the character it stands for.

    >>> romanise("Łódź, 東京")
    ('Lodz, DongJing', [0, 1, 2, 3, 4, 5, 6, 6, 6, 6, 7, 7, 7, 7])
    """
    letters: list[str] = []
    origin: list[int] = []
    for index, character in enumerate(text):
        written = _letters(character)
        letters.append(written)
        origin += [index] * len(written)
    return "".join(letters), origin


@lru_cache(maxsize=1 << 16)
def _letters(character: str) -> str:
    return anyascii(character)
