"""Give the entities of a released encoder a layer of their own on its frozen ones:
python -m training.fit_graft --help.

The encoder has learned from the labelled rows: what it says of them tells little of what it gets
wrong elsewhere, and a graft that learns from them alone gains next to nothing. So the head's own
encoder (`wiredesk train news --only entities/news`) teaches it, too, by the probabilities that it
gives to the labels of those rows and of plain news (Hinton et al., 2015; of a CRF: Wang et al.,
2020).
"""

import copy
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor, nn
from torch.nn import functional

from evaluation.sets import load
from models.adapters import word_embeddings
from models.manifest import SHIPPED, read
from models.opening import encoder_on
from models.session import Array, Arrays, OnnxSession, Provider
from models.word_shapes import shapes_and_words
from training.assemble import assemble
from training.batches import Batches, collate
from training.configuration import encoder_config, head_config
from training.crf import normaliser
from training.entries import digest
from training.examples import UNKNOWN, Example, Reader, Spans
from training.fit import console, inferred, saved
from training.graft import ENTITIES, HIDDEN, INPUTS, Graft, export_graft, tap
from training.manifest_edit import register
from training.network import Network, published_encoder, published_tokenizer
from training.release import route_of
from training.run import alone_directory, directory
from training.tasks import SpanTask, of_words

HEAD = "entities/news"
TEXTS = ("newsmtsc-rw", "sentfin", "huffpost", "sib200")
"""Sets whose training texts are read without their labels: English news."""
MOST_TEXTS = 1300
CHARACTERS = 812
"""Texts are joined up to a length drawn below this: the jobs read articles, too."""
SCALING_TEXTS = 128
EPOCHS = 3
BATCH_TOKENS = 4096
RATE, WARMUP, DECAY = 1.5e-3, 0.1, 0.01
TAUGHT = 0.5
"""What the teacher's probabilities weigh where the labels are known."""
FINE = 0.3
"""What the loss of fine types weighs."""
AVERAGED = 0.99


@dataclass(frozen=True)
class Lesson:
    """A text as the released graph reads it, and what is to be learned from it.

    hidden    float16 (tensors of HIDDEN, tokens, width)
    entities  float32 (tokens, labels), the released logits
    counts    float32 (words, labels) probability of each label
    pairs     float32 (labels + 2, labels + 2) how often one label is expected behind another
    """

    example: Example
    hidden: Array
    entities: Array
    counts: Tensor
    pairs: Tensor

    @property
    def ids(self) -> Sequence[int]:
        """Of its tokens."""
        return self.example.ids

    def __len__(self) -> int:
        return len(self.example)


def plain_examples(reader: Reader, data: Path, most: int) -> list[Example]:
    """Unlabelled texts, some of them joined."""
    texts = dict.fromkeys(
        row.text
        for name in TEXTS
        for row in load(name, "train", data)
        if getattr(row, "lang", None) in (None, "eng_Latn")
    )
    found = (_plain(reader, text) for text in _joined([*texts], np.random.default_rng(1)))
    return list(islice((example for example in found if example is not None), most))


def _joined(texts: Sequence[str], draw: np.random.Generator) -> Iterator[str]:
    parts: list[str] = []
    length = enough = 0
    for i in draw.permutation(len(texts)):
        parts.append(texts[i])
        length += len(texts[i])
        if length >= enough:
            yield " ".join(parts)
            parts, length, enough = [], 0, int(draw.integers(1, CHARACTERS))


def _plain(reader: Reader, text: str) -> Example | None:
    """A text whose labels nobody knows; None if it has no words."""
    encoding = reader.encode(text)
    shapes, words = shapes_and_words(text, encoding.offsets)
    firsts = np.flatnonzero((np.diff(words, prepend=-1) != 0) & (words >= 0))
    unknown = np.full(len(firsts), UNKNOWN)
    return Example(encoding.ids, shapes, Spans(firsts, unknown, unknown)) if len(firsts) else None


def released(session: OnnxSession, examples: list[Example]) -> dict[int, tuple[Array, Array]]:
    """Hidden states and logits of entities as of Lesson, by the id of the example."""
    found: dict[int, tuple[Array, Array]] = {}
    for batch in Batches(examples, BATCH_TOKENS):
        names = ("input_ids", "attention_mask", "word_shapes")
        given = (tensor.numpy() for tensor in collate(batch))
        outputs = session.run(dict(zip(names, given, strict=True)))
        for row, example in enumerate(batch):
            size = len(example)
            tensors = [outputs[name][row, :size].astype(np.float16) for name in HIDDEN]
            found[id(example)] = (np.stack(tensors), outputs[ENTITIES][row, :size])
    return found


