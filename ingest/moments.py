"""Times as publishers write them, and what becomes of times that cannot be.

A time without a zone is naive until `instant_ms` puts it into the zone of its source.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_tz

FUTURE_TOLERANCE_MS = 5 * 60 * 1000
"""Clocks may differ so much: a time up to this far ahead is taken as it is."""

_OLDEST_MS_EPOCH = 100_000_000_000
"""A bare number from here on is milliseconds (1973), below it seconds."""

_OFFSETS_MIN = {
    "UT": 0, "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 60, "BST": 60, "CET": 60, "CEST": 120,
    "MEZ": 60, "MESZ": 120, "MET": 60, "MEST": 120, "EET": 120, "EEST": 180, "MSK": 180, "TRT": 180,
    "IDT": 180, "SAST": 120, "CAT": 120, "EAT": 180, "WAT": 60, "GST": 240, "PKT": 300, "IST": 330,
    "NPT": 345, "ICT": 420, "WIB": 420, "WITA": 480, "WIT": 540, "HKT": 480, "SGT": 480, "PHT": 480,
    "AWST": 480, "JST": 540, "KST": 540, "ACST": 570, "ACDT": 630, "AEST": 600, "AEDT": 660,
    "NZST": 720, "NZDT": 780, "NST": -210, "NDT": -150, "AST": -240, "ADT": -180, "EST": -300,
    "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
    "AKST": -540, "AKDT": -480, "HST": -600, "BRT": -180, "ART": -180, "CLT": -240, "COT": -300,
    "PET": -300,
}  # fmt: skip
"""Abbreviations in minutes east of Greenwich; of two meanings the one more often in feeds."""

_MONTH_NAMES = (
    "jan janv januar janvier enero ene gennaio gen januari janeiro ocak stycznia янв января",
    "feb fév févr februar février febrero febbraio februari fevereiro fev şubat lutego фев февраля",
    "mar mär märz mrz mars marzo maart mrt março mart marca мар марта",
    "apr avr avril april abril abr aprile nisan kwietnia апр апреля",
    "may mai mayo maggio mag mei maio mayıs maja мая май",
    "jun juni juin junio giugno giu junho haziran czerwca июн июня",
    "jul juli juil juillet julio luglio lug julho temmuz lipca июл июля",
    "aug août aou aout august agosto ago augustus ağustos sierpnia авг августа",
    "sep sept september septembre septiembre settembre set setembro eylül września сен сентября",
    "oct okt oktober october octobre octubre ottobre ott outubro out ekim października окт октября",
    "nov november novembre noviembre novembro kasım listopada ноя ноября",
    "dec dez dezember december déc décembre diciembre dic dicembre desember dezembro aralık "
    "grudnia дек декабря",
)
_MONTHS = {
    name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names.split()
}
_TAIL_ZONE = re.compile(r"\s*\(?\b([A-Z]{1,5})\)?$")
_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+-])(\d{1,2}):?(\d{2})?$")
_ISO = re.compile(
    r"(\d{4})-?(\d{2})-?(\d{2})(?:[T\s_]+(\d{1,2}):?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?)?"
)
_WORDED = re.compile(
    r"(?:\w+\.?,?\s+)?(\d{1,2})(?:\.|º|st|nd|rd|th)?(?:[\s-]+de)?[\s-]+([^\W\d]{3,12})\.?(?:[\s-]+de)?,?[\s-]+(\d{4})"
    r"(?:,?\s+(?:\w{1,3}\s+)?(\d{1,2}):(\d{2})(?::(\d{2}))?)?",
    re.I,
)


def parse(text: str) -> datetime | None:
    """A date as ISO 8601, RFC 822, seconds or words; naive without a zone, None if it is none.

    >>> parse("2026-03-02T08:00:00.123+0100").isoformat()
    '2026-03-02T08:00:00.123000+01:00'
    >>> parse("Mon, 02 Mar 2026 08:00:00 MEZ").isoformat()
    '2026-03-02T08:00:00+01:00'
    >>> parse("lunes, 2 de marzo de 2026 08:00").isoformat()
    '2026-03-02T08:00:00'
    >>> parse("2026-03-02"), parse("soon")
    (datetime.datetime(2026, 3, 2, 0, 0), None)
    """
    given = " ".join(text.replace("\u202f", " ").split())
    if re.fullmatch(r"-?\d{9,16}(\.\d+)?", given):
        return _from_number(float(given))
    try:
        return datetime.fromisoformat(given)
    except ValueError:
        pass
    try:
        return _loose_iso(given) or _rfc822(given) or _worded(given)
    except (ValueError, OverflowError):
        return None


def is_day(moment: datetime) -> bool:
    """Whether a parsed time says only the day."""
    return moment.tzinfo is None and not (
        moment.hour or moment.minute or moment.second or moment.microsecond
    )


def instant_ms(moment: datetime, zone: tzinfo = UTC) -> int:
    """Milliseconds since 1970 UTC; a naive time is one of `zone`."""
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return round(zoned.timestamp() * 1000)


def repaired_ms(moment: datetime | None, *, fetched_ms: int, zone: tzinfo | None = None) -> int:
    """When something was published, given when it was seen; never later than that.

    A time ahead of the clock is most often local time with a wrong zone: it is read again in the
    source's zone, and when that lies ahead as well, it was published when it was seen.

    >>> from zoneinfo import ZoneInfo
    >>> seen = instant_ms(parse("2026-03-02T07:10Z"))
    >>> repaired_ms(parse("2026-03-02T08:00Z"), fetched_ms=seen, zone=ZoneInfo("Europe/Berlin"))
    1772434800000
    >>> repaired_ms(parse("2027-01-01T00:00Z"), fetched_ms=seen) == seen
    True
    """
    if moment is None:
        return fetched_ms
    latest_ms = fetched_ms + FUTURE_TOLERANCE_MS
    given_ms = instant_ms(moment, zone or UTC)
    if given_ms <= latest_ms:
        return given_ms
    if zone is not None:
        local_ms = instant_ms(moment.replace(tzinfo=None), zone)
        if local_ms <= latest_ms:
            return local_ms
    return fetched_ms


def _from_number(number: float) -> datetime | None:
    seconds = number / 1000 if abs(number) >= _OLDEST_MS_EPOCH else number
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _loose_iso(text: str) -> datetime | None:
    found = _ISO.match(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction = found.groups()
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    extra_day = hour == "24"
    moment = datetime(
        int(year), int(month), int(day), 0 if extra_day else int(hour or 0), int(minute or 0),
        min(int(second or 0), 59), micro, _zone(text[found.end() :]),
    )  # fmt: skip
    return moment + timedelta(days=1) if extra_day else moment


def _rfc822(text: str) -> datetime | None:
    parts = parsedate_tz(text)
    if parts is None or parts[0] < 1900:
        return None
    year, month, day, hour, minute, second = parts[:6]
    zone = _zone(text)
    if zone is None and parts[9] and re.search(r"[+-]\d{4}\b", text):
        zone = timezone(timedelta(seconds=parts[9]))
    return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)


def _worded(text: str) -> datetime | None:
    found = _WORDED.search(text)
    month = _MONTHS.get(found.group(2).casefold()) if found else None
    if not found or not month:
        return None
    day, _, year, hour, minute, second = found.groups()
    return datetime(
        int(year), month, int(day), int(hour or 0), int(minute or 0), int(second or 0),
        tzinfo=_zone(text[found.end() :]),
    )  # fmt: skip


def _zone(tail: str) -> tzinfo | None:
    """The zone at the end of a text, None when there is none that is known."""
    bare = tail.strip()
    if found := _OFFSET.search(bare):
        sign, hours, minutes = found.groups()
        offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
        return (
            timezone(-offset if sign == "-" else offset) if offset < timedelta(hours=24) else None
        )
    if (found := _TAIL_ZONE.search(bare)) and found.group(1) in _OFFSETS_MIN:
        return timezone(timedelta(minutes=_OFFSETS_MIN[found.group(1)]))
    return None


def iso(milliseconds: int) -> str:
    """ISO 8601 in UTC, to the second.

    >>> iso(1772434800000)
    '2026-03-02T07:00:00Z'
    """
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
