"""What a Hugging Face checkpoint on disk says of itself, and which labels of ours it answers with.

Reads text files only: no PyTorch, no weights.
"""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from models import language_codes
from models.heads import SPELLINGS
from models.topics import concepts
from schemas.errors import SetupError
from schemas.packed import numbered_lines

MOST_TOKENS = 512
"""Longest text in tokens, unless one asks for more: attention grows with its square."""

SENTIMENTS = ("negative", "neutral", "positive")
ENTITY_TYPES = ("person", "organisation", "place", "other")
OUTSIDE = "O"

_TOPIC_EXAMPLES = ("medtop:15000000", "medtop:04000000", "the other IPTC Media Topics", "nothing")
_TAG = re.compile(r"([BIESLU])[-_](.+)")
_BEGINS = "BSU"
_FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n---\s*(?:\n|\Z)", re.DOTALL)
_POOLINGS = ("mean", "cls", "max", "mean_sqrt_len_tokens")
_UNLIMITED = 10**6
"""Tokenizers without a limit write one of thirty digits."""


class CheckpointError(SetupError):
    """A checkpoint cannot be used as it is; the message names what is wrong and what to do."""


class Task(StrEnum):
    """What a checkpoint of one's own can answer."""

    SENTIMENT = "sentiment"
    TOPICS = "topics"
    ENTITIES = "entities"
    EMBEDDING = "embedding"

    @property
    def output(self) -> str:
        """The name of the graph's output."""
        outputs = {Task.ENTITIES: "token_logits", Task.EMBEDDING: "sentence_embedding"}
        return outputs.get(self, "logits")

    @property
    def architecture(self) -> str:
        """How the name of the checkpoint's class ends; empty for any."""
        if self is Task.EMBEDDING:
            return ""
        return "ForTokenClassification" if self is Task.ENTITIES else "ForSequenceClassification"


