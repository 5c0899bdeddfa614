"""A head's texts to the models that its routes name, by the texts' languages."""

from collections.abc import Sequence
from functools import cached_property

from models.encoder import Outputs, Tokens
from models.language import LANGUAGE_MODEL, LanguageDetector
from models.manifest import Manifest, Route
from models.text_models import open_texts


class RoutedLanguages:
    """Which languages texts are in that do not say so, where several models answer for a head."""

    def __init__(self, manifest: Manifest, routes: Sequence[Route]) -> None:
        self._manifest = manifest
        self._several = len({route.languages for route in routes}) > 1

    def told(self, texts: Sequence[str], languages: Sequence[str | None]) -> list[str | None]:
        """The languages as they were told, those that are None detected, each text alone."""
        if not self._several or LANGUAGE_MODEL not in self._manifest.models:
            return list(languages)
        return [
            self._detector.detect(text).code if language is None else language
            for text, language in zip(texts, languages, strict=True)
        ]

    @cached_property
    def _detector(self) -> LanguageDetector:
        model = self._manifest.model_file(LANGUAGE_MODEL)
        return LanguageDetector(model, min_confidence=0.0, high_accuracy=False)


class Routed:
    """The models of a head's routes; a row goes to the first route that covers its language."""

    def __init__(self, manifest: Manifest, routes: Sequence[Route]) -> None:
        self._routes = routes
        names = dict.fromkeys(route.model for route in routes)
        self._models = {name: open_texts(manifest, name) for name in names}
        self._languages = RoutedLanguages(manifest, routes)

    def read(
        self, texts: Sequence[str], languages: Sequence[str | None]
    ) -> list[tuple[Route, Tokens, Outputs] | None]:
        """Route, tokens and outputs of each text; None in a language that no route covers."""
        found: list[tuple[Route, Tokens, Outputs] | None] = [None] * len(texts)
        chosen = [self._route(language) for language in self._languages.told(texts, languages)]
        for route in self._routes:
            rows = [i for i, of_row in enumerate(chosen) if of_row is route]
            if rows:
                answers = self._models[route.model].read([texts[i] for i in rows])
                for row, (tokens, outputs) in zip(rows, answers, strict=True):
                    found[row] = route, tokens, outputs
        return found

    def tokens(self, text: str) -> int:
        """Tokens that the first model makes of a text."""
        return self._models[self._routes[0].model].tokens(text)

    def _route(self, language: str | None) -> Route | None:
        if language is None:
            return self._routes[0]
        return next((route for route in self._routes if language in route.languages), None)
