"""Personal data in comments: found and masked.

Found by form and proved by libraries: phone numbers by libphonenumber (`phonenumbers`), the check
digits of IBANs and cards and the syntax of e-mail addresses by `validators`. Postal addresses are
found by the street words of nine languages, account numbers by the word before them. A name is
masked where it is introduced as a private person's, or stands beside other personal data: public
figures are what comments are about.

Presidio finds the same kinds with the same forms, but brings spaCy: 18 packages and a model for
each language, in every worker.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

import validators
from phonenumbers import Leniency, PhoneNumberMatcher

from schemas.comment import PersonalData, PersonalDataKind

REGIONS = {
    "de": ("DE", "AT", "CH"),
    "en": ("US", "GB"),
    "es": ("ES", "MX"),
    "fr": ("FR", "CH"),
    "it": ("IT",),
    "nl": ("NL", "BE"),
    "pl": ("PL",),
    "pt": ("PT", "BR"),
}
"""Language to the countries whose national phone numbers are tried; others need the +."""

ELSEWHERE = ("US", "GB", "DE", "FR")
"""Countries tried where the language says nothing."""

NEAR = 80
"""Characters between a name and the personal data that make it a private person's."""

LEAST_DIGITS = 7
"""Of a phone number."""

_CUE_ROOM = 24
"""Characters before a number in which a word tells what it is."""

_EMAIL = re.compile(r"[\w.+%-]{1,64}@(?:[\w-]{1,63}\.)+\w{2,24}")
_SPELLED_EMAIL = re.compile(
    r"\b([\w.+-]{1,64})\s?[\[({]\s?(?:at|AT|arroba|chez)\s?[\])}]\s?"
    r"([\w-]{1,63})\s?(?:[\[({]\s?(?:dot|DOT|punkt|punto|point)\s?[\])}]\s?|\sdot\s|\spunkt\s|\.)(\w{2,24})\b"
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}\b")
_CARD = re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])")
_NUMBER = re.compile(r"(?<![\w.,:/])[+(]?\d[\d\s()./-]{5,20}\d(?![\w]|[.,:/]\d)")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,\s]\d{3})+")
_PHONE_CUE = re.compile(
    r"\b(?:call|phone|ring|text|tel|tél|telefon|telephone|mobile|cell|handy|whats?app|signal|"
    r"(?<!card )(?<!account )number|nummer|numéro|portable|móvil|teléfono|ll[aá]ma\w*|"
    r"cellulare|chiama\w*|telefone|ligue|telefoon|bel|zadzwoń|numer)\b\W*(?:\w+\W+){0,3}$",
    re.IGNORECASE,
)
_ACCOUNT = re.compile(
    r"\b(?:account(?: number| no\.?)?|acct\.?|sort code|routing(?: number)?|"
    r"kontonummer|konto(?:-?nr\.?)?|numéro de compte|compte(?: n[o°]\.?)?|número de cuenta|cuenta|"
    r"numero di conto|conto|número da conta|conta|rekeningnummer|numer konta)"
    r"\W{0,3}(?:(?:is|ist|est|es|è|é|to|no|nr|number)\W{1,3}){0,2}(\d[\d -]{4,22}\d)(?!\d)",
    re.IGNORECASE,
)

