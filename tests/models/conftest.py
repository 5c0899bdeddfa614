"""The shipped models, opened once, and small ones made here."""

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from models.analyzer import WORD_FREQUENCIES
from models.encoder import Encoder
from models.language import LANGUAGE_MODEL, LanguageDetector
from models.manifest import SHIPPED, Manifest, ModelEntry, Route, read
from models.opening import open_encoder

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    return read(SHIPPED)


@pytest.fixture(scope="session")
def embedding_route(manifest: Manifest) -> Route:
    """The route by which the jobs embed English texts."""
    return next(route for route in manifest.routes_for("en") if route.task == "embedding")


@pytest.fixture(scope="session")
def sentence_encoder(manifest: Manifest, embedding_route: Route) -> Encoder:
    return open_encoder(manifest, embedding_route.model, threads=2)


@pytest.fixture(scope="session")
def detector(manifest: Manifest) -> LanguageDetector:
    return LanguageDetector(
        manifest.model_file(LANGUAGE_MODEL), min_confidence=0.5, high_accuracy=False
    )


@pytest.fixture(scope="session")
def letters_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer of BERT's kind whose word pieces are ASCII characters."""
    characters = [chr(code) for code in range(33, 127)]
    vocabulary = SPECIAL + characters + [f"##{character}" for character in characters]
    tokenizer = Tokenizer(
        WordPiece({piece: i for i, piece in enumerate(vocabulary)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    file = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.save(str(file))
    return file


@pytest.fixture(scope="session")
def small_manifest(letters_tokenizer: Path, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """A model `small` that embeds English texts; its graph, like the language model, is a fake."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "fake").write_bytes(b"no graph")
    with gzip.open(folder / "frequencies.tsv.gz", "wt") as table:
        table.write("en\tbridge\t20\n")

    def entry(file: Path, tokenizer: Path | None = None) -> ModelEntry:
        return ModelEntry(
            version="1.2",
            file=file,
            sha256=digest(file),
            licence="Apache-2.0",
            source="made by the tests",
            card=Path("CARD.md"),
            tokenizer=tokenizer,
            tokenizer_sha256=digest(tokenizer) if tokenizer else None,
            max_tokens=64 if tokenizer else None,
        )

    models = {
        LANGUAGE_MODEL: entry(folder / "fake"),
        WORD_FREQUENCIES: entry(folder / "frequencies.tsv.gz"),
        "small": entry(folder / "fake", letters_tokenizer),
    }
    route = Route(
        task="embedding",
        head="embedding",
        model="small",
        output="sentence_embedding",
        languages=frozenset({"en"}),
    )
    return Manifest(folder=folder, models=models, routes=(route,))


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture(scope="session")
def sha256() -> Callable[[Path], str]:
    """The digest of a file, as a manifest pins it."""
    return digest
