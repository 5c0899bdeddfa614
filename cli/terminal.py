"""Texts from outside on a terminal."""


def printable(text: str) -> str:
    """A text from outside without what could steer a terminal.

    >>> printable("a\\x1b[2Jb")
    'a·[2Jb'
    """
    return "".join(c if c.isprintable() else "·" for c in text)