def lessons(session: OnnxSession, teacher: Network, examples: list[Example]) -> list[Lesson]:
    """What a tapped graph and a teacher say of texts, and the labels where they are known."""
    given = released(session, examples)
    found = []
    for batch, said in inferred(teacher, examples):
        spans = [example.target for example in batch]
        emissions, mask = of_words(said[ENTITIES], spans)
        counts, pairs = expected(emissions, mask, said["entity_transitions"])
        for row, example in enumerate(batch):
            of_text, of_pairs = counts[row, : len(example.target.words)], pairs[row]
            if (example.target.chunk != UNKNOWN).all():
                known, known_pairs = observed(example.target.chunk, of_text.shape[1])
                of_text = TAUGHT * of_text + (1 - TAUGHT) * known
                of_pairs = TAUGHT * of_pairs + (1 - TAUGHT) * known_pairs
            found.append(Lesson(example, *given[id(example)], of_text, of_pairs))
    return found


def expected(emissions: Tensor, mask: Tensor, transitions: Tensor) -> tuple[Tensor, Tensor]:
    """How often a CRF expects each label at each word, and each label behind each other one, of
    every text: the gradients of its normaliser.

    transitions  float32 (batch, labels + 2, labels + 2)
    """
    with torch.inference_mode(mode=False), torch.enable_grad():
        logits, steps = (t.clone().requires_grad_(True) for t in (emissions, transitions))
        total = normaliser(logits, mask.clone(), steps).sum()
        counts, pairs = torch.autograd.grad(total, (logits, steps))
    return counts, pairs


def observed(chunk: np.ndarray, labels: int) -> tuple[Tensor, Tensor]:
    """The same of labels that are known."""
    counts = functional.one_hot(torch.from_numpy(chunk), labels).float()
    path = np.concatenate(([labels], chunk, [labels + 1]))
    pairs = torch.zeros(labels + 2, labels + 2)
    pairs.index_put_(
        (torch.from_numpy(path[:-1]), torch.from_numpy(path[1:])),
        torch.ones(len(path) - 1),
        accumulate=True,
    )
    return counts, pairs


def answered(graft: Graft, batch: Sequence[Lesson]) -> tuple[Tensor, Tensor, Tensor]:
    """Labels and fine types of each word's first token, and the words' mask."""
    _, mask, shapes = collate([lesson.example for lesson in batch])
    size = mask.shape[1]
    hidden = np.zeros((len(HIDDEN), len(batch), size, batch[0].hidden.shape[2]), np.float32)
    entities = np.zeros((len(batch), size, batch[0].entities.shape[1]), np.float32)
    for row, lesson in enumerate(batch):
        hidden[:, row, : len(lesson)] = lesson.hidden
        entities[row, : len(lesson)] = lesson.entities
    with torch.autocast("cpu", dtype=torch.bfloat16):
        labels, _, types = graft(
            mask, shapes, torch.from_numpy(entities), *torch.from_numpy(hidden)
        )
    spans = [lesson.example.target for lesson in batch]
    logits, words = of_words(labels.float(), spans)
    return logits, of_words(types.float(), spans)[0], words


def loss_of(graft: Graft, batch: Sequence[Lesson]) -> Tensor:
    """Cross-entropy of the expected paths, a word; and that of the fine types that are known."""
    logits, types, words = answered(graft, batch)
    counts, fine = torch.zeros_like(logits), torch.full(words.shape, UNKNOWN)
    for row, lesson in enumerate(batch):
        counts[row, : len(lesson.counts)] = lesson.counts
        fine[row, : len(lesson.counts)] = torch.from_numpy(lesson.example.target.fine)
    pairs = torch.stack([lesson.pairs for lesson in batch]).sum(0)
    total = normaliser(logits, words, graft.transitions[None]).sum()
    loss = (total - (counts * logits).sum() - (pairs * graft.transitions).sum()) / words.sum()
    if bool((fine != UNKNOWN).any()):
        known = functional.cross_entropy(types.flatten(0, 1), fine.flatten(), ignore_index=UNKNOWN)
        loss = loss + FINE * known
    return loss


def fit(graft: Graft, given: Sequence[Lesson], epochs: int, seed: int) -> Graft:
    """Teach a graft; the running mean of its weights."""
    torch.manual_seed(seed)
    batches = Batches(list(given), BATCH_TOKENS, np.random.default_rng(seed))
    mean = copy.deepcopy(graft)
    optimizer = torch.optim.AdamW(graft.parameters(), lr=RATE, weight_decay=DECAY)
    total = epochs * sum(1 for _ in Batches(list(given), BATCH_TOKENS))
    graft.train()
    step = 0
    for epoch in range(epochs):
        losses = []
        for batch in batches:
            step += 1
            share = min(step / (WARMUP * total), (total - step + 1) / ((1 - WARMUP) * total))
            optimizer.param_groups[0]["lr"] = RATE * max(share, 0.0)
            loss = loss_of(graft, batch)
            loss.backward()
            nn.utils.clip_grad_norm_(graft.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            kept = min(AVERAGED, (1 + step) / (10 + step))
            with torch.no_grad():
                for old, new in zip(mean.parameters(), graft.parameters(), strict=True):
                    old.lerp_(new, 1 - kept)
            losses.append(float(loss.detach()))
        console.print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}")
    return mean.eval()