_PLACE = r"(?:[ ,]{1,2}(?:[A-Z]{1,3}-)?\d{4,5}(?: ?[A-Z]{2})?(?:[ ][A-ZÄÖÜÉÈÀÓŁŚŻ][\w'’.-]+){1,2})?"
_POSTCODE = (
    r"(?:,? [A-Z][a-z]+(?: [A-Z][a-z]+)?)?(?:,? (?:[A-Z]{2} \d{5}(?:-\d{4})?"
    r"|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b))?"
)
_CAPITAL = r"[A-ZÄÖÜÉÈÀÂÎÔÇÑÁÍÓÚŁŚŻ]"
_STREETS = tuple(
    re.compile(pattern)
    for pattern in (
        # 12 Garden Street, Springfield, IL 62701
        rf"\b\d{{1,5}}[A-Za-z]?,? (?:{_CAPITAL}[\w'’.-]*[ ]){{1,4}}"
        r"(?:(?:Street|Road|Avenue|Lane|Drive|Court|Boulevard|Close|Crescent|Terrace|Gardens|Grove|"
        r"Row|Way|Mews|Hill)\b|(?:St|Rd|Ave|Ln|Dr|Ct|Blvd)\b\.?)(?:,? (?:Flat|Apt\.?|Unit|#) ?\w+)?"
        + _POSTCODE,
        # Lindenstraße 12a, 10969 Berlin; Kerkstraat 4
        rf"\b{_CAPITAL}[\w-]*(?:straße|strasse|str\.|gasse|allee|platz|weg|ring|damm|ufer|straat|"
        rf"laan|plein|gracht)[ ]\d{{1,4}} ?[a-zA-Z]?\b{_PLACE}",
        rf"\b(?:Am|An der|Im|Auf dem|Zum|Zur) {_CAPITAL}[\w-]+ \d{{1,4}}[a-z]?,? \d{{5}} \w+",
        # 14 bis, rue des Lilas, 75011 Paris
        rf"\b\d{{1,4}}(?:[ ]?(?:bis|ter))?,?[ ](?:rue|avenue|boulevard|place|chemin|impasse|allée|"
        rf"quai|route|cours|Rue|Avenue|Boulevard|Place)[ ]"
        rf"(?:(?:de|du|des|la|le|les|l['’]|d['’])[ ]?){{0,2}}"
        rf"{_CAPITAL}[\w'’-]+(?:[ ]{_CAPITAL}[\w'’-]+)?{_PLACE}",
        # calle de Alcalá 23; via Garibaldi 4; rua Augusta, 100; ul. Polna 7
        rf"\b(?:[Cc]alle|C/|c/|[Aa]venida|[Aa]vda\.?|[Pp]laza|[Pp]aseo|[Vv]ia|[Vv]iale|[Pp]iazza|"
        rf"[Cc]orso|[Rr]ua|[Pp]raça|[Tt]ravessa|[Uu]l\.|[Uu]lica|[Aa]l\.)[ ]?"
        rf"(?:(?:de|del|della|da|do|dos|das|di|la|los|las|el)[ ]){{0,2}}{_CAPITAL}[\w'’-]+"
        rf"(?:[ ]{_CAPITAL}[\w'’-]+){{0,2}},?[ ](?:n[.ºo°]{{1,2}}[ ]?)?\d{{1,4}}[a-z]?\b{_PLACE}",
    )
)
_ROLE = re.compile(
    r"\b(?:(?:my|his|her|our|your|their) (?:\w+ )?(?:neighbou?r|ex|boss|landlord|landlady|teacher|"
    r"colleague|coworker|cousin|uncle|aunt|sister|brother|mother|father|mum|mom|dad|wife|husband|"
    r"girlfriend|boyfriend|daughter|son|doctor|dentist|classmate|roommate|friend|name)|"
    r"real name|née|"
    r"(?:mein|meine|meinem|meiner|sein|seine|ihr|ihre) (?:\w+ )?(?:nachbar(?:in)?|chef(?:in)?|"
    r"vermieter(?:in)?|lehrer(?:in)?|kolleg(?:e|in|en)|ex|bruder|schwester|cousine?|mutter|vater|"
    r"freund(?:in)?|mann|frau|sohn|tochter|ärztin|arzt|name)|"
    r"(?:mon|ma|son|sa|notre) (?:\w+ )?(?:voisine?|patronn?e?|propriétaire|professeure?|collègue|"
    r"cousine?|frère|sœur|mère|père|mari|femme|amie?|fils|fille|médecin|nom)|"
    r"(?:mi|su|nuestr[oa]) (?:\w+ )?(?:vecin[oa]|jef[ea]|caser[oa]|profesora?|compañer[oa]|"
    r"prim[oa]|herman[oa]|madre|padre|marido|mujer|amig[oa]|hij[oa]|médic[oa]|nombre)|"
    r"s['’]appelle|se llama|heißt|is called)\b,?(?: (?:is|ist|est|es|called|named|namens))?,? ",
    re.IGNORECASE,
)
_WHERE = re.compile(
    r"\b(?:lives at|lives in|lives on|works at|works in the|works as|goes to school|wohnt|"
    r"arbeitet bei|habite|travaille chez|vive en|trabaja en)\b",
    re.IGNORECASE,
)
_NAME_PART = rf"{_CAPITAL}[\w'’]+(?:-{_CAPITAL}?[\w'’]+)?"
_FULL_NAME = re.compile(rf"{_NAME_PART}(?: {_NAME_PART}){{1,2}}")
_SENTENCE_END = re.compile(r"[.!?…]\s")
_WIDTHLESS = re.compile("[\u200b\u2060\u00ad\ufeff]")
_JOINED_ASCII = re.compile("(?<=[\x21-\x7e])[\u200c\u200d](?=[\x21-\x7e])")


