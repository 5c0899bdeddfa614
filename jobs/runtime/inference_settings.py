"""Knobs of a job that runs models on texts."""

from collections import ChainMap
from enum import StrEnum
from pathlib import Path

from pydantic import Field

from jobs.runtime.settings import AbsolutePath, JobSettings
from models.batching import BatchPolicy
from models.inference_config import InferenceConfig
from models.manifest import SHIPPED, read


class ProviderChoice(StrEnum):
    """Where models run; `auto` takes the first that this machine has: CUDA, OpenVINO, CPU."""

    AUTO = "auto"
    CUDA = "cuda"
    OPENVINO = "openvino"
    CPU = "cpu"


class LanguageAccuracy(StrEnum):
    """How hard the language detector looks at texts that are not plain at first sight."""

    FAST = "fast"
    HIGH = "high"


class InferenceSettings(JobSettings):
    """Knobs of a job that runs models on texts."""

    models_manifest: AbsolutePath | None = Field(
        default=None,
        description="manifest.toml of models of your own, on every worker and where the job is "
        "submitted; unset: the shipped ones",
    )
    inference_provider: ProviderChoice = Field(
        default=ProviderChoice.AUTO, description="auto, cuda, openvino or cpu"
    )
    inference_threads: int = Field(
        default=2, gt=0, description="CPU threads of one inference process"
    )
    inference_streams: int = Field(
        default=2,
        gt=0,
        description="batches in work at once, sharing the threads; 1 answers a lone text sooner",
    )
    batch_max_tokens: int = Field(
        default=4096, gt=0, description="tokens in a batch, padding included"
    )
    batch_max_count: int = Field(default=32, gt=0, description="texts in a batch")
    batch_deadline_ms: float = Field(
        default=2.0, ge=0, description="milliseconds the oldest text waits for company"
    )
    in_flight_max: int = Field(
        default=1024, gt=0, description="texts in work at once; at least 2 x the bundle size"
    )
    cache_entries: int = Field(
        default=20_000, ge=0, description="texts whose answers are kept, 25 kB each; 0 keeps none"
    )
    cache_ttl_s: int = Field(default=6 * 3600, gt=0, description="seconds an answer is kept")
    language_accuracy: LanguageAccuracy = Field(
        default=LanguageAccuracy.FAST,
        description="fast (0.1 GB) or high (1.3 GB and slower, better on short texts)",
    )
    language_min_confidence: float = Field(
        default=0.5, ge=0, le=1, description="below it a text's language is und"
    )
    non_commercial_models: bool = Field(
        default=False,
        description="also answer with models whose training data forbids commercial use",
    )
    future_tolerance_s: int = Field(
        default=3600, ge=0, description="seconds a text may be published after its arrival"
    )

    def manifest(self) -> Path:
        """The manifest of the models; one that cannot be used, or a file that is not the one it
        names, stops the submission: a worker would restart for ever. Raises ModelFileError.
        """
        path = self.models_manifest or SHIPPED
        found = read(path)
        pinned = [entry.pinned_files for entry in found.models.values()]
        for file, sha256 in dict(ChainMap(*pinned)).items():
            found.verified(file, sha256)
        return path

    def inference(self) -> InferenceConfig:
        """How models are run."""
        return InferenceConfig(
            provider=self.inference_provider,
            threads=self.inference_threads,
            streams=self.inference_streams,
            batch=BatchPolicy(
                self.batch_max_tokens, self.batch_max_count, self.batch_deadline_ms / 1000
            ),
            cache_entries=self.cache_entries,
            cache_ttl_s=self.cache_ttl_s,
            language_min_confidence=self.language_min_confidence,
            language_high_accuracy=self.language_accuracy is LanguageAccuracy.HIGH,
        )
