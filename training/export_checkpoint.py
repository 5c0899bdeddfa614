"""A Hugging Face checkpoint as one ONNX graph like ours: two inputs, one output, any length."""

import json
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import (
    AutoModel,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)
from transformers.utils import logging

from training.checkpoint import Checkpoint, CheckpointError, Task

OPSET = 17
BLOCK = 16  # the token axis is padded to a multiple of this inside the graph
NEVER = -1e4  # logit of a label that the checkpoint does not know; float16 holds it
TOLERANCE = 1e-4  # largest difference allowed between the float32 graph and PyTorch
HALF_TOLERANCE = 0.02  # the same of probabilities and unit vectors in float16
MOST_BYTES = 2**31 - 1  # of one ONNX file
SAMPLE = 200  # texts that int8 is compared on

Report = Callable[[str], None]
"""Called with one line for each step."""

_CLASSES = {
    Task.SENTIMENT: AutoModelForSequenceClassification,
    Task.TOPICS: AutoModelForSequenceClassification,
    Task.ENTITIES: AutoModelForTokenClassification,
    Task.EMBEDDING: AutoModel,
}
_NOT_POOLED = ("pooler.", "lm_head.", "cls.")
"""Weights behind the vectors of the tokens."""
_LOAD_ERRORS = (OSError, ValueError, RuntimeError, KeyError, ImportError, SafetensorError)


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
                quantise(exact, [_inputs([ids]) for ids in encoded], folder / file)
                agreement = _agreement(exact, folder / file, encoded[:SAMPLE], checkpoint.task)
                checks[f"int8 against float32, {agreement[0]}"] = agreement[1]
    tokenizer.no_truncation()
    tokenizer.save(str(folder / "tokenizer.json"))
    return Exported(file, "tokenizer.json", gpu_file, max_tokens, checks)