class Found(NamedTuple):
    """Personal data in a text: `text[start:end]`."""

    kind: PersonalDataKind
    start: int
    end: int


def without_joins(text: str) -> str:
    """The text without characters that nobody sees and that only keep patterns from matching.

    Joiners stay where scripts and emoji need them.

    >>> without_joins("jane\u200bdoe@exam\u200dple.org")
    'janedoe@example.org'
    """
    return _JOINED_ASCII.sub("", _WIDTHLESS.sub("", text))


def find(text: str, language: str) -> list[Found]:
    """Personal data by its form, in order and apart; names are not among it (see `private_names`).

    >>> find("Write to jane@example.org or DE89 3704 0044 0532 0130 00", "en")
    [Found(kind='email', start=9, end=25), Found(kind='iban', start=29, end=56)]
    """
    if not any(c.isdigit() or c in "@[({" for c in text):
        return []
    plain = _plain_digits(text)
    found: list[Found] = []
    for finder in (_ibans, _cards, _emails, _accounts, _addresses):
        found += _apart(finder(plain), found)
    found += _apart(_phones(plain, language), found)
    return sorted(found, key=lambda each: each.start)


def may_be_phone(text: str) -> bool:
    """Whether something could be a phone number: only then the language matters to `find`."""
    return any(c.isdigit() for c in text) and _NUMBER.search(_plain_digits(text)) is not None


def may_name_someone(text: str, found: Sequence[Found]) -> bool:
    """Whether it is worth looking for names: someone is introduced, or personal data is given."""
    return bool(found) or _ROLE.search(text) is not None or _WHERE.search(text) is not None


def private_names(
    text: str,
    persons: Collection[tuple[int, int]],
    public: Collection[tuple[int, int]],
    found: Sequence[Found],
) -> list[Found]:
    """Names of private persons, of several words: those right behind words like `my neighbour`,
    and persons in one sentence with words like `lives at` or near other personal data.

    persons  (start, end) of the names of persons, public those of people whom everybody knows

    >>> private_names("My boss Ada Quill and Tom Smith", [(22, 31)], [], [])
    [Found(kind='person', start=8, end=17)]
    """
    introduced = [
        named.span()
        for cue in _ROLE.finditer(text)
        if (named := _FULL_NAME.match(text, cue.end())) is not None
    ]
    places = [match.span() for match in _WHERE.finditer(text)]
    data = [(each.start, each.end) for each in found]
    beside = [
        (start, end)
        for start, end in persons
        if " " in text[start:end].strip()
        and (
            any(_same_sentence(text, start, end, *place) for place in places)
            or any(max(start - last, first - end) <= NEAR for first, last in data)
        )
    ]
    names = (Found("person", start, end) for start, end in sorted({*introduced, *beside}))
    known = [Found("person", start, end) for start, end in public]
    return _apart(names, known)


def mask(text: str, found: Sequence[Found]) -> tuple[str, list[PersonalData]]:
    """The text with its kind in brackets in the place of each datum, and where those stand.

    >>> mask("Ask jane@example.org!", [Found("email", 4, 20)])
    ('Ask [email]!', [PersonalData(kind='email', start=4, end=11)])
    """
    parts: list[str] = []
    masks = []
    position = length = 0
    for each in sorted(found, key=lambda each: each.start):
        kept = text[position : each.start]
        shown = f"[{each.kind}]"
        parts += [kept, shown]
        length += len(kept)
        masks.append(PersonalData(kind=each.kind, start=length, end=length + len(shown)))
        length += len(shown)
        position = each.end
    return "".join([*parts, text[position:]]), masks


