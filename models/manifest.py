"""The models on disk: which there are, and which answers which task in which language."""

import hashlib
import tomllib
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from schemas.errors import ModelFileError

SHIPPED = Path(__file__).parent / "manifest.toml"
"""The manifest of the models in this package."""

_STRICT = ConfigDict(frozen=True, extra="forbid")


class ModelEntry(BaseModel):
    """One model: its files with their digests, and where it comes from.

    max_tokens  longest text the model reads, special tokens included; None if it has no tokens
    """

    model_config = _STRICT

    version: str
    file: Path
    sha256: str
    licence: str
    source: str
    card: Path
    tokenizer: Path | None = None
    tokenizer_sha256: str | None = None
    max_tokens: int | None = None


class Route(BaseModel):
    """A task, the model and output that answer it, and the languages (ISO 639) it is good for.

    labels  of a classifying output, in the order of its logits; empty for a vector
    """

    model_config = _STRICT

    task: str
    model: str
    output: str
    labels: tuple[str, ...] = ()
    languages: frozenset[str]


class Manifest(BaseModel):
    """What `manifest.toml` says; files are found beside it."""

    model_config = _STRICT

    folder: Path
    models: dict[str, ModelEntry]
    routes: tuple[Route, ...]

    @cached_property
    def tasks(self) -> tuple[str, ...]:
        """Every task that some model answers."""
        return tuple(dict.fromkeys(route.task for route in self.routes))

    def routes_for(self, language: str) -> list[Route]:
        """The first route of each task that covers a language."""
        covering: dict[str, Route] = {}
        for route in self.routes:
            if language in route.languages:
                covering.setdefault(route.task, route)
        return list(covering.values())

    def label(self, model: str) -> str:
        """Name and version, as in `model_versions`.

        >>> read(SHIPPED).label("lid176")
        'lid176-1'
        """
        return f"{model}-{self.entry(model).version}"

    def entry(self, model: str) -> ModelEntry:
        """What the manifest says of a model. Raises ModelFileError."""
        try:
            return self.models[model]
        except KeyError:
            raise ModelFileError(
                f"{self.folder}/manifest.toml has no model {model}; it has "
                f"{', '.join(sorted(self.models))}"
            ) from None

    def model_file(self, model: str) -> Path:
        """Path of a model's file, its digest checked. Raises ModelFileError."""
        entry = self.entry(model)
        return self._verified(entry.file, entry.sha256)

    def tokenizer_file(self, model: str) -> Path:
        """Path of a model's tokenizer, its digest checked. Raises ModelFileError."""
        entry = self.entry(model)
        if entry.tokenizer is None or entry.tokenizer_sha256 is None:
            raise ModelFileError(f"model {model} has no tokenizer in {self.folder}/manifest.toml")
        return self._verified(entry.tokenizer, entry.tokenizer_sha256)

    def _verified(self, file: Path, sha256: str) -> Path:
        path = self.folder / file
        try:
            with path.open("rb") as content:
                found = hashlib.file_digest(content, "sha256").hexdigest()
        except OSError as error:
            raise ModelFileError(f"model file {path} cannot be read: {error.strerror}") from error
        if found != sha256:
            raise ModelFileError(
                f"model file {path} has sha256 {found}, but the manifest expects {sha256}; "
                "restore the file or release a new version in the manifest"
            )
        return path


def read(path: Path) -> Manifest:
    """The manifest in a file. Raises ModelFileError."""
    try:
        manifest = Manifest.model_validate(
            tomllib.loads(path.read_text("utf-8")) | {"folder": path.parent}
        )
    except OSError as error:
        raise ModelFileError(f"manifest {path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, not TOML, or not a manifest
        raise ModelFileError(f"manifest {path}: {error}") from error
    for route in manifest.routes:
        if route.model not in manifest.models:
            raise ModelFileError(
                f"manifest {path}: task {route.task} names model {route.model}, which is not there"
            )
    return manifest
