"""A Hugging Face checkpoint as one ONNX graph like ours: two inputs, one output, any length."""

import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from tokenizers import Tokenizer
from transformers.utils import logging

from training.checkpoint import Checkpoint, CheckpointError, Task
from training.checkpoint_graph import Graph, SentenceVector, TokenClasses, load
from training.half import to_half

OPSET = 17
TOLERANCE = 1e-4  # largest difference allowed between the float32 graph and PyTorch
HALF_TOLERANCE = 0.02  # the same of probabilities and unit vectors in float16
SAMPLE = 200  # texts that int8 is compared on

Report = Callable[[str], None]
"""Called with one line for each step."""


@dataclass(frozen=True)
class Exported:
    """What was written, file names inside the folder.

    checks  what was measured: "float32 against PyTorch, largest difference" to a number
    """

    file: str
    tokenizer: str
    gpu_file: str | None
    max_tokens: int
    checks: dict[str, float]


def export(
    checkpoint: Checkpoint,
    folder: Path,
    *,
    calibration: Sequence[str] | None,
    half: bool,
    report: Report,
    seed: int = 42,
) -> Exported:
    """Write a checkpoint's graph and tokenizer into a folder, checked against PyTorch.

    calibration  texts that int8 is set up with; None: the graph stays float32
    half         whether a float16 graph is written, too

    Raises CheckpointError.
    """
    torch.manual_seed(seed)
    with _quietly():
        report("reading the checkpoint")
        graph = load(checkpoint)
        tokenizer = _tokenizer(checkpoint, graph)
        max_tokens = min(checkpoint.max_tokens, graph.positions or checkpoint.max_tokens)
        tokenizer.enable_truncation(max_tokens)
        batches = list(check_batches(tokenizer, max_tokens, seed, graph.padding))
        checks = {}
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            exact = Path(scratch) / "model.onnx"
            report("tracing")
            trace(graph, exact)
            report("comparing with PyTorch")
            difference = largest_difference(graph, exact, batches)
            checks["float32 against PyTorch, largest difference"] = difference
            if not difference <= TOLERANCE:  # also when it is not a number
                raise CheckpointError(
                    f"the graph of {checkpoint.folder} differs from PyTorch by {difference:.1e}, "
                    f"more than {TOLERANCE}: this architecture cannot be exported"
                )
            gpu_file = None
            if half:
                report("converting to float16")
                gpu_file = "model.fp16.onnx"
                to_half(exact, folder / gpu_file)
                checks["float16 against float32, largest difference"] = _check_half(
                    exact, folder / gpu_file, batches, checkpoint
                )
            if calibration is None:
                file = "model.onnx"
                exact.replace(folder / file)
            else:
                report("quantising to int8")
                file = "model.int8.onnx"
                encoded = [tokenizer.encode(text).ids for text in calibration]
                from training.quantise import quantise

                quantise(exact, [_inputs([ids]) for ids in encoded], folder / file)
                agreement = _agreement(exact, folder / file, encoded[:SAMPLE], checkpoint.task)
                checks[f"int8 against float32, {agreement[0]}"] = agreement[1]
    tokenizer.no_truncation()
    tokenizer.save(str(folder / "tokenizer.json"))
    return Exported(file, "tokenizer.json", gpu_file, max_tokens, checks)


