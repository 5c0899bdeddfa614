"""What every analyzer of texts opens: a detector of languages, models, a cache of answers."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from models.answer_cache import AnswerCache
from models.inference_config import InferenceConfig
from models.language import LANGUAGE_MODEL, LanguageDetector
from models.manifest import Manifest, Route
from models.passes import Passes

Answer = TypeVar("Answer")


class Inference(Generic[Answer]):
    """Base of the analyzers: the models that some routes name, open. Lives on one event loop."""

    def __init__(
        self, manifest: Manifest, routes: Sequence[Route], config: InferenceConfig
    ) -> None:
        self._languages = LanguageDetector(
            manifest.model_file(LANGUAGE_MODEL),
            min_confidence=config.language_min_confidence,
            high_accuracy=config.language_high_accuracy,
        )
        self._language_version = (
            f"{manifest.label(LANGUAGE_MODEL)}+{self._languages.second_opinion}"
        )
        self._passes = Passes(
            manifest,
            routes,
            provider=config.provider,
            threads=config.threads,
            streams=config.streams,
            batch=config.batch,
        )
        self.sessions = self._passes.sessions
        self.encoders = self._passes.encoders
        self.batchers = self._passes.batchers
        self._known: AnswerCache[Answer] = AnswerCache(config.cache_entries, config.cache_ttl_s)

    def warm_up(self) -> None:
        """Run every graph once. Raises ModelFileError for one that does not answer as it should."""
        self._passes.warm_up()

    def close(self) -> None:
        """End the inference threads."""
        self._passes.close()
