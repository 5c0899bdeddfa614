"""How fast the graphs are: every file on every provider beside the bare encoder, in one run."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from models.adapters import AdapterSession, word_embeddings
from models.analyzer import AnalyzerConfig
from models.batching import BatchPolicy
from models.encoder import Encoder
from models.heads import HEADS, Reading
from models.manifest import SHIPPED, Manifest
from models.opening import open_encoder
from models.session import Arrays, OnnxSession, Provider, Session
from models.text import ArticleText
from schemas.errors import DeviceLost, InferenceError

LENGTHS = (64, 128, 256)
BARE = SHIPPED.parent / "minilm" / "encoder.int8.onnx"
"""The encoder without heads, which the others are compared with."""
BARE_NAME = "bare encoder"

_TOKENS = (1000, 20_000)
"""Token ids are drawn between these; every shipped vocabulary knows them."""

Progress = Callable[[int], None]
"""Called with the number of rounds done so far."""


@dataclass(frozen=True)
class Contender:
    """One file on one provider.

    most_tokens  longest text it reads
    vocabulary   token ids it knows
    adapter      what is put onto the weights in the file; None: the file is the graph
    words        weights whose word embeddings the graph reads; None: it has its own
    graft        what is put onto the graph; None: nothing
    """

    model: str
    file: Path
    provider: Provider
    most_tokens: int
    vocabulary: int
    adapter: Path | None = None
    words: Path | None = None
    graft: Path | None = None


@dataclass(frozen=True)
class Figure:
    """Median of the rounds; `of_bare` is the share of the bare encoder's on that provider."""

    model: str
    file: str
    provider: str
    length: int
    tokens_per_s: float
    docs_per_s: float
    of_bare: float | None


def contenders(
    manifest: Manifest, providers: Sequence[Provider], floats: Sequence[Path] = ()
) -> list[Contender]:
    """The bare encoder, the graphs of a manifest with their digests checked, and float32 files.

    On CUDA a model's float16 file stands beside its other one.
    """
    found = []
    for provider in providers:
        if BARE.is_file():
            found.append(Contender(BARE_NAME, BARE, provider, max(LENGTHS), _TOKENS[1]))
        for name, entry in manifest.models.items():
            if entry.max_tokens is not None:
                found += _of_model(manifest, name, entry.max_tokens, provider)
        found += [Contender("float32", f, provider, max(LENGTHS), _TOKENS[1]) for f in floats]
    return found


def _of_model(
    manifest: Manifest, name: str, most_tokens: int, provider: Provider
) -> Iterator[Contender]:
    entry, file = manifest.entry(name), manifest.model_file(name)
    vocabulary = int(Tokenizer.from_file(str(manifest.tokenizer_file(name))).get_vocab_size())
    if entry.adapter is not None and entry.adapter_sha256 is not None:
        if provider is Provider.CPU:  # adapters run nowhere else
            adapter = manifest.verified(entry.adapter, entry.adapter_sha256)
            yield Contender(name, file, provider, most_tokens, vocabulary, adapter)
        return
    if provider is Provider.CUDA and entry.gpu_file is not None and entry.gpu_sha256 is not None:
        half = manifest.verified(entry.gpu_file, entry.gpu_sha256)
        yield Contender(name, half, provider, most_tokens, vocabulary)
    if file != BARE:
        plain = Contender(
            name, file, provider, most_tokens, vocabulary, words=manifest.words_file(name)
        )
        graft = manifest.graft_file(name)
        if graft is not None:
            yield replace(plain, graft=graft)
            plain = replace(plain, model=f"{name}, no graft")
        yield plain


def measure(
    contenders: Sequence[Contender],
    *,
    config: AnalyzerConfig,
    repeats: int,
    seconds: float,
    progress: Progress,
) -> list[Figure]:
    """Every contender at every length, `repeats` rounds of `seconds`, all of a round in turn.

    Batches are as large as the job makes them, and as many run at once.
    """
    races = []
    for contender in contenders:
        try:
            session = _open(contender, config)
        except DeviceLost:  # the provider is installed, but this machine has no device for it
            continue
        races += [
            _Race(contender, session, length, config.batch, config.streams)
            for length in LENGTHS
            if length <= contender.most_tokens
        ]
    for race in races:
        race.set_up(seconds)
    for repeat in range(repeats):
        for number, race in enumerate(races, start=1):
            race.run()
            progress(repeat * len(races) + number)
    bare = {
        (race.contender.provider, race.length): race.docs_per_s
        for race in races
        if race.contender.model == BARE_NAME
    }
    return [race.figure(bare) for race in races]


