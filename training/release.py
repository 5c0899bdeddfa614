"""From the best weights of a run to a model in the manifest: exported, calibrated, measured."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from evaluation.metrics import calibration_error
from models.adapters import AdapterSession, word_embeddings
from models.encoder import Encoder
from models.manifest import Route, ShortTexts
from models.mentions import calibrated
from models.probabilities import sigmoid, softmax
from models.session import Arrays, OnnxSession, Provider, Session
from training import export, importance
from training.assemble import assemble
from training.calibrate import answers, mention_calibration, temperature, thresholds
from training.configuration import EncoderConfig, HeadConfig, head_config
from training.entries import digest, entry
from training.examples import Reader
from training.fit import EMBEDDING, console, saved
from training.manifest_edit import register
from training.network import Network, published_encoder, published_tokenizer
from training.refit import refit
from training.run import directory, encoder_network, encoder_tasks
from training.tasks import ClassTask, MarkTask, SentenceTask, SpanTask, TargetTask, Task

BASE = Path("adapters/base.safetensors")
TOKENIZER = Path("minilm/tokenizer.json")  # the published one, of every model made here
LONGEST = 512  # tokens that the position table has
JOB_TOKENS = 256  # tokens of an article that the jobs read
IMPORTANCE_DATA = "google_news_fr_day (no licence stated)"
SOURCE = "sentence-transformers/all-MiniLM-L6-v2"


def release_head(config: HeadConfig, version: str, data: Path, runs: Path, manifest: Path) -> None:
    """An adapter with its route."""
    if config.rank is None:  # an order for it is refused before it is trained
        raise ValueError(f"{config.head} has no rank: it is no adapter")
    base, tokenizer = manifest.parent / BASE, manifest.parent / TOKENIZER
    base.parent.mkdir(exist_ok=True)
    if not base.exists():
        export.export_base(base)
    reader = Reader(published_tokenizer(), config.max_tokens, respelled=config.respelled)
    task = assemble(config, reader, data)
    network = Network(published_encoder(), dict(task.modules()))
    network.add_low_rank(config.rank)
    network = _loaded(network, directory(runs, config.head))
    adapter = base.with_name(f"{config.model}.onnx")
    export.export_adapter(network, base, adapter, config.seed)
    session = AdapterSession(adapter, base, threads=torch.get_num_threads())
    route = route_of(config, task, config.model, _encoder(session, tokenizer, config), data)
    made = entry(
        manifest,
        BASE,
        version=version,
        adapter=BASE.with_name(adapter.name),
        adapter_sha256=digest(adapter),
        source=f"{SOURCE} with low-rank changes, `wiredesk train {config.name}`",
        tokenizer=TOKENIZER,
        tokenizer_sha256=digest(tokenizer),
        max_tokens=max(config.max_tokens, JOB_TOKENS),
        word_shapes=True,
        romanised=config.romanised,
        respelled=config.respelled,
        commercial=config.commercial,
        data=_data([config]),
    )
    register(manifest, config.model, made, [route])


def release_encoder(
    config: EncoderConfig,
    version: str,
    data: Path,
    runs: Path,
    manifest: Path,
    calibration: Sequence[str],
    *,
    half: bool = False,
) -> None:
    """A shared encoder in int8 with the routes of its heads; `calibration` texts set the scales.

    half  whether it is written in float16, too: for GPUs
    """
    folder = manifest.parent / config.name
    folder.mkdir(exist_ok=True)
    graph, tokenizer = folder / "encoder.int8.onnx", manifest.parent / TOKENIZER
    tasks = encoder_tasks(config, data)
    network = _loaded(encoder_network(config, tasks), directory(runs, config.name))
    _refit(network, tasks, config)
    metrics: dict[str, float] = {}
    if config.importance:
        reader = Reader(published_tokenizer(), JOB_TOKENS)
        network.heads["importance"], metrics = importance.fit(network, reader, data)
        console.print(f"importance: {metrics}")
    reading = _encoder(_Nowhere(), tokenizer, config)
    inputs = export.calibration_inputs(calibration, reading, config.seed)
    base = manifest.parent / BASE
    on_gpu = folder / "encoder.fp16.onnx" if half else None
    export.export_encoder(network, inputs, base, graph, config.seed, half=on_gpu)
    session = OnnxSession(
        graph,
        Provider.OPENVINO,
        threads=torch.get_num_threads(),
        weights=word_embeddings(base),
    )
    encoder = _encoder(session, tokenizer, config)
    heads = [head_config(head) for head in config.heads]
    routes = [
        route_of(head, task, config.name, encoder, data)
        for head, task in zip(heads, tasks, strict=True)
    ]
    if config.keep_embedding:
        routes.insert(0, _plain_route(config.name, "embedding", EMBEDDING))
    if config.importance:
        routes.append(_plain_route(config.name, "importance", "importance", metrics))
    made = entry(
        manifest,
        graph.relative_to(manifest.parent),
        version=version,
        words=BASE,
        words_sha256=digest(base),
        source=f"{SOURCE} with heads, QDQ int8, `wiredesk train {config.name}`",
        tokenizer=TOKENIZER,
        tokenizer_sha256=digest(tokenizer),
        max_tokens=JOB_TOKENS,
        word_shapes=True,
        romanised=config.romanised,
        respelled=config.respelled,
        gpu_file=on_gpu.relative_to(manifest.parent) if on_gpu else None,
        gpu_sha256=digest(on_gpu) if on_gpu else None,
        commercial=all(head.commercial for head in heads),
        data=_data(heads) + ((IMPORTANCE_DATA,) if config.importance else ()),
    )
    register(manifest, config.name, made, routes)


def _loaded(network: Network, run: Path) -> Network:
    """The best weights of a run, ready to trace."""
    state = saved(run / "best.pt")
    console.print(f"{run.name}: validation {state['scores']}")
    network.load_state_dict(state["network"])
    return network.eval().requires_grad_(False)


def _refit(network: Network, tasks: Sequence[Task], config: EncoderConfig) -> None:
    """Fit the last layers of those heads anew that the configuration names."""
    for task in tasks:
        if task.head in config.refit:
            if not isinstance(task, ClassTask):
                raise ValueError(f"{task.head} has no layers of a whole text to refit")
            refit(network, task, config.seed)


def calibration(
    config: HeadConfig, task: ClassTask | TargetTask | SpanTask, found: Sequence[Arrays]
) -> dict[str, Any]:
    """The fields of a route that make its probabilities mean what they say, fitted to what the
    graph as shipped said of a task's validation rows; tells how far off they leave them.
    """
    if isinstance(task, SpanTask):
        shares, right = task.judged(found, task.predict_from(found, task.validation))
        scale, bias = (round(value, 4) for value in mention_calibration(shares, right))
        _tell_calibration(config.head, calibrated(shares, scale, bias), right)
        return {"temperature": scale, "bias": bias}
    logits, targets = _decided(task, found)
    most = config.short_tokens or 0
    short = np.array([len(example) <= most for example in task.validation])
    if short.all():
        raise ValueError(f"{config.head} has no validation row with more than {most} tokens")
    scale = round(temperature(logits[~short], targets[~short]), 4)
    scales, of_short = np.full(len(logits), scale), None
    if short.any():
        scales[short] = round(temperature(logits[short], targets[short]), 4)
        of_short = ShortTexts(tokens=most, temperature=scales[short][0])
    if targets.ndim == 1:
        probabilities = softmax(logits / scales[:, None])
        _tell_calibration(config.head, probabilities.max(1), probabilities.argmax(1) == targets)
    return {"temperature": scale, "short": of_short}


def calibration_task(config: HeadConfig, data: Path) -> Task:
    """A head's task with the validation rows that its calibration is fitted on."""
    reader = Reader(published_tokenizer(), config.max_tokens, respelled=config.respelled)
    decisive = config.calibrate_on or config.validate_on
    return assemble(config.model_copy(update={"validate_on": decisive}), reader, data)


