"""Which language a text is written in.

Two detectors: fastText's compressed lid.176 (Joulin et al., 2016) settles most texts in
microseconds; those it is not sure of go to Lingua, which is right more often and a hundred times
slower. `models/language_id/MODEL_CARD.md` has the measurements.
"""

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
_LABEL = "__label__"
_LETTERS_NEEDED = 2


class LanguageDetector:
    """Detects the language of a text; 176 languages, 75 of them by both detectors.

    min_confidence  below it the language is `und`
    high_accuracy   Lingua with all its n-grams: 1.3 GB instead of 0.1 GB
    """

    def __init__(self, model: Path, *, min_confidence: float, high_accuracy: bool) -> None:
        self._fast = fasttext.load_model(str(model))
        builder = LanguageDetectorBuilder.from_all_languages()
        if not high_accuracy:
            builder = builder.with_preloaded_language_models().with_low_accuracy_mode()
        self._thorough = builder.build()
        self._min_confidence = min_confidence
        self.second_opinion = f"lingua-{version('lingua-language-detector')}"

    @property
    def codes(self) -> frozenset[str]:
        """Every language that can be the answer, `und` aside."""
        labels, _ = self._fast.predict("a", k=-1, threshold=-1.0)
        thorough = (language.iso_code_639_1.name.lower() for language in LinguaLanguage.all())
        return frozenset({*map(fasttext_code, labels), *thorough})

    def detect_fast(self, text: str) -> Language:
        """What fastText alone says, whatever its confidence; for comparison."""
        return self._detect_fast(" ".join(text[:HEAD_CHARACTERS].split()))

    def detect(self, text: str) -> Language:
        """The language of a text with its probability; `und` with 0 for a text without letters."""
        head = " ".join(text[:HEAD_CHARACTERS].split())
        if sum(map(str.isalpha, head)) < _LETTERS_NEEDED:
            return Language(code=UNDETERMINED, confidence=0.0)
        found = self._detect_fast(head)
        if found.confidence < _SURE:
            found = self._detect_thoroughly(head) or found
        if found.confidence < self._min_confidence:
            return Language(code=UNDETERMINED, confidence=found.confidence)
        return found

    def _detect_fast(self, head: str) -> Language:
        (label, *_), (probability, *_) = self._fast.predict(head)
        return Language(code=fasttext_code(label), confidence=min(1.0, probability))

    def _detect_thoroughly(self, head: str) -> Language | None:
        best = self._thorough.compute_language_confidence_values(head)[0]
        if best.value == 0.0:
            return None
        return Language(code=best.language.iso_code_639_1.name.lower(), confidence=best.value)


def fasttext_code(label: str) -> str:
    """Language code in one of fastText's labels.

    >>> fasttext_code("__label__no"), fasttext_code("__label__ceb")
    ('nb', 'ceb')
    """
    code = label.removeprefix(_LABEL)
    return _BOKMAL.get(code, code)


_BOKMAL = {"no": "nb"}
"""fastText says `no` where Lingua tells Bokmål (nb) from Nynorsk (nn)."""
