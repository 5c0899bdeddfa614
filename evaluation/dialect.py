"""Features of African American English: how they are found in a comment, and put into one.

After the grammars (Green, 2002; Blodgett et al., 2016) and rule-made sets (Ziems et al., 2022). No
data here says in which dialect a comment is written. These features are rare in other varieties,
not absent, and a comment that rules have rewritten is nobody's language: what is compared is how
much a classifier minds the features.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")

_BEFORE_BE = frozenset({
    "can", "could", "did", "do", "does", "help", "if", "let", "make", "may", "might", "must",
    "shall", "should", "will", "would",
})  # fmt: skip
"""Words after which `they be talking` is standard."""

_BEFORE_BARE = _BEFORE_BE | {
    "am", "are", "being", "cause", "had", "has", "have", "how", "is", "like", "made", "saw", "see",
    "stop", "than", "that", "was", "watch", "were", "when", "with", "without",
}  # fmt: skip
"""Words after which `she crazy` or `you talking` is standard."""

_BEFORE_DONE = frozenset({
    "are", "be", "been", "got", "had", "has", "have", "having", "is", "was", "were",
})  # fmt: skip
_CONTRACTED = ("'d", "'s", "'ve", "’d", "’s", "’ve")
"""What stands before `done` or `been` with a participle in standard English."""


class Marker(NamedTuple):
    """A feature and how it is found in a text in lower case.

    standard_after  whether the word before a match makes it standard English
    """

    name: str
    pattern: re.Pattern[str]
    standard_after: Callable[[str], bool] = lambda _: False

    def found(self, text: str) -> bool:
        """Whether a text has it."""
        return any(
            not (
                (before := _WORD.findall(text[: match.start()])) and self.standard_after(before[-1])
            )
            for match in self.pattern.finditer(text)
        )


MARKERS = (
    Marker(
        "habitual be (they be talking)",
        re.compile(
            r"\b(?:i|he|she|it|we|you|they|people) be (?:[a-z]+in(?:g\b|['’])|always\b|like\b)"
        ),
        _BEFORE_BE.__contains__,
    ),
    Marker(
        "no copula (she crazy)",
        re.compile(
            r"\b(?:he|she|they|we|you) (?:so |too |real |just )?"
            r"(?:[a-z]{2,}in(?:g\b|['’])|(?:crazy|wild|ugly|cute|dumb|sick|funny|wrong)\b)"
        ),
        _BEFORE_BARE.__contains__,
    ),
    Marker(
        "completive done, stressed been",
        re.compile(r"\b(?:done|been) (?:told|said|went|lost|heard|seen|had|got|came|ate|knew)\b"),
        lambda word: word in _BEFORE_DONE or word.endswith(_CONTRACTED),
    ),
    Marker(
        "negative concord (ain't nobody)",
        re.compile(
            r"\b(?:ain|can|don|didn|won|wasn)['’]?t (?:[a-z]+ )?(?:no|nobody|nothin[g'’]?|none)\b"
        ),
    ),
    Marker("finna, imma, tryna", re.compile(r"\b(?:finna|imma|i['’]ma|tryna|bouta)\b")),
    Marker("sounds (dat, dey, brotha)", re.compile(r"\b(?:dat|dey|nuttin|errbody|brotha|sista)\b")),
)


def markers(text: str) -> tuple[str, ...]:
    """Names of the features that a comment shows.

    >>> markers("They be talking about you all day")
    ('habitual be (they be talking)',)
    >>> markers("Would they be talking about you?")
    ()
    """
    lowered = text.lower()
    return tuple(marker.name for marker in MARKERS if marker.found(lowered))


_REWRITINGS = tuple(
    (re.compile(pattern, re.IGNORECASE), into)
    for pattern, into in (
        (r"\bI(?:['’]m| am) (?:going to|gonna)\b", "I'm finna"),
        (r"\b(?:going to|gonna)(?= [a-z])", "finna"),
        (r"\b(?:isn|aren|hasn|haven)['’]t\b", "ain't"),
        (r"\b(he|she|it|they|we|you)(?:['’]s|['’]re| is| are) not\b", r"\1 ain't"),
        (r"(n['’]t (?:[a-z]+ ){0,2})any(body|thing|where)\b", r"\1no\2"),
        (r"(n['’]t (?:[a-z]+ ){0,2})any\b", r"\1no"),
        (r"\b(he|she|they|we|you)(?:['’]re|['’]s| is| are)(?= (?!got|been|a\b|had)[a-z])", r"\1"),
        (r"\b(he|she|it) (?:doesn['’]t|does not)\b", r"\1 don't"),
        (r"\b([a-z]*[aeiou][a-z]*)ing\b", r"\1in"),
        (r"\bthey\b", "dey"),
        (r"\bthat\b", "dat"),
        (r"\bthis\b", "dis"),
        (r"\bwith\b", "wit"),
    )
)


def rewritten(text: str) -> str:
    """A comment with features of the dialect wherever a rule can put one.

    >>> rewritten("They are going to tell you that he isn't working with anybody")
    "dey finna tell you dat he ain't workin wit nobody"
    """
    for pattern, into in _REWRITINGS:
        text = pattern.sub(into, text)
    return text