def fit_graft(
    release: Annotated[str, typer.Option(metavar="VERSION", help="Of the head with it.")],
    data_dir: Annotated[Path, typer.Option(envvar="WIREDESK_DATA_DIR")] = Path("../shared/data"),
    runs: Annotated[Path, typer.Option(help="Holds the runs.")] = Path(".wiredesk/training"),
    release_only: Annotated[
        bool, typer.Option("--release-only", help="Export without training again.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Rows of each set, for a trial.")] = None,
    manifest_file: Annotated[Path, typer.Option("--manifest", help="Takes the graft.")] = SHIPPED,
) -> None:
    """Teach a graft for the entities of the encoder `news`, and put it into the manifest.

    Wants the run of the head alone. Two cores take a quarter of an hour.
    """
    config, encoder = head_config(HEAD), encoder_config("news")
    reader = Reader(published_tokenizer(), config.max_tokens)
    task = assemble(config, reader, data_dir, limit=limit)
    plain = plain_examples(reader, data_dir, limit or MOST_TEXTS)
    learned = directory(runs, f"{encoder.name}/graft") / "graft.pt"
    session = _tapped(manifest_file, encoder.name)
    if not release_only:
        teacher = Network(published_encoder(), dict(task.modules()))
        alone = alone_directory(runs, encoder, HEAD)
        teacher.load_state_dict(saved(alone / "best.pt")["network"])
        given = lessons(session, teacher, [*task.train, *plain])
        graft = Graft(_transitions(session), len(task.fine_types))
        learned.parent.mkdir(parents=True, exist_ok=True)
        torch.save(fit(graft, given, EPOCHS, config.seed).state_dict(), learned)
    graft = Graft(_transitions(session), len(task.fine_types))
    graft.load_state_dict(saved(learned))
    release_graft(graft, task, release, data_dir, manifest_file, _scaling(session, plain))


def release_graft(
    graft: Graft, task: SpanTask, version: str, data: Path, manifest: Path, inputs: list[Arrays]
) -> None:
    """A graft in int8, and the route of its head with its calibration, in a manifest."""
    config, models = head_config(task.head), read(manifest)
    name = models.heads(task.head)[0].model
    old = models.entry(name)
    file = old.file.with_name(f"{config.task}.graft.onnx")
    graph = manifest.parent / file
    export_graft(graft, inputs, graph)
    made = {"graft": file, "graft_sha256": digest(graph)}
    encoder = encoder_on(_open(manifest, name, graph), models, name)
    answer = route_of(config, task, name, encoder, data)
    changed = answer.model_copy(update={"version": version})
    routes = [
        changed if route.head == task.head else route
        for route in models.routes
        if route.model == name
    ]
    register(manifest, name, old.model_copy(update=made), routes)


def _open(manifest: Path, model: str, graft: Path) -> OnnxSession:
    """A released graph with a graft on the provider for which int8 is meant."""
    models = read(manifest)
    words = models.words_file(model)
    return OnnxSession(
        models.model_file(model),
        Provider.OPENVINO,
        threads=torch.get_num_threads(),
        weights=word_embeddings(words) if words else {},
        graft=graft,
    )


def _tapped(manifest: Path, model: str) -> OnnxSession:
    """A released graph that gives out what grafts read of it."""
    with tempfile.TemporaryDirectory() as scratch:
        tap(Path(scratch) / "tap.onnx")
        return _open(manifest, model, Path(scratch) / "tap.onnx")


def _transitions(session: OnnxSession) -> Tensor:
    """The released ones."""
    shortest = np.array([[101, 102]])
    inputs = dict.fromkeys(("input_ids", "attention_mask", "word_shapes"), np.ones_like(shortest))
    return torch.from_numpy(session.run(inputs | {"input_ids": shortest})["entity_transitions"][0])


def _scaling(session: OnnxSession, examples: list[Example]) -> list[Arrays]:
    """What a graft reads of some texts, one a batch."""
    inputs = []
    for example in examples[:SCALING_TEXTS]:
        names = ("input_ids", "attention_mask", "word_shapes")
        given = {n: t.numpy() for n, t in zip(names, collate([example]), strict=True)}
        outputs = session.run(given)
        inputs.append({name: (given | outputs)[name] for name in INPUTS})
    return inputs


if __name__ == "__main__":
    typer.run(fit_graft)
