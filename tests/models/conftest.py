"""The shipped models, opened once."""

import pytest

from models.encoder import Encoder
from models.language import LanguageDetector
from models.manifest import SHIPPED, Manifest, read
from models.session import OnnxSession, providers


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    return read(SHIPPED)


@pytest.fixture(scope="session")
def minilm(manifest: Manifest) -> Encoder:
    session = OnnxSession(manifest.model_file("minilm"), providers("auto")[0], threads=2)
    return Encoder(session, manifest.tokenizer_file("minilm"), max_tokens=256)


@pytest.fixture(scope="session")
def detector(manifest: Manifest) -> LanguageDetector:
    return LanguageDetector(manifest.model_file("lid176"), min_confidence=0.5, high_accuracy=False)
