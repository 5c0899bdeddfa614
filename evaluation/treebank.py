"""Sentences of texts that are Penn Treebank tokens with blanks between, as CNN/DailyMail comes."""

import re

_STOP = re.compile(r"\.(?=\s|$)")
_STOP_ALONE = re.compile(r"\s\.(?=\s|$)")
_TOKENISED_SHARE = 0.5
"""Share of full stops standing alone from which a text is taken as tokens."""

_END = re.compile(r"(?<=\s[.!?])\s+|(?<=\s\.\.\.)\s+|\s*\n\s*")
_CLOSING = re.compile(r"(?:''|”|’|-rrb-|\))(?:\s+|$)")
_STRAIGHT = re.compile(r"\"(?:\s+|$)")


def tokenised(text: str) -> bool:
    """Whether most full stops stand alone.

    >>> tokenised("lt. col. roe left . it rained ."), tokenised("Lt. Col. Roe left. It rained.")
    (True, False)
    """
    stops = len(_STOP.findall(text))
    return stops > 0 and len(_STOP_ALONE.findall(text)) >= _TOKENISED_SHARE * stops


def split(text: str) -> list[str]:
    """Sentences of tokens, cut as CoreNLP does: behind an end mark and what it closes.

    A straight quotation mark closes when its sentence holds an odd number of them, or when another
    one follows.

    >>> split('he said " it is over . " and left . " lt. roe stayed , " he said .')
    ['he said " it is over . "', 'and left .', '" lt. roe stayed , " he said .']
    """
    found = []
    start = 0
    for mark in _END.finditer(text):
        end = mark.end()
        if end <= start:  # closed by the sentence before
            continue
        while closing := _CLOSING.match(text, end):
            end = closing.end()
        if straight := _STRAIGHT.match(text, end):
            odd = text.count('"', start, end) % 2 == 1
            if odd or text.startswith('"', straight.end()):
                end = straight.end()
        found.append(text[start:end].strip())
        start = end
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]