def merged(found: Sequence[Found], more: Sequence[Found]) -> list[Found]:
    """Both, in order; of two that overlap the one of `found`."""
    return sorted([*found, *_apart(iter(more), list(found))], key=lambda each: each.start)


def _plain_digits(text: str) -> str:
    """Digits of every script as ASCII ones, hyphens as `-`, fixed spaces as spaces; as long."""
    return "".join(
        str(unicodedata.digit(c)) if c.isdigit() and not c.isascii()
        else "-" if c in "\u2010\u2011\u2012\u2013"
        else " " if c in "\u00a0\u2009\u202f"
        else c
        for c in text
    ) if not text.isascii() else text  # fmt: skip


def _apart(candidates: Iterator[Found], taken: list[Found]) -> list[Found]:
    """Candidates that overlap nothing taken, nor each other."""
    kept: list[Found] = []
    for each in candidates:
        if all(each.end <= t.start or t.end <= each.start for t in [*taken, *kept]):
            kept.append(each)
    return kept


def _ibans(text: str) -> Iterator[Found]:
    for match in _IBAN.finditer(text):
        # "DE89 … 00 BIC" runs on into the next word: the longest part that proves right
        parts = re.split(r"(?=[ -])", match[0])
        for size in range(len(parts), 0, -1):
            candidate = "".join(parts[:size])
            if _valid(validators.iban, re.sub(r"[ -]", "", candidate)):
                yield Found("iban", match.start(), match.start() + len(candidate))
                break


def _cards(text: str) -> Iterator[Found]:
    brands = (
        validators.visa,
        validators.mastercard,
        validators.amex,
        validators.discover,
        validators.diners,
        validators.jcb,
        validators.unionpay,
    )
    for match in _CARD.finditer(text):
        digits = re.sub(r"[ -]", "", match[0])
        if any(_valid(brand, digits) for brand in brands):
            yield Found("card", *match.span())


def _emails(text: str) -> Iterator[Found]:
    for match in _EMAIL.finditer(text):
        if _valid(validators.email, match[0]):
            yield Found("email", *match.span())
    for match in _SPELLED_EMAIL.finditer(text):
        if _valid(validators.email, f"{match[1]}@{match[2]}.{match[3]}"):
            yield Found("email", *match.span())


def _accounts(text: str) -> Iterator[Found]:
    for match in _ACCOUNT.finditer(text):
        yield Found("account", *match.span(1))


def _addresses(text: str) -> Iterator[Found]:
    for pattern in _STREETS:
        for match in pattern.finditer(text):
            yield Found("address", *match.span())


def _phones(text: str, language: str) -> Iterator[Found]:
    """Valid numbers; after a word like `call`, also those that only could be one."""
    for near in _NUMBER.finditer(text):
        before = text[max(0, near.start() - _CUE_ROOM) : near.start()]
        told = _PHONE_CUE.search(before) is not None
        if not told and _THOUSANDS.fullmatch(near[0]):
            continue
        leniency = Leniency.POSSIBLE if told else Leniency.VALID
        for region in REGIONS.get(language, ELSEWHERE):
            matcher = PhoneNumberMatcher(near[0], region, leniency=leniency)
            match = next(iter(matcher), None)
            if match is not None and _digits(match.raw_string) >= LEAST_DIGITS:
                yield Found("phone", near.start() + match.start, near.start() + match.end)
                break


def _digits(text: str) -> int:
    return sum(c.isdigit() for c in text)


def _valid(check: Callable[[str], object], value: str) -> bool:
    return check(value) is True


def _same_sentence(text: str, start: int, end: int, cue_start: int, cue_end: int) -> bool:
    between = text[min(end, cue_end) : max(start, cue_start)]
    return len(between) <= NEAR and _SENTENCE_END.search(between) is None
