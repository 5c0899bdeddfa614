"""`wiredesk evaluate` with a model that the test makes."""

import json

import numpy as np
import pytest

from evaluation import sets
from evaluation.rows import TextRow
from models.manifest import SHIPPED
from schemas.errors import ModelFileError
from training import manifest_edit


class Model:
    labels = ("World", "Sports", "Business", "Sci/Tech")
    multi_label = False
    thresholds = None

    def predict(self, texts, languages):  # noqa: ARG002
        return np.array(
            [[0.7, 0.1, 0.1, 0.1] if "vote" in t else [0.1, 0.7, 0.1, 0.1] for t in texts],
            np.float32,
        )


@pytest.fixture(autouse=True)
def manifests(monkeypatch, tmp_path):
    """The folders of the manifests that models were opened from."""
    folders = []

    def opened(manifest, head):
        folders.append(manifest.folder)
        if head != "topics/agnews":
            raise ModelFileError(f"no model answers for head {head}")
        return Model()

    monkeypatch.setattr("models.predictor.open_predictor", opened)
    monkeypatch.setattr("cli.evaluate.SHARED_DATA", tmp_path / "nowhere")
    monkeypatch.delenv("WIREDESK_DATA_DIR", raising=False)
    return folders


@pytest.fixture
def rows(tmp_path):
    file = tmp_path / "rows.jsonl"
    lines = [
        {"text": "a vote", "label": "World"},
        {"text": "a goal", "label": "Sports"},
        {"text": "the vote", "label": "Business"},
        {"text": "the goal", "label": "2"},
    ]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return file


def test_head_is_measured_on_a_file(run, rows, tmp_path):
    out = tmp_path / "out.json"
    shown = run("evaluate", "topics/agnews", str(rows), "--json", str(out))
    assert shown.exit_code == 0, shown.output
    found = json.loads(out.read_text())
    assert found["head"] == "topics/agnews"
    assert found["metrics"]["accuracy"] == 0.75
    assert found["baselines"] == {}
    assert "no baseline: it has no rows to learn from; give --data-dir" in shown.stdout
    assert "expected calibration error" in shown.stdout


def test_heads_of_a_manifest_of_ones_own_are_measured(run, rows, tmp_path, manifests, monkeypatch):
    own = tmp_path / "own" / "manifest.toml"
    manifest_edit.start(own)
    assert run("evaluate", "topics/agnews", str(rows), "--manifest", str(own)).exit_code == 0
    monkeypatch.setenv("WIREDESK_MODELS_MANIFEST", str(own))
    assert run("evaluate", "topics/agnews", str(rows)).exit_code == 0
    monkeypatch.delenv("WIREDESK_MODELS_MANIFEST")
    assert run("evaluate", "topics/agnews", str(rows)).exit_code == 0
    assert manifests == [own.parent, own.parent, SHIPPED.parent]


def test_summaries_need_no_rows_to_learn_from(run, tmp_path, monkeypatch):
    class First:
        def choose(self, documents):
            return [[0] for _ in documents]

    monkeypatch.setattr("models.predictor.open_predictor", lambda *_: First())
    file = tmp_path / "rows.jsonl"
    file.write_text('{"sentences": ["Ada won.", "It rained."], "reference": "Ada won."}\n')
    shown = run("evaluate", "summary/news", str(file))
    assert shown.exit_code == 0, shown.output
    assert "lead3" in shown.stdout
    assert "no baseline" not in shown.stdout


def test_what_is_told_of_the_rows_stands_beside_why_there_is_no_baseline(
    run, tmp_path, monkeypatch
):
    class Tags:
        types = frozenset({"PER"})

        def predict(self, sentences, documents, languages, types):  # noqa: ARG002
            return [["O"] for _ in sentences]

    monkeypatch.setattr("models.predictor.open_predictor", lambda *_: Tags())
    file = tmp_path / "rows.jsonl"
    file.write_text('{"tokens": ["Ada", "left"], "tags": ["B-PER", "O"]}\n')
    shown = run("evaluate", "entities/news", str(file))
    assert "1 rows are longer than the model reads" in shown.stdout
    assert "no baseline: entities/news has no data set of its own" in shown.stdout


