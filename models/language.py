"""Which language a text is written in.

Two detectors: fastText's compressed lid.176 (Joulin et al., 2016) settles most texts in
microseconds; on those it is not sure of Lingua, which is right more often among rare languages and
a hundred times slower, is heard as well. `models/language_id/MODEL_CARD.md` has the measurements.
"""

import math
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import fasttext
from lingua import Language as LinguaLanguage
from lingua import LanguageDetectorBuilder

from schemas.enriched_article import UNDETERMINED, Language

LANGUAGE_MODEL = "lid176"
"""The manifest's entry for language detection."""

HEAD_CHARACTERS = 300
"""Characters that are looked at; more do not change the answer."""

_SURE = 0.9
_CANDIDATES = 20
"""Of fastText, the likeliest, that are weighed against Lingua's."""
_LEAST_FAST = 1e-3
_LEAST_THOROUGH = 1e-6
"""Probability of a language that a detector does not name."""
_TOLD = 20.0
"""Times as likely a language becomes that the sender of a text tells."""
_LABEL = "__label__"
_LETTERS_NEEDED = 2


Probabilities = Mapping[str, float]
"""Language code to probability."""


def together(fast: Probabilities, thorough: Probabilities) -> Probabilities:
    """The geometric mean of what two detectors say of each language.

    Lingua holds all its languages for equally likely beforehand, fastText has seen how much is
    written in each: alone, Lingua takes short texts for rarer languages than they are in.

    >>> found = together({"es": 0.6, "gl": 0.2}, {"gl": 0.6, "es": 0.3})
    >>> found["es"] > found["gl"]
    True
    """
    return _normalised(
        {
            code: math.sqrt(
                max(fast.get(code, 0.0), _LEAST_FAST)
                * max(thorough.get(code, 0.0), _LEAST_THOROUGH)
            )
            for code in {**fast, **thorough}
        }
    )


def as_told(found: Probabilities, told: str) -> Probabilities:
    """What was found, knowing which language the sender tells.

    >>> as_told({"de": 0.6, "en": 0.4}, "en")["en"]
    0.93...
    """
    return _normalised({**found, told: found.get(told, 0.0) * _TOLD})


class LanguageDetector:
    """Detects the language of a text; 176 languages, 75 of them by both detectors.

    min_confidence  below it the language is `und`
    high_accuracy   Lingua with all its n-grams: 1.3 GB instead of 0.1 GB; it has the last word
    """

    def __init__(self, model: Path, *, min_confidence: float, high_accuracy: bool) -> None:
        self._fast = fasttext.load_model(str(model))
        builder = LanguageDetectorBuilder.from_all_languages()
        if not high_accuracy:
            builder = builder.with_preloaded_language_models().with_low_accuracy_mode()
        self._thorough = builder.build()
        self._min_confidence = min_confidence
        self._high_accuracy = high_accuracy
        self.second_opinion = f"lingua-{version('lingua-language-detector')}"

    @property
    def codes(self) -> frozenset[str]:
        """Every language that can be the answer, `und` aside."""
        labels, _ = self._fast.predict("a", k=-1, threshold=-1.0)
        thorough = (language.iso_code_639_1.name.lower() for language in LinguaLanguage.all())
        return frozenset({*map(fasttext_code, labels), *thorough})

    def detect_fast(self, text: str) -> Language:
        """What fastText alone says, whatever its confidence; for comparison."""
        return _likeliest(self._fast_says(" ".join(text[:HEAD_CHARACTERS].split())))

    def detect(self, text: str, told: str | None = None) -> Language:
        """The language of a text with its probability; `und` with 0 for a text without letters.

        told  code that the sender gives, heard where fastText is not sure
        """
        head = " ".join(text[:HEAD_CHARACTERS].split())
        if sum(map(str.isalpha, head)) < _LETTERS_NEEDED:
            return Language(code=UNDETERMINED, confidence=0.0)
        found = _likeliest(self._says(head, told))
        if found.confidence < self._min_confidence:
            return Language(code=UNDETERMINED, confidence=found.confidence)
        return found

    def _says(self, head: str, told: str | None) -> Probabilities:
        fast = self._fast_says(head)
        if max(fast.values()) >= _SURE:
            return fast
        found = fast
        if thorough := self._thorough_says(head):
            found = thorough if self._high_accuracy else together(fast, thorough)
        return as_told(found, told) if told else found

    def _fast_says(self, head: str) -> Probabilities:
        """Of fastText's likeliest languages."""
        labels, probabilities = self._fast.predict(head, k=_CANDIDATES, threshold=-1.0)
        return {
            fasttext_code(label): min(1.0, float(probability))
            for label, probability in zip(labels, probabilities, strict=True)
        }

    def _thorough_says(self, head: str) -> Probabilities:
        """Of the languages that Lingua thinks possible; empty for letters that it does not know."""
        return {
            found.language.iso_code_639_1.name.lower(): found.value
            for found in self._thorough.compute_language_confidence_values(head)
            if found.value > 0.0
        }


def _likeliest(probabilities: Probabilities) -> Language:
    code = max(probabilities, key=probabilities.__getitem__)
    return Language(code=code, confidence=probabilities[code])


def _normalised(scores: Probabilities) -> Probabilities:
    whole = sum(scores.values())
    return {code: score / whole for code, score in scores.items()}


def fasttext_code(label: str) -> str:
    """Language code in one of fastText's labels.

    >>> fasttext_code("__label__no"), fasttext_code("__label__ceb")
    ('nb', 'ceb')
    """
    code = label.removeprefix(_LABEL)
    return _BOKMAL.get(code, code)


_BOKMAL = {"no": "nb"}
"""fastText says `no` where Lingua tells Bokmål (nb) from Nynorsk (nn)."""
