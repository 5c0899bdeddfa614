"""A Hugging Face model behind the inputs of our encoder, with one output like our graphs'."""

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import (
    AutoModel,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)

from training.checkpoint import Checkpoint, CheckpointError, Task
from training.network import BLOCK

NEVER = -1e4  # logit of a label that the checkpoint does not know; float16 holds it
MOST_BYTES = 2**31 - 1  # of one ONNX file

_CLASSES = {
    Task.SENTIMENT: AutoModelForSequenceClassification,
    Task.TOPICS: AutoModelForSequenceClassification,
    Task.ENTITIES: AutoModelForTokenClassification,
    Task.EMBEDDING: AutoModel,
}
_NOT_POOLED = ("pooler.", "lm_head.", "cls.")
"""Weights behind the vectors of the tokens."""
_LOAD_ERRORS = (OSError, ValueError, RuntimeError, KeyError, ImportError, SafetensorError)


class Graph(nn.Module):
    """A model behind the inputs that our encoder gives it.

    Whole blocks of tokens inside the graph keep a text's result the same in every batch (see
    training.network). Positions are counted here: some models count them by tokens that are not
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