@pytest.mark.parametrize("out", ["nowhere/out.json", "."])
def test_figures_that_cannot_be_written_are_told_before_anything_is_measured(
    run, rows, tmp_path, manifests, out
):
    refused = run("evaluate", "topics/agnews", str(rows), "--json", str(tmp_path / out))
    assert refused.exit_code == 1
    assert f"{tmp_path / out} cannot be written: " in refused.stderr
    assert manifests == []


def test_fields_of_every_row_are_in_the_help(run):
    shown = run("evaluate", "entities/news", "--help").stdout
    assert all(f'"{field}"' in shown for field in ("spans", "document", "lang"))


def test_baseline_learns_from_the_rows_that_are_given(run, rows):
    shown = run("evaluate", "topics/agnews", str(rows), "--train", str(rows))
    assert shown.exit_code == 0, shown.output
    assert "tfidf" in shown.stdout


def test_wrong_row_ends_with_file_line_and_reason(run, rows):
    rows.write_text(rows.read_text() + '{"text": "x", "label": "Weather"}\n')
    shown = run("evaluate", "topics/agnews", str(rows))
    assert shown.exit_code == 1
    assert f"{rows}, line 5: label 'Weather' is none of" in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("topics/none",), "no model answers for head topics/none"),
        (("weather/today",), "there is no head 'weather/today'; known: topics/iptc"),
        (("HEAD",), "there is no head 'HEAD'"),
    ],
)
def test_unknown_head_is_one_line(run, rows, arguments, reason):
    shown = run("evaluate", *arguments, str(rows))
    assert shown.exit_code == 1
    assert reason in shown.stderr


def test_data_set_is_named_instead_of_a_file(run, tmp_path, monkeypatch):
    loaded = []

    def load(name, split, folder):
        loaded.append((name, split))
        return [TextRow("a vote", ("World",)), TextRow("a goal", ("Sports",))]

    monkeypatch.setattr(sets, "load", load)
    shown = run("evaluate", "topics/agnews", "set:agnews", "--data-dir", str(tmp_path))
    assert shown.exit_code == 0, shown.output
    assert loaded == [("agnews", "test"), ("agnews", "train"), ("agnews", "validation")]
    assert "topics/agnews on agnews: 2 rows" in shown.stdout


def test_everything_needs_the_data_sets(run):
    shown = run("evaluate", "--all")
    assert shown.exit_code == 1
    assert "WIREDESK_DATA_DIR" in shown.stderr


def test_all_measures_every_row_and_fails_below_a_floor(run, tmp_path, monkeypatch):
    written = tmp_path / "RESULTS.md"
    floors = tmp_path / "floors.toml"
    floor = 'head = "topics/agnews"\ndata = "agnews"\nmetric = "accuracy"\nsample_rows = 9\n'
    floors.write_text(f"[[floor]]\n{floor}sample = 0\nwhole = 0.9\n")
    monkeypatch.setattr("cli.evaluate.RESULTS", written)
    rows = [TextRow("a vote", ("World",)), TextRow("a vote", ("Sports",))]
    monkeypatch.setattr(sets, "load", lambda *_: rows)
    command = ("evaluate", "--all", "--write", "--data-dir", str(tmp_path), "--floors", str(floors))
    shown = run(*command)
    assert shown.exit_code == 1
    assert "below its floor: topics/agnews on agnews: accuracy 0.5000" in shown.stdout
    assert "**50.0**" in written.read_text()
    floors.write_text(f"[[floor]]\n{floor}sample = 0\nwhole = 0.5\n")
    assert run(*command).exit_code == 0


def test_heads_and_commands_are_in_the_help(run):
    shown = run("evaluate", "--help")
    assert "topics/agnews" in shown.stdout
    assert "extraction" in shown.stdout
    assert "--train" in run("evaluate", "topics/agnews", "--help").stdout


def test_unknown_head_names_the_known_ones(run, rows):
    refused = run("evaluate", "topics-agnews", str(rows))
    assert refused.exit_code == 1
    assert "there is no head 'topics-agnews'; known: " in refused.stderr
