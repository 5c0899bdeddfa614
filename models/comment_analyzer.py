"""A comment in, every head's answer out."""

import hashlib
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from models.audience.analysis import CommentAnalysis, Toxicity
from models.comment_heads import HEADS, Head
from models.inference import Inference
from models.inference_config import InferenceConfig
from models.manifest import Manifest, Route, covering, tasks
from schemas.enriched_article import UNDETERMINED, Language
from schemas.errors import ModelFileError


@dataclass
class CommentAnalyzerStats:
    """What an analyzer has done since it was opened.

    uncovered_tasks  task to comments in a language that no model answers it in
    """

    texts: int = 0
    cache_hits: int = 0
    uncovered_tasks: dict[str, int] = field(default_factory=dict)


class CommentAnalyzer(Inference[CommentAnalysis]):
    """Language, one pass of each model that covers it, and the heads, behind a cache; concurrent
    calls share batches. Lives on one event loop.
    """

    def __init__(self, manifest: Manifest, config: InferenceConfig) -> None:
        self._manifest = manifest
        self._routes = manifest.job_routes_about("comments")
        super().__init__(manifest, self._routes, config)
        self._tasks = tasks(self._routes)
        self._heads = {(r.head, r.model, r.output): _open_head(r) for r in self._routes}
        self.stats = CommentAnalyzerStats(uncovered_tasks=dict.fromkeys(self._tasks, 0))

    async def analyze(self, text: str, language: str | None = None) -> CommentAnalysis:
        """The analysis of a comment as it was written. Raises InferenceError.

        language  what the comment's author or platform says it is (ISO 639), heard where detection
                  is unsure; it decides where the detectors cannot tell
        """
        self.stats.texts += 1
        key = hashlib.sha256(f"{language or ''}\n{text}".encode()).hexdigest()
        analysis = await self._known.answer(key, partial(self._compute, text, language))
        self.stats.cache_hits = self._known.hits
        return analysis

    async def _compute(self, text: str, told: str | None) -> CommentAnalysis:
        language = self._languages.detect(text, told)
        if language.code == UNDETERMINED and told is not None:
            language = Language(code=told, confidence=language.confidence)
        routes = covering(self._routes, language.code)
        for task in self._tasks:
            if all(route.task != task for route in routes):
                self.stats.uncovered_tasks[task] += 1
        models = list(dict.fromkeys(route.model for route in routes))
        passes = await self._passes.read(
            [(model, text[: self._passes.characters(model)]) for model in models]
        )
        of_model = dict(zip(models, passes, strict=True))
        fields: dict[str, Any] = {}
        toxicity: dict[str, float] = {}
        for route in routes:
            answer = dict(self._heads[route.head, route.model, route.output](of_model[route.model]))
            toxicity |= answer.pop("toxicity", {})
            fields |= answer
        return CommentAnalysis(
            language=language,
            toxicity=Toxicity(**toxicity) if "overall" in toxicity else None,
            model_versions={"language": self._language_version}
            | {route.task: self._manifest.label(route.model) for route in routes},
            **fields,
        )


def _open_head(route: Route) -> Head:
    if route.task not in HEADS:
        raise ModelFileError(
            f"manifest routes task {route.task} for comments, but there are heads only for "
            f"{', '.join(sorted(HEADS))}"
        )
    return HEADS[route.task](route)