def rounds(contenders: Sequence[Contender], repeats: int) -> int:
    """How many rounds `measure` will run.

    >>> rounds([Contender("m", BARE, Provider.CPU, 128, 30_522)], repeats=5)
    10
    """
    return repeats * sum(sum(n <= c.most_tokens for n in LENGTHS) for c in contenders)


def decoding_us(
    manifest: Manifest, texts: Sequence[ArticleText], *, config: AnalyzerConfig, repeats: int
) -> dict[str, float]:
    """What each head's Python costs a document in English: microseconds, median of the repeats."""
    costs = {}
    read: dict[str, list[Reading]] = {}
    for route in manifest.routes_for("en"):
        if route.model not in read:
            encoder = open_encoder(manifest, route.model, threads=config.threads)
            read[route.model] = [_reading(encoder, text) for text in texts]
        head = HEADS[route.task](manifest, route, config.heads)
        taken = []
        for _ in range(repeats):
            started = time.perf_counter()
            for reading in read[route.model]:
                head(reading)
            taken.append((time.perf_counter() - started) / len(texts))
        costs[route.head] = statistics.median(taken) * 1e6
    return costs


class _Race:
    """One contender at one length, and how long its rounds took."""

    def __init__(
        self,
        contender: Contender,
        session: Session,
        length: int,
        policy: BatchPolicy,
        streams: int,
    ) -> None:
        self.contender = contender
        self.length = length
        self._session = session
        self._streams = streams
        self._texts = max(1, min(policy.max_count, policy.max_tokens // length))
        self._inputs = _inputs(session, self._texts, length, contender.vocabulary)
        self._batches = streams
        self._rates: list[float] = []

    @property
    def docs_per_s(self) -> float:
        return statistics.median(self._rates)

    def set_up(self, seconds: float) -> None:
        """Compile, warm up, and find out how many batches fill a round."""
        self._take(self._batches)
        fastest = min(self._take(self._batches) for _ in range(2))
        self._batches *= max(1, round(seconds / fastest))

    def run(self) -> None:
        self._rates.append(self._batches * self._texts / self._take(self._batches))

    def figure(self, bare: Mapping[tuple[Provider, int], float]) -> Figure:
        reference = bare.get((self.contender.provider, self.length))
        return Figure(
            model=self.contender.model,
            file=self.contender.file.name,
            provider=self.contender.provider,
            length=self.length,
            tokens_per_s=self.docs_per_s * self.length,
            docs_per_s=self.docs_per_s,
            of_bare=self.docs_per_s / reference if reference else None,
        )

    def _take(self, batches: int) -> float:
        """Seconds for so many batches, as many at once as there are streams."""
        started = time.perf_counter()
        with ThreadPoolExecutor(self._streams) as pool:
            for done in [pool.submit(self._session.run, self._inputs) for _ in range(batches)]:
                done.result()
        return time.perf_counter() - started


def _inputs(session: Session, texts: int, length: int, vocabulary: int) -> Arrays:
    """What the graph takes, int64 (texts, length) each; nothing is padding."""
    draw = np.random.default_rng(0)
    first, last = min(_TOKENS[0], vocabulary // 2), min(_TOKENS[1], vocabulary)
    of = {"input_ids": draw.integers(first, last, (texts, length))}
    of["attention_mask"] = np.ones((texts, length), np.int64)
    of["word_shapes"] = np.zeros((texts, length), np.int64)
    known = getattr(session, "inputs", tuple(of))  # an adapter's graph takes all of them
    return {name: of[name] for name in known}


def _open(contender: Contender, config: AnalyzerConfig) -> Session:
    if contender.adapter is not None:
        return AdapterSession(contender.adapter, contender.file, threads=config.threads)
    return OnnxSession(
        contender.file,
        contender.provider,
        threads=config.threads,
        streams=config.streams,
        weights=word_embeddings(contender.words) if contender.words else {},
        graft=contender.graft,
    )


def _reading(encoder: Encoder, text: ArticleText) -> Reading:
    head = text.head(encoder.max_characters)
    tokens = encoder.tokenize(head)
    (outputs,) = encoder.run([tokens])
    if isinstance(outputs, InferenceError):
        raise outputs
    return Reading(text, head, tokens, outputs, language="en")
