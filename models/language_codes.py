"""Language codes of several standards as the one that Wiredesk writes."""

import re

_CODE = re.compile(r"([A-Za-z]{2,3})(?:[-_].*)?")

_SHORT = {
    "aar": "aa", "abk": "ab", "afr": "af", "aka": "ak", "amh": "am", "ara": "ar", "arg": "an",
    "asm": "as", "ava": "av", "aym": "ay", "aze": "az", "bak": "ba", "bam": "bm", "bel": "be",
    "ben": "bn", "bod": "bo", "bos": "bs", "bre": "br", "bul": "bg", "cat": "ca", "ces": "cs",
    "cha": "ch", "che": "ce", "chv": "cv", "cor": "kw", "cos": "co", "cym": "cy", "dan": "da",
    "deu": "de", "div": "dv", "dzo": "dz", "ell": "el", "eng": "en", "epo": "eo", "est": "et",
    "eus": "eu", "ewe": "ee", "fao": "fo", "fas": "fa", "fij": "fj", "fin": "fi", "fra": "fr",
    "fry": "fy", "ful": "ff", "gla": "gd", "gle": "ga", "glg": "gl", "glv": "gv", "grn": "gn",
    "guj": "gu", "hat": "ht", "hau": "ha", "heb": "he", "her": "hz", "hin": "hi", "hrv": "hr",
    "hun": "hu", "hye": "hy", "ibo": "ig", "ido": "io", "iii": "ii", "iku": "iu", "ile": "ie",
    "ina": "ia", "ind": "id", "ipk": "ik", "isl": "is", "ita": "it", "jav": "jv", "jpn": "ja",
    "kal": "kl", "kan": "kn", "kas": "ks", "kat": "ka", "kau": "kr", "kaz": "kk", "khm": "km",
    "kik": "ki", "kin": "rw", "kir": "ky", "kom": "kv", "kon": "kg", "kor": "ko", "kur": "ku",
    "lao": "lo", "lat": "la", "lav": "lv", "lim": "li", "lin": "ln", "lit": "lt", "ltz": "lb",
    "lub": "lu", "lug": "lg", "mal": "ml", "mar": "mr", "mkd": "mk", "mlg": "mg", "mlt": "mt",
    "mon": "mn", "mri": "mi", "msa": "ms", "mya": "my", "nau": "na", "nav": "nv", "nep": "ne",
    "nld": "nl", "nno": "nn", "nob": "nb", "nor": "nb", "nya": "ny", "oci": "oc", "oji": "oj",
    "ori": "or", "orm": "om", "oss": "os", "pan": "pa", "pol": "pl", "por": "pt", "pus": "ps",
    "que": "qu", "roh": "rm", "ron": "ro", "run": "rn", "rus": "ru", "sag": "sg", "san": "sa",
    "sin": "si", "slk": "sk", "slv": "sl", "sme": "se", "smo": "sm", "sna": "sn", "snd": "sd",
    "som": "so", "sot": "st", "spa": "es", "sqi": "sq", "srd": "sc", "srp": "sr", "ssw": "ss",
    "sun": "su", "swa": "sw", "swe": "sv", "tah": "ty", "tam": "ta", "tat": "tt", "tel": "te",
    "tgk": "tg", "tgl": "tl", "tha": "th", "tir": "ti", "ton": "to", "tsn": "tn", "tso": "ts",
    "tuk": "tk", "tur": "tr", "twi": "tw", "uig": "ug", "ukr": "uk", "urd": "ur", "uzb": "uz",
    "ven": "ve", "vie": "vi", "vol": "vo", "wln": "wa", "wol": "wo", "xho": "xh", "yid": "yi",
    "yor": "yo", "zha": "za", "zho": "zh", "zul": "zu",
}  # fmt: skip
"""ISO 639-3 to 639-1, of the languages that have both."""

_MACROLANGUAGE = {
    "als": "sq", "arb": "ar", "ayr": "ay", "azj": "az", "cmn": "zh", "ekk": "et", "fuv": "ff",
    "gaz": "om", "khk": "mn", "kmr": "ku", "knc": "kr", "lvs": "lv", "npi": "ne", "ory": "or",
    "pbt": "ps", "pes": "fa", "plt": "mg", "quy": "qu", "swh": "sw", "uzn": "uz", "ydd": "yi",
    "zsm": "ms",
}  # fmt: skip
"""ISO 639-3 of the variety that stands for a macrolanguage in FLORES-200 and Tatoeba."""

_OLD = {"no": "nb", "iw": "he", "in": "id", "ji": "yi", "jw": "jv"}
"""Codes that ISO 639-1 withdrew, and `no`, for which Bokmål stands."""


def short(code: str) -> str:
    """ISO 639-1 of a language where there is one, else its ISO 639-3.

    Reads ISO 639-1 and 639-3, BCP 47 and FLORES-200.

    >>> short("deu_Latn"), short("zho_Hans"), short("pt-BR"), short("NOR"), short("ace_Arab")
    ('de', 'zh', 'pt', 'nb', 'ace')

    Raises ValueError for what is no code.
    """
    match = _CODE.fullmatch(code.strip())
    if match is None:
        raise ValueError(f"language {code!r}; expected a code like de, deu or deu_Latn")
    found = match[1].lower()
    return _SHORT.get(found) or _MACROLANGUAGE.get(found) or _OLD.get(found, found)


def declared(tag: str | None) -> str | None:
    """The language that a sender declares; None where the tag is missing or names none.

    >>> declared("no-NO"), declared(None), declared("x-default")
    ('nb', None, None)
    """
    try:
        return short(tag) if tag else None
    except ValueError:
        return None
