"""`wiredesk models`: what there is, whether it is whole, and models of one's own."""

import hashlib
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.console import Console

from cli import models
from models.manifest import SHIPPED, read

TONES = {"0": "POSITIVE", "1": "NEUTRAL", "2": "NEGATIVE"}


FILES = {
    "language_id/lid.ftz": b"languages",
    "minilm/encoder.int8.onnx": b"graph",
    "minilm/tokenizer.json": b"{}",
}
DIGESTS = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
WRITTEN = f"""\
[models.lid176]
version = "1"
file = "language_id/lid.ftz"
sha256 = "{DIGESTS["language_id/lid.ftz"]}"
licence = "CC-BY-SA-3.0"
source = "a test"
card = "language_id/MODEL_CARD.md"

[models.minilm]
version = "1"
file = "minilm/encoder.int8.onnx"
sha256 = "{DIGESTS["minilm/encoder.int8.onnx"]}"
licence = "Apache-2.0"
source = "a test"
card = "minilm/MODEL_CARD.md"
tokenizer = "minilm/tokenizer.json"
tokenizer_sha256 = "{DIGESTS["minilm/tokenizer.json"]}"
max_tokens = 256

[[routes]]
task = "embedding"
head = "embedding"
model = "minilm"
output = "sentence_embedding"
languages = ["en"]
"""


@pytest.fixture
def own(tmp_path):
    """A manifest of two small models of one's own."""
    for name, content in FILES.items():
        file = tmp_path / "own" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    path = tmp_path / "own" / "manifest.toml"
    path.write_text(WRITTEN)
    return path


@pytest.fixture
def checkpoint(tmp_path):
    """The text files of a checkpoint, with weights that nobody reads."""

    def write(name="tone-de", **config):
        folder = tmp_path / name
        folder.mkdir()
        values = {"architectures": ["BertForSequenceClassification"], "id2label": TONES}
        (folder / "config.json").write_text(json.dumps(values | config))
        (folder / "README.md").write_text(
            "---\nlicense: cc-by-nc-4.0\nlanguage: [de, multilingual]\n---\nTone of headlines.\n"
        )
        for file in ("tokenizer.json", "model.safetensors"):
            (folder / file).write_text("{}")
        return folder

    return write


@dataclass
class FakeExport:
    file: str = "model.onnx"
    tokenizer: str = "tokenizer.json"
    gpu_file: str | None = None
    max_tokens: int = 128
    checks: dict = field(default_factory=lambda: {"difference": 1e-6})


@pytest.fixture
def exporter(monkeypatch):
    """Writes two small files instead of a graph."""

    def export(_checkpoint, folder):
        (folder / "model.onnx").write_bytes(b"graph")
        (folder / "tokenizer.json").write_bytes(b"{}")
        return FakeExport()

    monkeypatch.setattr(models, "exporter", lambda *_: export)


def test_list_has_every_model_with_what_one_chooses_by(run):
    shown = run("models", "list", "--json")
    assert shown.exit_code == 0, shown.output
    rows = {row["model"]: row for row in json.loads(shown.stdout)}
    manifest = read(SHIPPED)
    assert rows.keys() == manifest.models.keys()
    assert rows["minilm"]["bytes"] > 20_000_000
    assert rows["minilm"]["tasks"] == list(
        dict.fromkeys(r.task for r in manifest.routes if r.model == "minilm")
    )
    assert rows["minilm"]["max_tokens"] == 256
    assert rows["lid176"]["licence"] == "CC-BY-SA-3.0"
    table = run("models", "list").stdout
    for name in rows:
        assert name in table


def test_list_is_read_in_eighty_columns(run, monkeypatch):
    monkeypatch.setattr(models, "out", Console(width=80))
    lines = run("models", "list").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    shown = [line.split() for line in lines]
    assert ["model", "version", "MB", "licence", "tasks", "languages"] in shown
    for name, entry in read(SHIPPED).models.items():
        (row,) = (line for line in lines if line.startswith(f"{name} "))
        assert row.split()[1] == entry.version
    words = {word for row in shown for word in row}
    assert {"non-commercial", "CC-BY-SA-3.0", "toxicity_kinds", "importance"} <= words


