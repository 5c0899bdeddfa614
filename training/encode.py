"""Run an exported encoder over texts: the sessions and batches that measurements share."""

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

MAX_TOKENS = 256  # the length the published model was trained and evaluated with
CPU_PROPERTIES = {
    "INFERENCE_PRECISION_HINT": "f32",  # else bfloat16, where the processor prefers it
    "ENABLE_CPU_PINNING": "NO",  # pinned, two sessions share the first core and the rest idles
}


class Provider(StrEnum):
    """ONNX Runtime execution provider."""

    OPENVINO = "openvino"
    CPU = "cpu"


def open_session(
    model: Path,
    provider: Provider = Provider.OPENVINO,
    *,
    threads: int = 2,
    properties: dict[str, str] | None = None,
    cache_dir: Path | None = None,
) -> onnxruntime.InferenceSession:
    """Open `model`; `properties` are OpenVINO CPU properties, CPU_PROPERTIES if None."""
    settings = onnxruntime.SessionOptions()
    if provider is Provider.CPU:
        settings.intra_op_num_threads = threads
        return onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    settings.intra_op_num_threads = 1  # OpenVINO has threads of its own
    properties = CPU_PROPERTIES if properties is None else properties
    options = {"device_type": "CPU", "num_of_threads": str(threads)}
    options["load_config"] = json.dumps({"CPU": properties})
    if cache_dir is not None:
        options["cache_dir"] = str(cache_dir)
    chosen = [("OpenVINOExecutionProvider", options)]
    return onnxruntime.InferenceSession(model, settings, providers=chosen)


def open_tokenizer(model: Path) -> Tokenizer:
    """The tokenizer.json beside `model`, cutting texts at MAX_TOKENS."""
    tokenizer = Tokenizer.from_file(str(model.parent / "tokenizer.json"))
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def token_ids(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """The token ids of each text, special tokens included."""
    return [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts))]


def run(
    session: onnxruntime.InferenceSession, batch: Sequence[Sequence[int]], tokens: int | None = None
) -> np.ndarray:
    """Embed one batch padded to `tokens` (its longest text if None): float32 (batch, 384)."""
    tokens = tokens or max(map(len, batch))
    ids = np.zeros((len(batch), tokens), np.int64)
    mask = np.zeros((len(batch), tokens), np.int64)
    for row, text in enumerate(batch):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    inputs = {"input_ids": ids, "attention_mask": mask}
    return session.run(["sentence_embedding"], inputs)[0]


def embed(
    session: onnxruntime.InferenceSession, texts: Sequence[Sequence[int]], batch: int = 16
) -> np.ndarray:
    """Embed texts of token ids in batches of similar length: float32 (texts, 384), input order."""
    order = np.argsort([len(text) for text in texts], kind="stable")
    embedded = np.empty((len(texts), 384), np.float32)
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        embedded[rows] = run(session, [texts[row] for row in rows])
    return embedded
