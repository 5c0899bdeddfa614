"""A text in, every task's answer out."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cachetools import TTLCache

from models.adapters import AdapterSession
from models.batching import BatchPolicy
from models.encoder import Outputs, Tokens
from models.generative import Endpoint, Summarizer
from models.heads import HEADS, FoundEntity, Head, HeadOptions, Reading
from models.language import HEAD_CHARACTERS, LANGUAGE_MODEL, LanguageDetector
from models.manifest import Manifest, Route
from models.micro_batcher import MicroBatcher
from models.opening import encoder_on, open_session
from models.session import FallbackSession, providers
from models.tags import Name, Tagger, read_frequencies, stop_words
from models.text import ArticleText
from schemas.enriched_article import Language
from schemas.errors import InferenceError, ModelFileError

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
class AnalyzerConfig:
    """How models are run; units as in the job's settings.

    summarizer  writes summaries in place of the extractive ones; None for nobody
    """

    provider: str
    threads: int
    streams: int
    batch: BatchPolicy
    cache_entries: int
    cache_ttl_s: int
    language_min_confidence: float
    language_high_accuracy: bool
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


class Analyzer:
    """Language, one encoder pass and the heads, behind a cache; concurrent calls share batches.

    Lives on one event loop. Equal texts are answered once while their answer is kept; a text that
    is being analysed is not analysed a second time.
    """

    def __init__(self, manifest: Manifest, config: AnalyzerConfig) -> None:
        self._manifest = manifest
        self._heads = {
            (route.head, route.model, route.output): _open_head(manifest, route, config.heads)
            for route in manifest.job_routes
        }
        self._languages = LanguageDetector(
            manifest.model_file(LANGUAGE_MODEL),
            min_confidence=config.language_min_confidence,
            high_accuracy=config.language_high_accuracy,
        )
        self._language_version = (
            f"{manifest.label(LANGUAGE_MODEL)}+{self._languages.second_opinion}"
        )
        self.sessions: dict[str, FallbackSession | AdapterSession] = {
            model: open_session(
                manifest,
                model,
                providers(config.provider),
                threads=config.threads,
                streams=config.streams,
            )
            for model in dict.fromkeys(route.model for route in manifest.job_routes)
        }
        self.encoders = {
            model: encoder_on(session, manifest, model) for model, session in self.sessions.items()
        }
        self.batchers: dict[str, MicroBatcher[Tokens, Outputs]] = {
            model: MicroBatcher(
                encoder.run, length=len, policy=config.batch, streams=config.streams
            )
            for model, encoder in self.encoders.items()
        }
        self._known: TTLCache[str, asyncio.Future[Analysis]] = TTLCache(
            config.cache_entries, config.cache_ttl_s
        )
        self._summarizer = Summarizer(config.summarizer) if config.summarizer else None
        self._tagger = Tagger(read_frequencies(manifest.model_file(WORD_FREQUENCIES)))
        self._most_tags = config.heads.tags
        self.stats = AnalyzerStats(uncovered_tasks=dict.fromkeys(manifest.tasks, 0))

    async def analyze(self, text: ArticleText) -> Analysis:
        """The analysis of a text. Raises InferenceError when a model fails on it."""
        self.stats.texts += 1
        key = text.content_hash
        while (known := self._known.get(key)) is not None:
            if not known.done():
                await asyncio.wait([known])
            if known.cancelled():  # whoever computed it has gone
                continue
            analysis = known.result()
            self.stats.cache_hits += 1
            return analysis
        return await self._remember(key, text)

    def warm_up(self) -> None:
        """Run every graph once: the first text does not pay for compilation, and a graph that does
        not answer as the manifest says is found at once. Raises ModelFileError.
        """
        for model, encoder in self.encoders.items():
            (answer,) = encoder.run([encoder.tokenize("warm up")])
            if isinstance(answer, InferenceError):
                raise ModelFileError(f"model {model} fails on a plain text: {answer.detail}")
            for route in self._manifest.routes:
                if route.model == model:
                    _check_answer(route, answer)

    def close(self) -> None:
        """End the inference threads."""
        for batcher in self.batchers.values():
            batcher.close()

    async def _remember(self, key: str, text: ArticleText) -> Analysis:
        """Compute an analysis that others may wait for; failures are not kept."""
        answer: asyncio.Future[Analysis] = asyncio.get_running_loop().create_future()
        if self._known.maxsize:
            self._known[key] = answer
        try:
            analysis = await self._compute(text)
        except BaseException as error:
            if self._known.get(key) is answer:
                del self._known[key]
            if isinstance(error, Exception):
                answer.set_exception(error)
                answer.exception()  # seen: the caller raises it, too
            else:
                answer.cancel()
            raise
        answer.set_result(analysis)
        return analysis

    async def _compute(self, text: ArticleText) -> Analysis:
        language = self._languages.detect(text.head(HEAD_CHARACTERS))
        routes = self._manifest.routes_for(language.code)
        for task in self._manifest.tasks:
            if all(route.task != task for route in routes):
                self.stats.uncovered_tasks[task] += 1
        models = list(dict.fromkeys(route.model for route in routes))
        readings = dict(zip(models, await self._read(models, text, language.code), strict=True))
        answers: dict[str, Any] = {}
        for route in routes:
            answers |= self._heads[route.head, route.model, route.output](readings[route.model])
        answers |= self._tags_of(text, language.code, answers.get("entities", ()))
        versions = {route.task: self._manifest.label(route.model) for route in routes}
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
        heads = [text.head(self.encoders[model].max_characters) for model in models]
        tokens = [
            self.encoders[model].tokenize(head) for model, head in zip(models, heads, strict=True)
        ]
        outputs = await asyncio.gather(
            *(self.batchers[model].submit(read) for model, read in zip(models, tokens, strict=True))
        )
        return [
            Reading(text, *of_model, language=language)
            for of_model in zip(heads, tokens, outputs, strict=True)
        ]


def _check_answer(route: Route, answer: Outputs) -> None:
    """Raises ModelFileError where a graph does not answer as its route says."""
    if route.output not in answer:
        raise ModelFileError(
            f"task {route.task} names output {route.output} of model {route.model}, "
            f"which has {', '.join(answer)}"
        )
    columns = answer[route.output].shape[-1]
    if route.labels and columns != len(route.labels):
        raise ModelFileError(
            f"task {route.task} has {len(route.labels)} labels, but output {route.output} of "
            f"model {route.model} has {columns} columns"
        )


def _open_head(manifest: Manifest, route: Route, options: HeadOptions) -> Head:
    if route.task not in HEADS:
        raise ModelFileError(
            f"manifest routes task {route.task}, but there are heads only for "
            f"{', '.join(sorted(HEADS))}"
        )
    return HEADS[route.task](manifest, route, options)