class Graph(nn.Module):
    """A model behind the inputs that our encoder gives it.

    Whole blocks of tokens inside the graph keep a text's result the same in every batch (see
    export_encoder). Positions are counted here: some models count them by tokens that are not
    padding, and know padding by an id of their own.

    positions  longest text its position table holds; None if it has none
    padding    id of the model's own padding token
    """

    def __init__(self, model: nn.Module, answer: "Answer") -> None:
        super().__init__()
        self.model = model
        self.answer = answer
        self.offset, self.positions = _positions(model)
        self.padding: int = getattr(model.config, "pad_token_id", None) or 0

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Both inputs int64 (batch, tokens), mask 1 for a real token."""
        given = input_ids.shape[1]
        rest = input_ids.new_zeros((input_ids.shape[0], BLOCK - 1))
        tokens = (given + BLOCK - 1) // BLOCK * BLOCK
        ids = torch.cat((input_ids, rest), dim=1)[:, :tokens]
        mask = torch.cat((attention_mask, rest), dim=1)[:, :tokens]
        known = {}
        if self.positions is not None:
            places = torch.arange(tokens).clamp(max=self.positions - 1) + self.offset
            known["position_ids"] = places[None]
        outputs = self.model(input_ids=ids, attention_mask=mask, **known)
        return self.answer(outputs, mask, given)

    def reference(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """The same as its publisher would ask the model: padded with its own padding token."""
        ids = torch.where(attention_mask == 1, input_ids, torch.tensor(self.padding))
        outputs = self.model(input_ids=ids, attention_mask=attention_mask)
        return self.answer(outputs, attention_mask, ids.shape[1])


class Answer(nn.Module):
    """From a model's outputs to the graph's."""

    def forward(self, outputs: object, mask: Tensor, given: int) -> Tensor:
        """`mask` int64 (batch, tokens); `given` tokens are wanted."""
        raise NotImplementedError


class Classes(Answer):
    """Logits of labels of ours, each made of some outputs of the model.

    multi_label   whether the model's outputs are decisions of their own
    independent   whether ours are to be: a softmax then becomes log odds, whose sigmoid is the
                  probability that the softmax gave
    """

    def __init__(
        self, groups: Sequence[Sequence[int]], count: int, *, multi_label: bool, independent: bool
    ) -> None:
        super().__init__()
        self.groups = groups
        self.count = count
        self.multi_label = multi_label
        self.independent = independent

    def forward(self, outputs: object, mask: Tensor, given: int) -> Tensor:  # noqa: ARG002
        """float32 (..., labels)."""
        return self.merged(outputs.logits)

    def merged(self, logits: Tensor) -> Tensor:
        """float32 (..., outputs of the model) to (..., labels)."""
        if self.independent and not self.multi_label:
            return torch.stack([self._log_odds(logits, group) for group in self.groups], dim=-1)
        return torch.stack([self._together(logits, group) for group in self.groups], dim=-1)

    def _together(self, logits: Tensor, group: Sequence[int]) -> Tensor:
        if not group:
            return torch.zeros_like(logits[..., 0]) + NEVER
        if len(group) == 1:
            return logits[..., group[0]]
        chosen = torch.stack([logits[..., number] for number in group], dim=-1)
        return chosen.amax(-1) if self.multi_label else chosen.logsumexp(-1)

    def _log_odds(self, logits: Tensor, group: Sequence[int]) -> Tensor:
        rest = [number for number in range(self.count) if number not in group]
        return self._together(logits, group) - self._together(logits, rest)


class TokenClasses(Classes):
    """The same of each token."""

    def forward(self, outputs: object, mask: Tensor, given: int) -> Tensor:  # noqa: ARG002
        """float32 (batch, tokens, labels)."""
        return self.merged(outputs.logits[:, :given])


class SentenceVector(Answer):
    """One vector of length 1 for each text."""

    def __init__(self, pooling: str, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.pooling = pooling
        self.layers = nn.Sequential(*layers)

    def forward(self, outputs: object, mask: Tensor, given: int) -> Tensor:  # noqa: ARG002
        """float32 (batch, width)."""
        hidden = outputs.last_hidden_state
        weight = mask[:, :, None].to(hidden.dtype)
        if self.pooling == "cls":
            pooled = hidden[:, 0]
        elif self.pooling == "max":
            pooled = (hidden * weight + (1 - weight) * NEVER).amax(1)
        else:
            pooled = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1.0)
        return nn.functional.normalize(self.layers(pooled), dim=-1)


def load(checkpoint: Checkpoint) -> Graph:
    """The model of a checkpoint behind our inputs. Raises CheckpointError."""
    try:
        model, told = _CLASSES[checkpoint.task].from_pretrained(
            checkpoint.folder,
            attn_implementation="eager",
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    except _LOAD_ERRORS as error:
        raise _not_loaded(checkpoint.folder, error) from error
    missing = set(told["missing_keys"])
    if checkpoint.task is Task.EMBEDDING:
        missing = {key for key in missing if not any(part in key for part in _NOT_POOLED)}
    if missing:
        raise CheckpointError(
            f"{checkpoint.folder} lacks weights of {checkpoint.kind}, they would be random: "
            f"{', '.join(sorted(missing)[:3])}"
        )
    size = sum(p.numel() * 4 for p in model.parameters())
    if size > MOST_BYTES:
        raise CheckpointError(
            f"{checkpoint.folder} has {size / 2**30:.1f} GiB of weights; one ONNX file holds 2"
        )
    return Graph(model.float(), _answer(checkpoint, model)).eval()


def _answer(checkpoint: Checkpoint, model: nn.Module) -> Answer:
    if checkpoint.task is Task.EMBEDDING:
        layers: list[nn.Module] = []
        for dense in checkpoint.dense:
            try:
                weights = load_file(dense.folder / "model.safetensors")
            except _LOAD_ERRORS as error:
                raise _not_loaded(dense.folder, error) from error
            rows, columns = weights["linear.weight"].shape
            linear = nn.Linear(columns, rows, bias="linear.bias" in weights)
            linear.load_state_dict({k.removeprefix("linear."): v for k, v in weights.items()})
            layers += [linear, nn.Tanh() if dense.activation == "Tanh" else nn.Identity()]
        return SentenceVector(checkpoint.pooling, layers)
    kind = TokenClasses if checkpoint.task is Task.ENTITIES else Classes
    return kind(
        checkpoint.labels.groups,
        model.config.num_labels,
        multi_label=checkpoint.multi_label,
        independent=checkpoint.task is Task.TOPICS,
    )


def _not_loaded(folder: Path, error: Exception) -> CheckpointError:
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return CheckpointError(f"{folder} cannot be loaded: {first}")


def _positions(model: nn.Module) -> tuple[int, int | None]:
    """First row of the position table that is used, and how many tokens it is good for."""
    for module in model.modules():
        table = getattr(module, "position_embeddings", None)
        if isinstance(table, nn.Embedding):
            padding = getattr(module, "padding_idx", None)
            offset = 0 if padding is None else padding + 1
            return offset, table.num_embeddings - offset
    return 0, None


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


def to_half(source: Path, target: Path) -> None:
    """Write a graph in float16; inputs and outputs stay as they are."""
    from onnxruntime.transformers import float16

    model = float16.convert_float_to_float16(
        onnx.load(source),
        keep_io_types=True,
        op_block_list=[*float16.DEFAULT_OP_BLOCK_LIST, "ReduceLogSumExp"],
    )
    onnx.save(model, target)


def quantise(source: Path, inputs: Sequence[dict[str, np.ndarray]], target: Path) -> None:
    """Write a graph with int8 weights and activations, as quantise and dequantise nodes."""
    import nncf

    quantised = nncf.quantize(
        onnx.load(source),
        nncf.Dataset(inputs),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(inputs),
    )
    onnx.checker.check_model(quantised)
    onnx.save(quantised, target)


def read_texts(file: Path) -> list[str]:
    """The `text` of every line of a JSONL file. Raises CheckpointError."""
    try:
        lines = file.read_text("utf-8").splitlines()
        texts = [str(json.loads(line)["text"]) for line in lines if line.strip()]
    except OSError as error:
        raise CheckpointError(f"texts {file} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f'texts {file}: every line must be like {{"text": "…"}}') from error
    if not texts:
        raise CheckpointError(f"texts {file} has no line")
    return texts


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
