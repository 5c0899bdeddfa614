"""A text in, every task's answer out."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from models.generative import Endpoint, Summarizer
from models.heads import HEADS, FoundEntity, Head, HeadOptions, Reading
from models.inference import Inference
from models.inference_config import InferenceConfig
from models.language import HEAD_CHARACTERS
from models.manifest import Manifest, Route
from models.tags import Name, Tagger, read_frequencies, stop_words
from models.text import ArticleText
from schemas.enriched_article import Language
from schemas.errors import ModelFileError

SUMMARIZED_CHARACTERS = 8_000
"""Of a body that is sent to a summarizing endpoint."""

WORD_FREQUENCIES = "word_frequencies"
"""The manifest's entry for how common words are."""


@dataclass(frozen=True)
class Analysis:
    """What the models say of a text.

    answers         field of an enriched article to its value; a field that no model answers in
                    this language is absent, `entities` are models.heads.FoundEntity
    model_versions  task to name and version of the model that answered
    """

    language: Language
    answers: Mapping[str, Any]
    model_versions: Mapping[str, str]


@dataclass(frozen=True)
class AnalyzerConfig(InferenceConfig):
    """How models are run, and what their heads tell.

    summarizer  writes summaries in place of the extractive ones; None for nobody
    """

    heads: HeadOptions
    summarizer: Endpoint | None = None


@dataclass
class AnalyzerStats:
    """What an analyzer has done since it was opened."""

    texts: int = 0
    cache_hits: int = 0
    summaries_generated: int = 0
    summaries_refused: int = 0
    uncovered_tasks: dict[str, int] = field(default_factory=dict)


class Analyzer(Inference[Analysis]):
    """Language, one encoder pass and the heads, behind a cache; concurrent calls share batches.

    Lives on one event loop. Equal texts are answered once while their answer is kept; a text that
    is being analysed is not analysed a second time.
    """

    def __init__(self, manifest: Manifest, config: AnalyzerConfig) -> None:
        super().__init__(manifest, manifest.job_routes, config)
        self._manifest = manifest
        self._heads = {
            (route.head, route.model, route.output): _open_head(manifest, route, config.heads)
            for route in manifest.job_routes
        }
        self._summarizer = Summarizer(config.summarizer) if config.summarizer else None
        self._tagger = Tagger(read_frequencies(manifest.model_file(WORD_FREQUENCIES)))
        self._most_tags = config.heads.tags
        self.stats = AnalyzerStats(uncovered_tasks=dict.fromkeys(manifest.tasks, 0))

    async def analyze(
        self, text: ArticleText, told: str | None = None, *, language: Language | None = None
    ) -> Analysis:
        """The analysis of a text. Raises InferenceError when a model fails on it.

        told      language code that the source declares, heard where detection is unsure
        language  if it is known; else it is detected
        """
        self.stats.texts += 1
        key = f"{language.code if language else ''} {told or ''} {text.content_hash}"
        analysis = await self._known.answer(key, partial(self._compute, text, told, language))
        self.stats.cache_hits = self._known.hits
        return analysis

    async def _compute(
        self, text: ArticleText, told: str | None, known: Language | None
    ) -> Analysis:
        language = known or self._languages.detect(text.head(HEAD_CHARACTERS), told)
        routes = self._manifest.routes_for(language.code)
        for task in self._manifest.tasks:
            if all(route.task != task for route in routes):
                self.stats.uncovered_tasks[task] += 1
        models = list(dict.fromkeys(route.model for route in routes))
        readings = dict(zip(models, await self._read(models, text, language.code), strict=True))
        answers: dict[str, Any] = {}
        for route in routes:
            answers |= self._heads[route.head, route.model, route.output](readings[route.model])
            await _next_of_batch()
        answers |= self._tags_of(text, language.code, answers.get("entities", ()))
        await _next_of_batch()
        versions = {route.task: self._manifest.answered_by(route) for route in routes}
        if self._summarizer is not None and (written := await self._written(text, language.code)):
            answers |= {"summary": written, "summary_method": "generative"}
            versions["summary"] = self._summarizer.model
        return Analysis(
            language=language,
            answers=answers,
            model_versions={"language": self._language_version} | versions,
        )

    def _tags_of(
        self, text: ArticleText, language: str, entities: Sequence[FoundEntity]
    ) -> Mapping[str, Any]:
        """The field `tags`, if there are names or the language has stop words."""
        names = [Name(e.text, e.mention.type, e.mention.score) for e in entities]
        if not names and not stop_words(language):
            return {}
        return {"tags": self._tagger.tags(text.title, text.body, names, language, self._most_tags)}

    async def _written(self, text: ArticleText, language: str) -> str | None:
        """What the endpoint writes of a text; None when that is refused or does not come."""
        if self._summarizer is None or not text.body:
            return None
        body = text.body[:SUMMARIZED_CHARACTERS]
        written = await self._summarizer.summarize(text.title, body, language)
        if written.summary is None:
            self.stats.summaries_refused += 1
        else:
            self.stats.summaries_generated += 1
        return written.summary

    async def _read(self, models: Sequence[str], text: ArticleText, language: str) -> list[Reading]:
        """The text as each of some models reads it, side by side."""
        heads = [(model, text.head(self._passes.characters(model))) for model in models]
        passes = await self._passes.read(heads)
        return [Reading(text, *of_model, language=language) for of_model in passes]


async def _next_of_batch() -> None:
    """Let the other texts of a batch come as far: one after another through the same head, they
    find its code and tables in the processor's caches.
    """
    await asyncio.sleep(0)


def _open_head(manifest: Manifest, route: Route, options: HeadOptions) -> Head:
    if route.task not in HEADS:
        raise ModelFileError(
            f"manifest routes task {route.task}, but there are heads only for "
            f"{', '.join(sorted(HEADS))}"
        )
    return HEADS[route.task](manifest, route, options)