def test_list_tells_which_models_are_not_for_sale(run, own):
    own.write_text(own.read_text().replace('"Apache-2.0"', '"cc-by-nc-4.0"\ncommercial = false'))
    shown = run("models", "list", "--manifest", own).stdout
    assert "cc-by-nc-4.0" in shown
    assert shown.count("non-commercial") == 1


def test_show_tells_routes_and_card(run):
    shown = run("models", "show", "news").stdout
    for told in ("embedding", "sentence_embedding", "Apache-2.0", "news/MODEL_CARD.md"):
        assert told in shown
    told = json.loads(run("models", "show", "news", "--json").stdout)
    assert told["sha256"] == read(SHIPPED).models["news"].sha256
    assert "embedding" in {route["task"] for route in told["routes"]}


def test_model_that_is_not_there_is_named(run):
    shown = run("models", "show", "absent")
    assert shown.exit_code == 1
    assert "has no model absent; it has" in shown.stderr


def test_verify_is_content_with_whole_files(run, own):
    shown = run("models", "verify", "--manifest", own)
    assert shown.exit_code == 0, shown.output
    assert "are as" in shown.stdout


def test_verify_names_each_file_that_differs_with_both_digests(run, own):
    (own.parent / "minilm" / "tokenizer.json").write_bytes(b"changed")
    (own.parent / "language_id" / "lid.ftz").unlink()
    shown = run("models", "verify", "--manifest", own)
    assert shown.exit_code == 1
    missing, changed = sorted(shown.stdout.splitlines())
    assert missing.endswith("lid.ftz cannot be read: No such file or directory")
    for told in (
        hashlib.sha256(b"changed").hexdigest(),
        read(own).models["minilm"].tokenizer_sha256,
        "restore the file",
    ):
        assert told in changed


def test_manifest_of_the_setting_is_the_default(run, own, monkeypatch):
    monkeypatch.setenv("WIREDESK_MODELS_MANIFEST", str(own))
    (own.parent / "minilm" / "tokenizer.json").write_bytes(b"changed")
    assert run("models", "verify").exit_code == 1


def test_added_model_answers_its_task_in_its_languages(run, own, checkpoint, exporter):
    shown = run(
        "models", "add", "--checkpoint", checkpoint(), "--task", "sentiment", "--manifest", own
    )
    assert shown.exit_code == 0, shown.output
    assert (
        f"tone-de is used by the job with --set models_manifest={own} "
        "--set non_commercial_models=true"
    ) in shown.stdout
    manifest = read(own, non_commercial=True)
    entry = manifest.models["tone-de"]
    assert manifest.model_file("tone-de").read_bytes() == b"graph"
    assert manifest.tokenizer_file("tone-de").read_bytes() == b"{}"
    assert (entry.licence, entry.commercial, entry.max_tokens) == ("cc-by-nc-4.0", False, 128)
    (route,) = (r for r in manifest.routes if r.model == "tone-de")
    assert (route.task, route.head, route.output) == ("sentiment", "sentiment/tone-de", "logits")
    assert route.labels == ("negative", "neutral", "positive")
    assert next(r for r in manifest.routes_for("de") if r.task == "sentiment") == route
    card = (own.parent / entry.card).read_text()
    assert "Tone of headlines." in card
    assert str(own.parent.parent) not in card
    assert run("models", "verify", "--manifest", own).exit_code == 0


def test_added_model_can_be_removed_without_a_trace(run, own, checkpoint, exporter):
    before = own.read_text()
    files = set(own.parent.rglob("*"))
    run("models", "add", "--checkpoint", checkpoint(), "--task", "sentiment", "--manifest", own)
    shown = run("models", "remove", "tone-de", "--manifest", own)
    assert shown.exit_code == 0, shown.output
    assert own.read_text() == before
    assert set(own.parent.rglob("*")) == files