@dataclass(frozen=True)
class Labels:
    """Labels of ours, and the outputs of the checkpoint that each is made of, by number.

    An empty group is a label that the checkpoint never answers with. Outputs in no group answer
    with nothing that we know.
    """

    names: tuple[str, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Dense:
    """A layer behind the pooling of a sentence encoder: its folder and its activation."""

    folder: Path
    activation: str


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint and what is to be made of it.

    multi_label  whether its outputs are decisions of their own (sigmoid), not of one (softmax)
    max_tokens   longest text in tokens, as its tokenizer's files and the user want it
    pooling      of a sentence encoder: mean, cls or max
    """

    folder: Path
    task: Task
    kind: str
    labels: Labels
    multi_label: bool
    max_tokens: int
    pooling: str = "mean"
    dense: tuple[Dense, ...] = ()


@dataclass(frozen=True)
class Card:
    """The front matter of a checkpoint's README.md, and the text below it.

    languages  ISO 639-1, or 639-3 where there is none
    """

    licence: str | None = None
    languages: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    text: str = ""


def task_of(name: str) -> Task:
    """The task of a name. Raises CheckpointError with the list."""
    try:
        return Task(name)
    except ValueError:
        raise CheckpointError(
            f"no checkpoint can be added for task {name!r}; there are {', '.join(Task)}"
        ) from None


def read(
    folder: Path,
    task: Task,
    *,
    label_map: Mapping[str, str] | None = None,
    max_tokens: int | None = None,
) -> Checkpoint:
    """A checkpoint, found to fit a task. Raises CheckpointError."""
    config = _object(folder / "config.json")
    _check_files(folder)
    kind = _kind(config, folder)
    if not kind.endswith(task.architecture):
        raise CheckpointError(
            f"{folder} holds a {kind or 'model of no named class'}; task {task} needs a "
            f"…{task.architecture}"
        )
    limit = _limit(folder, max_tokens)
    if task is Task.EMBEDDING:
        if label_map:
            raise CheckpointError("task embedding has no labels to map")
        pooling, dense = _sentence_modules(folder)
        return Checkpoint(folder, task, kind, Labels(), False, limit, pooling, dense)
    multi_label = config.get("problem_type") == "multi_label_classification"
    if config.get("problem_type") == "regression":
        raise CheckpointError(f"{folder} answers with a number (regression), not with labels")
    if multi_label and task is Task.SENTIMENT:
        raise CheckpointError(
            f"{folder} can answer with several labels at once (multi_label_classification); task "
            "sentiment needs one of negative, neutral, positive"
        )
    labels = labels_for(task, label_names(config, folder), label_map or {})
    return Checkpoint(folder, task, kind, labels, multi_label, limit)


def label_names(config: Mapping[str, Any], folder: Path) -> tuple[str, ...]:
    """Names of a checkpoint's outputs, in their order. Raises CheckpointError."""
    told = config.get("id2label")
    names = told if isinstance(told, dict) else {}
    numbers = [str(number) for number in range(len(names))]
    if len(names) < 2 or {*names} != {*numbers}:
        raise CheckpointError(
            f"{folder}/config.json: id2label must name at least two outputs, 0 and up, like "
            f'{{"0": "negative", "1": "positive"}}; it has {told}'
        )
    return tuple(str(names[number]) for number in numbers)


def labels_for(task: Task, found: Sequence[str], mapping: Mapping[str, str]) -> Labels:
    """Labels of ours for those of a checkpoint, some of them named anew. Raises CheckpointError.

    >>> labels_for(Task.SENTIMENT, ["POSITIVE", "NEGATIVE"], {})
    Labels(names=('negative', 'neutral', 'positive'), groups=((1,), (), (0,)))
    >>> labels_for(Task.ENTITIES, ["O", "B-PER", "B-TEAM"], {"TEAM": "organisation"}).names
    ('O', 'B-person', 'B-organisation')
    """
    if task is Task.ENTITIES:
        return _entity_labels(found, mapping)
    unknown = [name for name in mapping if name not in found]
    if unknown:
        raise CheckpointError(
            f"the label map names {unknown[0]!r}, but the checkpoint's labels are "
            f"{', '.join(found)}"
        )
    ours = [mapping.get(name, name) for name in found]
    return _sentiment_labels(found, ours) if task is Task.SENTIMENT else _topic_labels(found, ours)


def read_label_map(file: Path) -> dict[str, str]:
    """Our label for each of a checkpoint's, from a flat TOML file. Raises CheckpointError."""
    try:
        mapping = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise CheckpointError(f"label map {file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CheckpointError(f"label map {file} is not TOML: {error}") from error
    for name, label in mapping.items():
        if not isinstance(label, str):
            raise CheckpointError(
                f'label map {file}: {name} is {label!r}, expected a line like "{name}" = "label"'
            )
    return mapping


def read_texts(file: Path) -> list[str]:
    """The `text` of every line of a JSONL file. Raises SetupError."""
    texts = []
    for number, line in numbered_lines(str(file)):
        try:
            texts.append(_text(line))
        except ValueError as error:
            raise CheckpointError(
                f'{file}, line {number}: {error}; every line must be like {{"text": "…"}}'
            ) from error
    if not texts:
        raise CheckpointError(f"{file} has no texts")
    return texts


def read_card(folder: Path) -> Card:
    """Licence, languages and data of a checkpoint, as far as its README.md tells them."""
    file = folder / "README.md"
    if not file.is_file():
        return Card()
    text = file.read_text("utf-8", errors="replace")
    match = _FRONT_MATTER.match(text)
    if match is None:
        return Card(text=text.strip())
    try:
        facts = YAML(typ="safe", pure=True).load(StringIO(match[1]))
    except YAMLError as error:
        first = str(error).splitlines()[0]
        raise CheckpointError(f"{file}: the front matter is not YAML: {first}") from error
    facts = facts if isinstance(facts, dict) else {}
    licence = facts.get("license")
    if licence in ("other", "unknown"):
        licence = facts.get("license_name")
    return Card(
        licence=str(licence) if licence else None,
        languages=_languages(facts.get("language")),
        data=tuple(map(str, _several(facts.get("datasets")))),
        text=text[match.end() :].strip(),
    )


def forbids_commerce(licence: str) -> bool:
    """Whether the name of a licence says that it does.

    >>> forbids_commerce("CC-BY-NC-4.0"), forbids_commerce("apache-2.0")
    (True, False)
    """
    return bool({"nc", "noncommercial"} & set(re.split(r"[^a-z]+", licence.lower())))


def _text(line: str) -> str:
    row = json.loads(line)
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise ValueError("it has no text")
    text: str = row["text"]
    text.encode()  # a byte that was no UTF-8
    return text


def _sentiment_labels(found: Sequence[str], ours: Sequence[str]) -> Labels:
    groups: dict[str, list[int]] = {label: [] for label in SENTIMENTS}
    for number, label in enumerate(ours):
        if label.casefold() not in groups:
            raise _unmapped(found[number], label, SENTIMENTS)
        groups[label.casefold()].append(number)
    for needed in ("negative", "positive"):
        if not groups[needed]:
            raise CheckpointError(f"no label of the checkpoint ({', '.join(found)}) is {needed}")
    return Labels(SENTIMENTS, tuple(map(tuple, groups.values())))


def _topic_labels(found: Sequence[str], ours: Sequence[str]) -> Labels:
    known = concepts.read()
    groups: dict[str, list[int]] = {}
    for number, label in enumerate(ours):
        if not label:  # mapped to nothing
            continue
        if label not in known:
            raise _unmapped(found[number], label, _TOPIC_EXAMPLES)
        groups.setdefault(label, []).append(number)
    if not groups or any(len(group) == len(found) for group in groups.values()):
        raise CheckpointError("the labels must name at least one topic, and not one for all texts")
    return Labels(tuple(groups), tuple(map(tuple, groups.values())))


def _entity_labels(found: Sequence[str], mapping: Mapping[str, str]) -> Labels:
    marks = [_TAG.fullmatch(name) for name in found]
    types = dict.fromkeys(match[2] for match in marks if match)
    unknown = [name for name in mapping if name not in types and name not in found]
    if unknown:
        raise CheckpointError(
            f"the label map names {unknown[0]!r}, but the checkpoint's types are {', '.join(types)}"
        )
    groups: dict[str, list[int]] = {OUTSIDE: []}
    groups |= {f"{mark}-{kind}": [] for kind in ENTITY_TYPES for mark in "BI"}
    for number, (name, match) in enumerate(zip(found, marks, strict=True)):
        kind = mapping.get(name) or (mapping.get(match[2], match[2]) if match else name)
        kind = SPELLINGS.get(kind.casefold(), kind)
        if kind == OUTSIDE:
            groups[OUTSIDE].append(number)
        elif match is None or kind not in ENTITY_TYPES:
            raise _unmapped(match[2] if match else name, kind, (*ENTITY_TYPES, OUTSIDE))
        else:
            groups[f"{'B' if match[1] in _BEGINS else 'I'}-{kind}"].append(number)
    if not groups[OUTSIDE]:
        raise CheckpointError(f"no label of the checkpoint ({', '.join(found)}) is {OUTSIDE}")
    for kind in ENTITY_TYPES:
        if groups[f"I-{kind}"] and not groups[f"B-{kind}"]:
            raise CheckpointError(
                f"the checkpoint marks the inside of a {kind} but never its beginning (IOB1): its "
                "entities cannot be told apart; train it with IOB2 tags"
            )
    kept = {label: group for label, group in groups.items() if group}
    return Labels(tuple(kept), tuple(map(tuple, kept.values())))


def _unmapped(name: str, label: str, known: Sequence[str]) -> CheckpointError:
    said = f"label {name!r}" if name == label else f"label {name!r}, mapped to {label!r},"
    return CheckpointError(
        f"{said} is none of {', '.join(known)}; say what each label means in a TOML file with "
        f'lines like "{name}" = "{known[0]}", and pass it as --label-map FILE'
    )


def _kind(config: Mapping[str, Any], folder: Path) -> str:
    """The name of the checkpoint's class; empty where it names none. Raises CheckpointError."""
    kinds = config.get("architectures") or []
    if not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds):
        raise CheckpointError(
            f"{folder}/config.json: architectures is {kinds!r}, expected a list like "
            '["BertForSequenceClassification"]'
        )
    return kinds[0] if kinds else ""


def _check_files(folder: Path) -> None:
    if not (folder / "tokenizer.json").is_file():
        raise CheckpointError(
            f"{folder} has no tokenizer.json; write one with transformers: "
            "AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)"
        )
    weights = ("model.safetensors", "model.safetensors.index.json")
    if not any((folder / name).is_file() for name in weights):
        raise CheckpointError(
            f"{folder} has no model.safetensors; pickled weights can run code and are not read: "
            "convert them where you trust them, model.save_pretrained(DIR)"
        )


def _limit(folder: Path, wanted: int | None) -> int:
    """Tokens, by the files of the tokenizer; the position table may still lower it."""
    told = [
        _object(folder / "tokenizer_config.json", missing={}).get("model_max_length"),
        _object(folder / "sentence_bert_config.json", missing={}).get("max_seq_length"),
    ]
    limits = [int(limit) for limit in told if limit is not None and limit < _UNLIMITED]
    most = min(limits, default=MOST_TOKENS if wanted is None else wanted)
    if wanted is not None and wanted > most:
        raise CheckpointError(f"--max-tokens is {wanted}, but {folder} reads {most} tokens at most")
    return min(most, MOST_TOKENS) if wanted is None else wanted


def _sentence_modules(folder: Path) -> tuple[str, tuple[Dense, ...]]:
    """Pooling and dense layers, as sentence-transformers lists them in modules.json."""
    dense = []
    for module in _json(folder / "modules.json", missing=[]):
        kind = str(module["type"]).rpartition(".")[2]
        if kind == "Dense":
            at = folder / module["path"]
            config = _object(at / "config.json")
            activation = str(config.get("activation_function", "")).rpartition(".")[2]
            if activation not in ("Tanh", "Identity") or config.get("use_residual"):
                raise CheckpointError(f"{at}: cannot export a dense layer with {activation}")
            dense.append(Dense(at, activation))
        elif kind not in ("Transformer", "Pooling", "Normalize"):
            raise CheckpointError(f"{folder}/modules.json: cannot export a module {kind}")
    return _pooling(folder), tuple(dense)


def _pooling(folder: Path) -> str:
    config = _object(folder / "1_Pooling" / "config.json", missing={})
    old = {
        "pooling_mode_cls_token": "cls",
        "pooling_mode_max_tokens": "max",
        "pooling_mode_mean_tokens": "mean",
        "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
        "pooling_mode_weightedmean_tokens": "weightedmean",
        "pooling_mode_lasttoken": "lasttoken",
    }
    modes = _several(config.get("pooling_mode")) or [m for key, m in old.items() if config.get(key)]
    if not config:
        modes = ["mean"]
    if len(modes) != 1 or modes[0] not in _POOLINGS:
        raise CheckpointError(
            f"{folder}/1_Pooling/config.json: pooling {' and '.join(modes) or 'of no kind'}; can "
            f"export one of {', '.join(_POOLINGS)}"
        )
    # a mean and a sum point the same way, and the vector is scaled to length 1
    return "mean" if modes[0] == "mean_sqrt_len_tokens" else str(modes[0])


def _languages(value: Any) -> tuple[str, ...]:
    """Codes among the languages of a card; it may also say `multilingual`."""
    codes = []
    for name in map(str, _several(value)):
        try:
            codes.append(language_codes.short(name))
        except ValueError:
            continue
    return tuple(dict.fromkeys(codes))


def _several(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _json(file: Path, missing: Any = None) -> Any:
    """The content of a JSON file, or `missing` where that is given and there is no file."""
    try:
        return json.loads(file.read_text("utf-8"))
    except OSError as error:
        if missing is not None and isinstance(error, FileNotFoundError):
            return missing
        raise CheckpointError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CheckpointError(f"{file} is not JSON: {error}") from error


def _object(file: Path, missing: Any = None) -> dict[str, Any]:
    """`_json` of a file that must hold an object."""
    found = _json(file, missing)
    if not isinstance(found, dict):
        raise CheckpointError(
            f"{file} holds no JSON object; write it anew with transformers: save_pretrained(DIR)"
        )
    return found