def _tokenizer(checkpoint: Checkpoint, graph: Graph) -> Tokenizer:
    """The checkpoint's tokenizer without truncation and padding."""
    tokenizer = Tokenizer.from_file(str(checkpoint.folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    known = graph.model.get_input_embeddings().num_embeddings
    largest = max(tokenizer.get_vocab(with_added_tokens=True).values())
    if largest >= known:
        raise CheckpointError(
            f"{checkpoint.folder}: tokenizer.json has token {largest}, but the model knows {known} "
            "tokens; they do not belong together"
        )
    if not tokenizer.encode("").ids:
        raise CheckpointError(
            f"{checkpoint.folder}: tokenizer.json gives an empty text no token; it must add the "
            "special tokens (post_processor)"
        )
    return tokenizer


def check_batches(
    tokenizer: Tokenizer, max_tokens: int, seed: int, padding: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Token ids and masks to compare graphs on: one text, padded ones, empty and longest ones."""
    draw = np.random.default_rng(seed)
    special = {padding, *tokenizer.get_added_tokens_decoder()}
    plain = [number for number in tokenizer.get_vocab().values() if number not in special]
    for batch, tokens in ((1, 2), (3, min(17, max_tokens)), (2, max_tokens)):
        ids = draw.choice(plain, (batch, tokens))
        lengths = draw.integers(2, tokens + 1, batch)
        lengths[0] = tokens
        mask = (np.arange(tokens) < lengths[:, None]).astype(np.int64)
        yield ids * mask, mask
    texts = ["", "x", "Bridge reopens after two years.", "القاهرة – 市议会", "word " * max_tokens]
    inputs = _inputs([tokenizer.encode(text).ids for text in texts])
    yield inputs["input_ids"], inputs["attention_mask"]


def trace(graph: Graph, path: Path) -> None:
    """Write a float32 ONNX file with dynamic batch and token axes."""
    name = _output_name(graph)
    axes = {0: "batch", 1: "tokens"}
    torch.onnx.export(
        graph,
        (torch.tensor([[0, 1, 2], [1, 2, 0]]), torch.tensor([[1, 1, 1], [1, 1, 0]])),
        path,
        input_names=["input_ids", "attention_mask"],
        output_names=[name],
        dynamic_axes={
            "input_ids": axes,
            "attention_mask": axes,
            name: axes if isinstance(graph.answer, TokenClasses) else {0: "batch"},
        },
        opset_version=OPSET,
        dynamo=False,
    )


def _output_name(graph: Graph) -> str:
    match graph.answer:
        case TokenClasses():
            return Task.ENTITIES.output
        case SentenceVector():
            return Task.EMBEDDING.output
        case _:
            return Task.SENTIMENT.output


def largest_difference(
    graph: Graph, path: Path, batches: Sequence[tuple[np.ndarray, np.ndarray]]
) -> float:
    """Largest difference between PyTorch and a file, relative where values are above 1."""
    session = _session(path)
    worst = 0.0
    for ids, mask in batches:
        with torch.no_grad():
            expected = graph.reference(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
        (got,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
        if got.shape != expected.shape:
            raise CheckpointError(f"the graph answers {got.shape}, PyTorch {expected.shape}")
        difference = np.abs(expected - got) / np.maximum(1, np.abs(expected))
        worst = max(worst, float(_of_real_tokens(difference, mask).max()))
    return worst


def _check_half(
    exact: Path, half: Path, batches: Sequence[tuple[np.ndarray, np.ndarray]], of: Checkpoint
) -> float:
    one, other = _session(exact), _session(half)
    worst = 0.0
    for ids, mask in batches:
        inputs = {"input_ids": ids, "attention_mask": mask}
        difference = np.abs(
            _probabilities(one.run(None, inputs)[0], of.task)
            - _probabilities(other.run(None, inputs)[0], of.task)
        )
        worst = max(worst, float(_of_real_tokens(difference, mask).max()))
    if not worst <= HALF_TOLERANCE:
        raise CheckpointError(
            f"{of.folder} in float16 differs by {worst:.2g}, more than {HALF_TOLERANCE}; "
            "leave --fp16 away"
        )
    return worst


def _probabilities(outputs: np.ndarray, task: Task) -> np.ndarray:
    """What is compared: probabilities, or the vector as it is."""
    if task is Task.EMBEDDING:
        return outputs
    if task is Task.TOPICS:
        return 1 / (1 + np.exp(-np.clip(outputs, -50, 50)))
    raised = np.exp(outputs - outputs.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


def _agreement(
    exact: Path, other: Path, texts: Sequence[Sequence[int]], task: Task
) -> tuple[str, float]:
    """How alike two graphs answer: mean cosine of vectors, share of equal labels."""
    one, two = _session(exact), _session(other)
    found = []
    for ids in texts:
        first, second = (s.run(None, _inputs([ids]))[0] for s in (one, two))
        if task is Task.EMBEDDING:
            found.append(float((first * second).sum()))
        elif task is Task.TOPICS:
            found.append(float(((first > 0) == (second > 0)).mean()))
        else:
            found.append(float((first.argmax(-1) == second.argmax(-1)).mean()))
    what = "mean cosine" if task is Task.EMBEDDING else "share of equal labels"
    return what, float(np.mean(found))


def _of_real_tokens(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Without the tokens that are padding; a value of a whole text stays."""
    return values[mask.astype(bool)] if values.ndim == 3 else values


def _inputs(texts: Sequence[Sequence[int]]) -> dict[str, np.ndarray]:
    ids = np.zeros((len(texts), max(map(len, texts))), np.int64)
    mask = np.zeros_like(ids)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    return {"input_ids": ids, "attention_mask": mask}


def _session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


@contextmanager
def _quietly() -> Iterator[None]:
    """Without progress bars and the warnings of tracing, which speak of code that is not ours."""
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.enable_progress_bar()
        logging.set_verbosity(level)