def test_files_that_were_not_added_are_left_where_they_are(run, own):
    files = set(own.parent.rglob("*"))
    shown = run("models", "remove", "minilm", "--manifest", own)
    assert "no model needs minilm/encoder.int8.onnx now" in shown.stdout
    assert "minilm" not in read(own).models
    assert set(own.parent.rglob("*")) == files


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("lid176", "it answers no task, other models need it"), ("absent", "has no model absent")],
)
def test_what_other_models_need_cannot_be_removed(run, own, name, complaint):
    shown = run("models", "remove", name, "--manifest", own)
    assert shown.exit_code == 1
    assert complaint in shown.stderr
    assert "lid176" in read(own).models


def test_manifest_that_does_not_exist_begins_with_the_shipped_models(
    run, tmp_path, checkpoint, exporter
):
    path = tmp_path / "new" / "manifest.toml"
    shown = run(
        "models", "add", "--checkpoint", checkpoint(), "--task", "sentiment", "--manifest", path
    )
    assert shown.exit_code == 0, shown.output
    assert read(path).models.keys() == {*read(SHIPPED).models, "tone-de"}
    assert (path.parent / "minilm" / "encoder.int8.onnx").is_file()


def test_model_that_only_evaluates_leaves_the_jobs_as_they_are(run, own, checkpoint, exporter):
    run("models", "add", "--checkpoint", checkpoint(), "--task", "sentiment", "--evaluate-only", "--manifest", own)  # fmt: skip
    assert [r.jobs for r in read(own).routes if r.model == "tone-de"] == [False]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--task", "horoscope"], "there are sentiment, topics, entities, embedding"),
        (["--task", "entities"], "task entities needs a …ForTokenClassification"),
        (["--task", "topics"], "--label-map FILE"),
        (["--task", "sentiment", "--name", "Über"], "cannot be called"),
        (["--task", "sentiment", "--name", "minilm"], "has a model minilm already"),
        (["--task", "sentiment", "--languages", "deutsch!"], "--languages deutsch!"),
    ],
)
def test_checkpoint_that_does_not_fit_is_refused_with_a_reason(
    run, own, checkpoint, exporter, options, complaint
):
    before = own.read_text()
    shown = run("models", "add", "--checkpoint", checkpoint(), "--manifest", own, *options)
    assert shown.exit_code == 1
    assert complaint in shown.stderr
    assert own.read_text() == before


@pytest.mark.parametrize(("front", "option"), [("", "--licence"), ("license: mit", "--languages")])
def test_licence_and_languages_must_be_known(run, own, checkpoint, exporter, front, option):
    folder = checkpoint()
    (folder / "README.md").write_text(f"---\n{front}\n---\n")
    shown = run("models", "add", "--checkpoint", folder, "--task", "sentiment", "--manifest", own)
    assert shown.exit_code == 1
    assert option in shown.stderr


def test_failed_export_leaves_nothing(run, own, checkpoint, monkeypatch):
    def fail(_checkpoint, folder):
        (folder / "half.onnx").write_bytes(b"x")
        raise models.SetupError("no")

    monkeypatch.setattr(models, "exporter", lambda *_: fail)
    files = set(own.parent.rglob("*"))
    shown = run(
        "models", "add", "--checkpoint", checkpoint(), "--task", "sentiment", "--manifest", own
    )
    assert shown.exit_code == 1
    assert set(own.parent.rglob("*")) == files


def test_missing_extra_is_named_before_anything_is_done(run, own, checkpoint, monkeypatch):
    monkeypatch.delitem(sys.modules, "training.export_checkpoint", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    shown = run(
        "models", "add", "--checkpoint", checkpoint(), "--task", "sentiment", "--manifest", own
    )
    assert shown.exit_code == 1
    assert "torch is not installed" in shown.stderr
    assert "pip install '.[training]'" in shown.stderr
    assert not list(Path(own.parent).glob(".tone-de*"))
