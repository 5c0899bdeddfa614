"""Which slot of the job holds the stories of a language.

Articles are compared within their language, so slots share the languages and nothing is lost. A
language cut into cells of its vectors would scale further, but its stories lie on the borders.
"""

import zlib

SLOTS = 32
"""Keys of the operator; more slots than that cannot share its work. Commands that name a story, and
no language, go to every slot."""


def slot(language: str) -> str:
    """The slot of a language.

    >>> slot("en") == slot("en") and 0 <= int(slot("en")) < SLOTS
    True
    """
    return str(zlib.crc32(language.encode()) % SLOTS)
