"""Where the sentences of a text begin and end."""

import re

Span = tuple[int, int]

_CLOSERS = r"\"'”’»›)\]」』）】"
_MARK = re.compile(  # one class of characters first: the search then skips all others at once
    r"[.!?…؟۔։።។。！？｡।॥\n](?:"
    r"(?<=\s[.!?…])(?:\s+(?:''|[”’»)\]]))*(?=\s)"  # a token of its own
    rf"|(?<=[.!?…؟۔։።។])[{_CLOSERS}]*(?=\s)"
    rf"|(?<=[。！？｡।॥])[{_CLOSERS}]*"
    r"|(?<=\n))"
)
_NEXT = re.compile(r"\s*(?:«\s)?[\"'“‘«‹„‚(\[¿¡—–-]*(\w[\w'’]*(?:(?<=\b\w)\.)?)?")
_WORD = re.compile(r"[\"'“‘«‹„(\[]*(.*?)\.+[\"'”’»)\]]*")
_MORE = re.compile(r"\s*(?:[.!?…]|[\"'”’»]+\s*\Z)")
_LONGEST = 24  # characters of a word looked at


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


# a name or a number follows
_GO_ON = _words(
    """abp adm ald asst atty avv brig bzw bspw capt cmdr col comdr cpl dhr dipl dir dott dr dra drs
    eg evtl fig figs fr gen ggf gov hl hon hr hrn ie inkl insp jhr lcda lic lt maj messrs mevr mgr
    mlle mme mons mr mrs ms msgr mt mx núm ofc pfc pres prof pvt rep rev rt sen sens sgt sig sigg
    sog spc sr sra srta st ste stk supt tel usw vgl viz vol vs zzt"""
)
_NUMBERED = _words("al art bd c ca ch cf n no nos nr op p par pp sec v")
# the sentence ends if the next word is one that seldom begins a name
_MAY_END = _words("apt ave blvd bros cie co corp dept esq est etc gmbh inc jr llc ltd ph rd")
_MAY_END_CAPITAL = _words(
    """Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec Mon Tue Tues Wed Thu Thur Thurs Fri Sat Sun
    Ala Ariz Ark Calif Colo Conn Del Fla Ga Ill Ind Kan Ky La Md Mass Mich Minn Miss Mo Mont Neb Nev
    Okla Ore Pa Penn Tenn Tex Va Vt Wash Wis Wyo"""
)
_ORDINAL_AFTER = _words(
    """am ab bis dem den der des die das dieser im in seit vom zum zur beim und oder ihr ihre sein
    seine ihren seinen unser unsere den det dne ve"""
)
_BEGINS = _words(
    """a about according after all also although among an and another any are as at because before
    both but by can despite did do does during each even every few following for from had has have
    he her here his how however i if in instead is it its it's i'm i've just last later like many
    meanwhile more moreover most much my no nor not nothing now of on once one only or other our
    over rather she should since so some still such than that that's the their then there there's
    therefore these they they're this those though through thus to today too two under unlike until
    we we're were what when where whether which while who why will with without would yet you your
    der die das ein eine er sie es wir ich in im am auf aber auch bei dass diese dieser doch nach
    seit so und von vor wenn wie zu le la les un une il elle ils elles on nous en dans mais ce
    cette ces pour par selon el los las una en pero este esta según se su sus al por para de het een
    hij zij ze maar ook dat dit deze na bij volgens os as um uma ele ela no na mas lo gli i nel
    nella ma"""
)


def split(text: str) -> list[Span]:
    """First and last+1 character of each sentence, without the white space around it.

    A line break ends a sentence, so does a full stop that stands as a token of its own. Other full
    stops must be followed by a word that may begin a sentence, and the word before them must not be
    an initial, an ordinal or an abbreviation that goes on. A text without marks is one sentence.

    >>> text = 'Mr. Roe of the U.S. Senate paid $3.5 million. "No," he said. Why?'
    >>> [text[start:end] for start, end in split(text)]
    ['Mr. Roe of the U.S. Senate paid $3.5 million.', '"No," he said.', 'Why?']
    """
    spans: list[Span] = []
    start = 0
    for mark in _MARK.finditer(text):
        if _ends(text, mark):
            start = _add(spans, text, start, mark.end())
    _add(spans, text, start, len(text))
    return spans


def _add(spans: list[Span], text: str, start: int, end: int) -> int:
    """Append what lies between, white space aside; where the next sentence may start."""
    words = text[start:end]
    stripped = words.lstrip()
    if stripped:
        first = start + len(words) - len(stripped)
        spans.append((first, first + len(stripped.rstrip())))
    return end


def _ends(text: str, mark: re.Match[str]) -> bool:
    """Whether a sentence ends at the mark."""
    kind = text[mark.start()]
    if kind not in ".!?…":
        return True
    start = max(mark.start(), 50)
    alone = mark.start() > 0 and text[mark.start() - 1].isspace()
    if alone and (kind == "." or text[start - 50 : start + 50].islower()):
        return _MORE.match(text, mark.end()) is None
    following = _NEXT.match(text, mark.end())
    word = following[1] if following else None
    if word is None or word[0].islower():
        return False  # the sentence goes on, or more marks follow
    return kind != "." or _full_stop(text, mark, word)


def _full_stop(text: str, mark: re.Match[str], following: str) -> bool:
    """Whether a full stop before a word that is not in lower case ends the sentence."""
    window = text[max(0, mark.start() - 2 * _LONGEST) : mark.end()].split()
    match = _WORD.fullmatch(window[-1])
    before = match[1] if match else ""
    lower = before.lower()
    begins = following.lower() in _BEGINS
    if lower in _GO_ON or (lower in _NUMBERED and following[0].isdigit()):
        return False
    if before.isdigit() and len(before) <= 2:
        return begins or len(window) < 2 or window[-2].lower() not in _ORDINAL_AFTER
    initial = len(before) == 1 and before.isupper()
    abbreviated = lower in _MAY_END or before in _MAY_END_CAPITAL or "." in before
    return begins if abbreviated or initial else True
