"""Export all-MiniLM-L6-v2 as one int8 ONNX graph: python -m training.export_encoder --help."""

import hashlib
import json
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import onnxruntime
import torch
import typer
from rich.console import Console
from rich.progress import track
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import BertModel

from training.network import BLOCK, MASKED, Unit, published_encoder, published_tokenizer
from training.quantise import quantise

OPSET = 17
TOLERANCE = 1e-5  # largest difference allowed between the float32 graph and PyTorch

console = Console()


class EncoderWithHeads(nn.Module):
    """The published encoder as it is; training.network.Network is the one that is trained further,
    and says why tokens come in whole blocks and what a head is.
    """

    def __init__(self, bert: BertModel, heads: dict[str, nn.Module]) -> None:
        super().__init__()
        self.words = bert.embeddings.word_embeddings
        # Every text is one segment, so its type vector joins the position table.
        table = bert.embeddings.position_embeddings.weight
        segment = bert.embeddings.token_type_embeddings.weight[0]
        self.positions = nn.Parameter((table + segment).detach())
        self.norm = bert.embeddings.LayerNorm
        self.encoder = bert.encoder
        self.heads = nn.ModuleDict(heads)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        """Both inputs int64 (batch, tokens), mask 1 for a real token; one output per head."""
        rest = input_ids.new_zeros((input_ids.shape[0], BLOCK - 1))
        tokens = (input_ids.shape[1] + BLOCK - 1) // BLOCK * BLOCK
        input_ids = torch.cat((input_ids, rest), dim=1)[:, :tokens]
        mask = torch.cat((attention_mask, rest), dim=1)[:, :tokens].to(torch.float32)
        bias = ((1.0 - mask) * MASKED)[:, None, None, :]
        embedded = self.norm(self.words(input_ids) + self.positions[:tokens])
        hidden = self.encoder(embedded, attention_mask=bias).last_hidden_state
        weight = mask[:, :, None]
        pooled = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1.0)
        return tuple(head(hidden, pooled) for head in self.heads.values())


def load_encoder() -> EncoderWithHeads:
    """The published weights, ready to trace."""
    return EncoderWithHeads(published_encoder(), {"sentence_embedding": Unit()}).eval()


def export_float(model: EncoderWithHeads, path: Path) -> None:
    """Trace `model` into a float32 ONNX file with dynamic batch and token axes."""
    ids = torch.tensor([[101, 7592, 102], [101, 102, 0]])
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]])
    axes = {0: "batch", 1: "tokens"}
    torch.onnx.export(
        model,
        (ids, mask),
        path,
        input_names=["input_ids", "attention_mask"],
        output_names=list(model.heads),
        dynamic_axes={"input_ids": axes, "attention_mask": axes}
        | {name: {0: "batch"} for name in model.heads},
        opset_version=OPSET,
        dynamo=False,
    )


def largest_difference(model: EncoderWithHeads, path: Path, seed: int) -> float:
    """Largest absolute difference of any output between PyTorch and the file, on padded batches."""
    draw = np.random.default_rng(seed)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    worst = 0.0
    for batch, tokens in ((1, 2), (1, 512), (3, 17), (8, 64), (5, 129), (4, 256)):
        ids = draw.integers(1000, 30522, (batch, tokens))
        lengths = draw.integers(2, tokens + 1, batch)
        lengths[0] = tokens
        mask = (np.arange(tokens) < lengths[:, None]).astype(np.int64)
        with torch.no_grad():
            expected = model(torch.from_numpy(ids * mask), torch.from_numpy(mask))
        got = session.run(None, {"input_ids": ids * mask, "attention_mask": mask})
        for one, other in zip(expected, got, strict=True):
            worst = max(worst, float(np.abs(one.numpy() - other).max()))
    return worst


def calibration_texts(file: Path) -> list[str]:
    """The `text` of every line of a JSONL file."""
    return [json.loads(line)["text"] for line in file.read_text("utf-8").splitlines()]


def calibration_inputs(
    texts: list[str], tokenizer: Tokenizer, max_tokens: int, seed: int
) -> Iterator[dict[str, np.ndarray]]:
    """One text per batch, cut at a length drawn between 16 and `max_tokens` tokens."""
    draw = random.Random(seed)
    for text in track(texts, "calibrating", console=console):
        encoding = tokenizer.encode(text)
        encoding.truncate(draw.randint(16, max_tokens))
        yield {
            "input_ids": np.array([encoding.ids], np.int64),
            "attention_mask": np.array([encoding.attention_mask], np.int64),
        }


def main(
    out: Annotated[Path, typer.Option(help="Directory for encoder.int8.onnx and tokenizer.json.")],
    texts: Annotated[Path, typer.Option(help="Calibration texts: JSONL with `text`.")],
    max_tokens: Annotated[int, typer.Option(min=16, max=512, help="Longest one, in tokens.")] = 256,
    keep_float: Annotated[Path | None, typer.Option(help="Keep the float32 graph here.")] = None,
    seed: Annotated[int, typer.Option(help="Of the lengths the texts are cut at.")] = 42,
) -> None:
    """Trace the encoder, check it against PyTorch, quantise it and write it with its tokenizer."""
    torch.manual_seed(seed)
    out.mkdir(parents=True, exist_ok=True)
    model, tokenizer = load_encoder(), published_tokenizer()
    with tempfile.TemporaryDirectory() as scratch:
        exact = Path(scratch) / "encoder.onnx"
        with console.status("tracing"):
            export_float(model, exact)
        difference = largest_difference(model, exact, seed)
        console.print(f"float32 graph against PyTorch: largest difference {difference:.1e}")
        if difference > TOLERANCE:
            raise ValueError(f"float32 graph differs by {difference:.1e}, expected <= {TOLERANCE}")
        inputs = calibration_inputs(calibration_texts(texts), tokenizer, max_tokens, seed)
        quantise(exact, inputs, out / "encoder.int8.onnx")
        if keep_float is not None:
            shutil.copyfile(exact, keep_float)
    tokenizer.save(str(out / "tokenizer.json"))
    for name in ("encoder.int8.onnx", "tokenizer.json"):
        content = (out / name).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        console.print(f"{name}  {len(content)} bytes  sha256 {digest}", soft_wrap=True)


if __name__ == "__main__":
    typer.run(main)