def route_of(config: HeadConfig, task: Task, model: str, encoder: Encoder, data: Path) -> Route:
    """A route with its calibration, fitted on the validation rows with the graph as shipped."""
    found = answers(encoder, task.validation)
    scored = task.score(task.predict_from(found, task.validation))
    console.print(f"{config.head}: {config.metric} {scored:.4f} as exported")
    route = partial(
        Route,
        task=config.task,
        head=config.head,
        model=model,
        languages=frozenset(config.languages),
        jobs=config.jobs,
        texts=config.texts,
        metrics={f"validation: {config.metric}": round(scored, 4)},
    )
    if isinstance(task, SpanTask):
        fine = {kind: config.fine[kind] for kind in task.fine_types}
        fitted = calibration(config, task, found)
        return route(output="entities", labels=task.labels, fine_labels=fine, **fitted)
    if isinstance(task, SentenceTask):
        return route(output=task.output)
    if isinstance(task, MarkTask):
        least, share = task.limits(task.predict_from(found, task.validation))
        return route(
            output=task.output,
            labels=config.labels,
            multi_label=True,
            thresholds=(least,),
            odds_share=share,
        )
    of_rows, said = task, found
    if config.calibrate_on:
        of_rows = calibration_task(config, data)
        said = answers(encoder, of_rows.validation)
    of_classes = route(output=task.output, labels=task.labels, **calibration(config, of_rows, said))
    if isinstance(task, ClassTask) and task.multi_label:
        logits, targets = _decided(task, found)
        limits = thresholds(sigmoid(logits, of_classes.temperature), targets)
        return of_classes.model_copy(update={"multi_label": True, "thresholds": limits})
    return of_classes


def _decided(
    task: ClassTask | TargetTask, found: Sequence[Arrays]
) -> tuple[np.ndarray, np.ndarray]:
    """Logits and targets of a task's validation rows."""
    logits = np.stack(task.predict_from(found, task.validation))
    return logits, task.targets(task.validation)


def _tell_calibration(head: str, probabilities: np.ndarray, right: np.ndarray) -> None:
    error = calibration_error(probabilities, right.astype(np.float64)).error
    console.print(f"{head}: calibration error {error:.4f} on the rows that it was fitted to")


def _plain_route(
    model: str, task: str, output: str, metrics: dict[str, float] | None = None
) -> Route:
    return Route(
        task=task,
        head=task,
        model=model,
        output=output,
        languages=frozenset({"en"}),
        metrics={name: round(value, 4) for name, value in (metrics or {}).items()},
    )


def _encoder(session: Session, tokenizer: Path, config: HeadConfig | EncoderConfig) -> Encoder:
    return Encoder(
        session,
        tokenizer,
        max_tokens=LONGEST,
        with_shapes=True,
        romanised=config.romanised,
        respelled=config.respelled,
    )


def _data(heads: Sequence[HeadConfig]) -> tuple[str, ...]:
    """Data sets with their licences, each once."""
    return tuple(sorted({source.told for head in heads for source in head.train}))


class _Nowhere:
    """A session for an encoder that only tokenises."""

    def run(self, inputs: Arrays) -> Arrays:
        raise RuntimeError(f"no graph is open for inputs {', '.join(inputs)}")
