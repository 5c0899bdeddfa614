"""Numbers, times and names as an editor reads them."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

LANGUAGES = {
    "ar": "Arabic", "bn": "Bengali", "cs": "Czech", "da": "Danish", "de": "German",
    "el": "Greek", "en": "English", "es": "Spanish", "fa": "Persian", "fi": "Finnish",
    "fr": "French", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian", "id": "Indonesian",
    "it": "Italian", "ja": "Japanese", "ko": "Korean", "nb": "Norwegian", "nl": "Dutch",
    "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian",
    "sv": "Swedish", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu",
    "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


def language(code: str) -> str:
    """The English name of a language; its code where the list has none.

    >>> language("sv"), language("qu")
    ('Swedish', 'qu')
    """
    return LANGUAGES.get(code, code)


def desk(name: str) -> str:
    """A desk as a person writes it.

    >>> desk("north_america")
    'North america'
    """
    return name.replace("_", " ").capitalize()


def percent(probability: float) -> str:
    """A probability in whole percent; never a certainty that it is not.

    >>> percent(0.874), percent(0.001), percent(0.999), percent(0.0), percent(1.0)
    ('87%', '<1%', '>99%', '0%', '100%')
    """
    if 0 < probability < 0.005:
        return "<1%"
    if 0.995 <= probability < 1:
        return ">99%"
    return f"{probability:.0%}"


def likely(score: float) -> str:
    """What a model says in whole percent: no model is certain, also where its arithmetic is.

    >>> likely(0.874), likely(0.0), likely(1.0)
    ('87%', '<1%', '>99%')
    """
    return percent(min(max(score, 0.001), 0.999))


def interval(low: float, high: float) -> str:
    """Two shares.

    >>> interval(0.55, 0.76), interval(0.001, 1.0)
    ('55–76%', '<1–100%')
    """
    return f"{percent(low).removesuffix('%')}–{percent(high)}"


def likely_interval(low: float, high: float) -> str:
    """Two scores of a model, one where they read alike.

    >>> likely_interval(0.55, 0.76), likely_interval(0.999, 1.0), likely_interval(0.9, 1.0)
    ('55–76%', '>99%', '90–>99%')
    """
    least, most = likely(low), likely(high)
    return most if least == most else f"{least.removesuffix('%')}–{most}"


def count(number: int, one: str, many: str | None = None) -> str:
    """
    >>> count(1, "source"), count(12_000, "copy", "copies")
    ('1 source', '12,000 copies')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def amount(number: float) -> str:
    """A number with as many digits as say something.

    >>> amount(0.04), amount(0.42), amount(3.25), amount(41.7), amount(1234.0)
    ('0.04', '0.4', '3.2', '42', '1,234')
    """
    if number >= 10:
        return f"{number:,.0f}"
    if number == 0 or number >= 0.1:
        return f"{number:.1f}".removesuffix(".0")
    return f"{number:.2g}"


def odds(tail_log10: float) -> str:
    """How often so much comes by chance, from the logarithm of its probability.

    >>> odds(-0.2), odds(-2), odds(-4.3), odds(-12)
    ('2 times in 3', '1 in 100', '1 in 20,000', 'less than 1 in a billion')
    """
    probability = 10**tail_log10
    if probability > 0.5:
        return "2 times in 3" if probability < 0.75 else "usual"
    if tail_log10 < -9:
        return "less than 1 in a billion"
    once_in = 1 / probability
    digits = len(str(int(once_in)))
    return f"1 in {round(once_in, 1 - digits):,.0f}"


def duration(ms: int) -> str:
    """A stretch of time in its two largest units.

    >>> duration(40_000), duration(12 * 60_000), duration(95 * 60_000), duration(50 * 3_600_000)
    ('40 s', '12 min', '1 h 35 min', '2 d 2 h')
    """
    ms = max(ms, 0)
    if ms < MINUTE_MS:
        return f"{ms // 1000} s"
    minutes = ms // MINUTE_MS
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def iso(ms: int) -> str:
    """A moment for the `datetime` of a `<time>`.

    >>> iso(1_700_000_000_000)
    '2023-11-14T22:13:20Z'
    """
    return moment(ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock(ms: int) -> str:
    """A moment as a page without script shows it.

    >>> clock(1_700_000_000_000)
    '22:13 UTC'
    """
    return moment(ms).strftime("%H:%M UTC")


def moment(ms: int) -> datetime:
    """A moment of a record; one that no calendar has is the last one that it has."""
    return datetime.fromtimestamp(min(max(ms, 0), 253_402_300_799_000) / 1000, UTC)


def web_address(url: str) -> str | None:
    """A URL that may become a link: http or https with a host, else None.

    >>> web_address("https://a.example/x"), web_address("javascript:alert(1)")
    ('https://a.example/x', None)
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and parts.netloc else None
