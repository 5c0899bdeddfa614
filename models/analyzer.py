"""A text in, every task's answer out."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cachetools import TTLCache

from models.batching import BatchPolicy
from models.encoder import Encoder, Outputs, TokenIds
from models.heads import HEADS
from models.language import HEAD_CHARACTERS, LanguageDetector
from models.manifest import Manifest, Route
from models.micro_batcher import MicroBatcher
from models.session import FallbackSession, OnnxSession, providers
from models.text import ArticleText
from schemas.enriched_article import Language
from schemas.errors import InferenceError, ModelFileError

LANGUAGE_MODEL = "lid176"
"""The manifest's entry for language detection."""


@dataclass(frozen=True)
class Analysis:
    """What the models say of a text.

    answers         task to its value; a task that no model covers in this language is absent
    model_versions  task to name and version of the model that answered
    """

    language: Language
    answers: Mapping[str, Any]
    model_versions: Mapping[str, str]


@dataclass(frozen=True)
class AnalyzerConfig:
    """How models are run; units as in the job's settings."""

    provider: str
    threads: int
    streams: int
    batch: BatchPolicy
    cache_entries: int
    cache_ttl_s: int
    language_min_confidence: float
    language_high_accuracy: bool


@dataclass
class AnalyzerStats:
    """What an analyzer has done since it was opened."""

    texts: int = 0
    cache_hits: int = 0
    uncovered_tasks: dict[str, int] = field(default_factory=dict)


class Analyzer:
    """Language, one encoder pass and the heads, behind a cache; concurrent calls share batches.

    Lives on one event loop. Equal texts are answered once while their answer is kept; a text that
    is being analysed is not analysed a second time.
    """

    def __init__(self, manifest: Manifest, config: AnalyzerConfig) -> None:
        for route in manifest.routes:
            if route.task not in HEADS:
                raise ModelFileError(
                    f"manifest routes task {route.task}, but there are heads only for "
                    f"{', '.join(sorted(HEADS))}"
                )
        self._manifest = manifest
        self._languages = LanguageDetector(
            manifest.model_file(LANGUAGE_MODEL),
            min_confidence=config.language_min_confidence,
            high_accuracy=config.language_high_accuracy,
        )
        self._language_version = (
            f"{manifest.label(LANGUAGE_MODEL)}+{self._languages.second_opinion}"
        )
        self.sessions = {
            model: _open_session(manifest, model, config)
            for model in dict.fromkeys(route.model for route in manifest.routes)
        }
        self.encoders = {
            model: _open_encoder(manifest, model, session)
            for model, session in self.sessions.items()
        }
        self.batchers: dict[str, MicroBatcher[TokenIds, Outputs]] = {
            model: MicroBatcher(
                encoder.run, length=len, policy=config.batch, streams=config.streams
            )
            for model, encoder in self.encoders.items()
        }
        self._known: TTLCache[str, asyncio.Future[Analysis]] = TTLCache(
            config.cache_entries, config.cache_ttl_s
        )
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
                if route.model == model and route.output not in answer:
                    raise ModelFileError(
                        f"task {route.task} names output {route.output} of model {model}, "
                        f"which has {', '.join(answer)}"
                    )

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
        pending = {model: self._submit(model, text) for model in {r.model for r in routes}}
        outputs = {model: await answer for model, answer in pending.items()}
        versions = {route.task: self._manifest.label(route.model) for route in routes}
        return Analysis(
            language=language,
            answers={route.task: _answer(route, outputs[route.model]) for route in routes},
            model_versions={"language": self._language_version} | versions,
        )

    def _submit(self, model: str, text: ArticleText) -> "asyncio.Future[Outputs]":
        encoder = self.encoders[model]
        return self.batchers[model].submit(encoder.tokenize(text.head(encoder.max_characters)))


def _open_session(manifest: Manifest, model: str, config: AnalyzerConfig) -> FallbackSession:
    open_on = partial(
        OnnxSession,
        manifest.model_file(model),
        threads=config.threads,
        streams=config.streams,
    )
    return FallbackSession(open_on, providers(config.provider))


def _open_encoder(manifest: Manifest, model: str, session: FallbackSession) -> Encoder:
    max_tokens = manifest.entry(model).max_tokens
    if max_tokens is None:
        raise ModelFileError(f"model {model} has no max_tokens in {manifest.folder}/manifest.toml")
    return Encoder(session, manifest.tokenizer_file(model), max_tokens=max_tokens)


def _answer(route: Route, outputs: Outputs) -> Any:
    return HEADS[route.task](outputs[route.output])
