"""Which sentences of an article tell it."""

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"[぀-ヿ㐀-鿿豈-﫿฀-๿]|\w+")
_LETTER = re.compile(r"[^\W\d_]")
_LABEL = re.compile(
    r"(?:photo(?:graph|graphy)?s?|image|fotos?|picture|video|bild|source|quelle|credit|graphic|"
    r"listen|watch|related|updated?|published|posted|editor'?s note|correction|advertisement|"
    r"anzeige|mehr zum thema|lire aussi|à lire|lea también|lee también|leia (?:também|mais)|"
    r"leggi anche|lees ook|lesen sie auch|читайте также|read (?:more|also|next)|see also)\b"
    r"(?:\s*[:|/–—]| - | by\b|$)",
    re.IGNORECASE,
)
_APPEAL = re.compile(
    r"(?:click|tap) (?:here|on|the)|sign up|subscribe|follow (?:us|@|the)|share this|scroll|"
    r"read more|lesen sie auch",
    re.IGNORECASE,
)
_CREDIT = re.compile(
    r"©|https?://|www\.|@\w+\.\w|all rights reserved|getty images|\bcopyright\b|newsletter|"
    r"contributed to this (?:report|story|article)|\b(?:reporting|editing|writing) by\b|"
    r"terms of (?:use|service)|privacy policy|alle rechte",
    re.IGNORECASE,
)
_BYLINE = re.compile(r"[Bb]y (?:[A-Z][\w'’-]*+|and\b|[\s.,&])++")
_END = re.compile(r"[.!?…؟۔։።。！？｡।॥][\"'”’»)\]」』）\s]*\Z")

MIN_WORDS = 5
MAX_SHARED = 0.25
"""Share of a sentence's word triples that a chosen one may have."""
MAX_SAME = 0.7
"""Share of a sentence's words that a chosen one may have."""


def choose(
    scores: Sequence[float] | NDArray[np.float32] | NDArray[np.float64],
    sentences: Sequence[str],
    *,
    max_sentences: int = 3,
    max_characters: int = 600,
    min_score: float = -math.inf,
) -> list[int]:
    """Indexes of the sentences that make the summary, in the order of the article.

    The best come first; one that repeats a chosen one or does not fit is passed over, and so are
    credits, datelines and other parts that are no sentences. A heading or a cut sentence (without
    an end mark) is told only where no whole one is. Below `min_score` only the best is taken. Equal
    scores prefer the earlier sentence: a scorer that knows nothing gives LEAD. NaN counts as the
    lowest score. Empty when no sentence qualifies.

    >>> told = ["LONDON (Reuters) -", "Rivers rose in the north on Monday.", "Read more: floods",
    ...         "In the north, rivers rose on Monday.", "Two bridges have been closed since then."]
    >>> choose([0.5] * 5, told)
    [1, 4]
    """
    given = np.asarray(scores, np.float64)
    if len(given) != len(sentences):
        raise ValueError(f"{len(given)} scores for {len(sentences)} sentences")
    ranks = np.where(np.isnan(given), -np.inf, given)
    order = np.argsort(-ranks, kind="stable").tolist()
    whole = [bool(_END.search(sentence[-8:])) for sentence in sentences]
    chosen: list[int] = []
    told: list[list[str]] = []
    left = max_characters
    for index in sorted(order, key=lambda i: not whole[i]):
        sentence = sentences[index]
        enough = chosen and (ranks[index] < min_score or not whole[index])
        if enough or len(chosen) >= max_sentences:
            break
        if len(sentence) > left:
            continue
        words = _words(sentence)
        if not _reads_as_sentence(sentence, words) or any(repeats(words, t) for t in told):
            continue
        chosen.append(index)
        told.append(words)
        left -= len(sentence) + 1
    return sorted(chosen)


def is_sentence(text: str) -> bool:
    """Whether a text reads as a sentence, not as a credit, a byline, a dateline or a link.

    >>> [is_sentence(t) for t in ("The mayor resigned on Friday night.", "Photo: Jo Roe / Courier")]
    [True, False]
    """
    return _reads_as_sentence(text, _words(text))


def _reads_as_sentence(text: str, words: Sequence[str]) -> bool:
    if len(words) < MIN_WORDS or _LABEL.match(text) or _APPEAL.match(text):
        return False
    if _CREDIT.search(text) or _BYLINE.fullmatch(text):
        return False
    letters = len(_LETTER.findall(text))
    return letters >= 0.6 * len(text.replace(" ", "")) and not text.isupper()


def repeats(words: Sequence[str], told: Sequence[str]) -> bool:
    """Whether words say again what was told: shared triples (Paulus et al., 2018) or shared words.

    >>> repeats("two men died in the fire".split(), "the fire killed two men on Monday".split())
    False
    """
    triples = set(zip(words, words[1:], words[2:], strict=False))
    shared = triples & set(zip(told, told[1:], told[2:], strict=False))
    if triples and len(shared) > MAX_SHARED * len(triples):
        return True
    known = set(told)
    long_words = [word for word in words if len(word) > 3 or not word.isascii()]
    same = sum(word in known for word in long_words)
    return bool(long_words) and same > MAX_SAME * len(long_words)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
