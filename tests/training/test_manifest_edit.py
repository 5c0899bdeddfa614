"""A manifest is edited as a careful person would: nothing else moves, and nothing breaks."""

import hashlib
import shutil
from pathlib import Path

import pytest

from models.manifest import SHIPPED, ModelEntry, Route, read
from schemas.errors import ModelFileError
from training import manifest_edit
from training.manifest_edit import edit_routes, register, remove

WEIGHTS = b"weights"
DIGEST = hashlib.sha256(WEIGHTS).hexdigest()

WRITTEN = f"""\
# Models of the desk.
# Edited by hand.

# The old one.
[models.old]
version = "1"  # 2024
file = "old.onnx"
sha256 = "{DIGEST}"
licence = "MIT"
source = "our own"
card = "OLD.md"

# Below: who answers what.

# English first.
[[routes]]
task = "sentiment"  # tone, too
head = "sentiment/old"
model = "old"
output = "logits"
labels = ["negative", "neutral", "positive"]
languages = ["en", "de"]

[routes.metrics]
"SST-2: accuracy" = 0.9  # by us

# Topics of everything else.
[[routes]]
task = "topics"
head = "topics/old"
model = "old"
output = "topic_logits"
languages = ["en"]
"""


def entry(**changes):
    values = {
        "version": "1",
        "file": "new.onnx",
        "sha256": DIGEST,
        "licence": "Apache-2.0",
        "source": "a checkpoint",
        "card": "NEW.md",
    }
    return ModelEntry(**values | changes)


def route(task="sentiment", languages=("de",), model="new", **changes):
    values = {"head": f"{task}/{model}", "output": "logits"}
    return Route(task=task, model=model, languages=languages, **values | changes)


@pytest.fixture
def manifest(tmp_path):
    for name in ("old.onnx", "new.onnx", "NEW.md", "OLD.md"):
        (tmp_path / name).write_bytes(WEIGHTS)
    path = tmp_path / "manifest.toml"
    path.write_text(WRITTEN, "utf-8")
    return path


def routed(path):
    return [(r.task, r.model) for r in read(path).routes]


def test_new_model_is_read_back_as_it_was_registered(manifest):
    new = entry(data=("ours, CC0",), max_tokens=64, commercial=False)
    answers = route(
        labels=("negative", "neutral", "positive"),
        temperature=1.25,
        metrics={"tweets, German: macro F1": 0.61},
    )
    register(manifest, "new", new, [answers])
    read_back = read(manifest)
    assert read_back.models["new"] == new
    assert read_back.routes[0] == answers


def test_what_is_not_named_stays_to_the_letter(manifest):
    register(manifest, "new", entry(), [route()])
    left = manifest.read_text("utf-8")
    for block in WRITTEN.split("\n\n"):
        assert block.strip("\n") in left


def test_comment_stays_above_what_it_speaks_of(manifest):
    register(manifest, "new", entry(), [route(), route("topics", ["en"])])
    left = manifest.read_text("utf-8")
    assert '# English first.\n[[routes]]\ntask = "sentiment"  # tone, too' in left
    assert "# Topics of everything else.\n[[routes]]" in left


def test_new_route_stands_before_those_it_competes_with(manifest):
    register(manifest, "new", entry(), [route("topics", ["en", "fr"]), route("entities")])
    assert routed(manifest) == [
        ("sentiment", "old"),
        ("topics", "new"),
        ("topics", "old"),
        ("entities", "new"),
    ]
    assert [r.model for r in read(manifest).routes_for("en")] == ["old", "new"]


def test_route_of_another_language_stands_last(manifest):
    register(manifest, "new", entry(), [route(languages=["fr"])])
    assert routed(manifest)[-1] == ("sentiment", "new")


def test_route_that_only_evaluates_stands_last(manifest):
    register(manifest, "new", entry(), [route(jobs=False)])
    assert routed(manifest)[-1] == ("sentiment", "new")


def test_newer_answer_for_a_head_stands_first_though_it_only_evaluates(manifest):
    for of_head in ("sentiment/old", "topics/old"):
        task = of_head.partition("/")[0]
        register(manifest, "new", entry(), [route(task, ["en"], head=of_head, jobs=False)])
        assert [r.model for r in read(manifest).heads(of_head)] == ["new", "old"]


def test_routes_of_one_model_keep_their_order(manifest):
    new = [route(head="sentiment/one"), route(head="sentiment/two"), route("entities")]
    register(manifest, "new", entry(), new)
    assert list(read(manifest).routes)[:2] == new[:2]


def test_edited_route_stays_in_its_place_and_nothing_else_changes(manifest):
    """Even where a new route would stand before those that it competes with."""
    register(manifest, "new", entry(), [route(jobs=True)])
    before, text = read(manifest).routes, manifest.read_text()

    def edited(old):
        cooler = old.model_copy(update={"temperature": 3.0})
        return cooler if old.head == "topics/old" else old

    edit_routes(manifest, edited)
    assert read(manifest).routes == tuple(map(edited, before))
    added = [line for line in manifest.read_text().split("\n") if line not in text.split("\n")]
    assert added == ["temperature = 3.0"]


def test_second_registration_replaces_the_first(manifest):
    register(manifest, "new", entry(), [route(), route("topics", ["en"])])
    register(manifest, "new", entry(version="2"), [route(temperature=2.0)])
    found = read(manifest)
    assert found.models["new"].version == "2"
    assert [r.temperature for r in found.routes if r.model == "new"] == [2.0]


def test_another_name_of_an_answer_stays_with_its_new_calibration(manifest):
    also = route(head="sentiment/tweets", jobs=False, metrics={"tweets: macro F1": 0.6})
    register(manifest, "new", entry(), [route(), also, route("topics", ["en"])])
    register(manifest, "new", entry(version="2"), [route(temperature=2.0)])
    found = [r for r in read(manifest).routes if r.model == "new"]
    assert [(r.head, r.temperature) for r in found] == [
        ("sentiment/new", 2.0),
        ("sentiment/tweets", 2.0),
    ]
    assert found[1].metrics == also.metrics
    assert not found[1].jobs


def test_route_whose_labels_the_model_no_longer_has_goes(manifest):
    also = route(head="sentiment/tweets", labels=("bad", "good"), jobs=False)
    register(manifest, "new", entry(), [route(labels=("bad", "good")), also])
    register(manifest, "new", entry(version="2"), [route(labels=("bad", "fair", "good"))])
    assert [r.head for r in read(manifest).routes if r.model == "new"] == ["sentiment/new"]


def test_same_registration_changes_nothing(manifest):
    register(manifest, "new", entry(), [route(metrics={"x: F1": 0.5})])
    first = manifest.read_text("utf-8")
    register(manifest, "new", entry(), [route(metrics={"x: F1": 0.5})])
    assert manifest.read_text("utf-8") == first


def test_changed_field_keeps_its_comment(manifest):
    old = read(manifest)
    register(
        manifest,
        "old",
        old.models["old"].model_copy(update={"version": "2"}),
        [
            old.routes[0].model_copy(update={"metrics": {"SST-2: accuracy": 0.95, "new": 0.5}}),
            old.routes[1],
        ],
    )
    left = manifest.read_text("utf-8")
    assert '# The old one.\n[models.old]\nversion = "2"  # 2024\n' in left
    assert '"SST-2: accuracy" = 0.95  # by us\n' in left
    assert read(manifest).routes[0].metrics == {"SST-2: accuracy": 0.95, "new": 0.5}


def test_long_lists_are_wrapped_and_read_back(manifest):
    labels = tuple(f"medtop:{number:08}" for number in range(1200))
    thresholds = tuple(0.5 + number / 10_000 for number in range(1200))
    register(manifest, "new", entry(), [route(labels=labels, thresholds=thresholds)])
    new = read(manifest).routes[0]
    assert (new.labels, new.thresholds) == (labels, thresholds)
    assert max(map(len, manifest.read_text("utf-8").splitlines())) <= 100


def test_order_of_finer_types_is_the_order_of_the_outputs(manifest):
    one = {f"type {number}": "person" for number in range(40)}
    other = dict(sorted(one.items(), reverse=True)) | {"last": "place"}
    for fine in (one, other, one):
        register(manifest, "new", entry(), [route("entities", fine_labels=fine, jobs=False)])
        assert list(read(manifest).routes[-1].fine_labels.items()) == list(fine.items())
    assert max(map(len, manifest.read_text("utf-8").splitlines())) <= 100


def test_field_that_comes_later_stands_above_the_tables_of_a_route(manifest):
    old = read(manifest)
    changed = old.routes[0].model_copy(update={"temperature": 1.5})
    register(manifest, "old", old.models["old"], [changed, old.routes[1]])
    assert read(manifest).routes[0] == changed


def test_shipped_manifest_can_be_edited(tmp_path):
    shutil.copytree(SHIPPED.parent, tmp_path / "models", ignore=shutil.ignore_patterns("*.py"))
    path = tmp_path / "models" / "manifest.toml"
    before = path.read_text("utf-8")
    shipped = read(path)
    for name, model in shipped.models.items():
        register(path, name, model, [r for r in shipped.routes if r.model == name])
    assert path.read_text("utf-8") == before


def test_name_with_a_dot_is_quoted(manifest):
    register(manifest, "new.v2", entry(), [route(model="new.v2")])
    assert read(manifest).models["new.v2"] == entry()
    remove(manifest, "new.v2")
    assert manifest.read_text("utf-8") == WRITTEN


def test_removed_model_leaves_the_rest_to_the_letter(manifest):
    register(manifest, "new", entry(), [route(), route("topics", ["en"])])
    assert remove(manifest, "new") == (Path("new.onnx"), Path("NEW.md"))
    assert manifest.read_text("utf-8") == WRITTEN


def test_last_route_can_go_and_another_come(manifest):
    register(manifest, "new", entry(), [])
    remove(manifest, "old")
    assert read(manifest).routes == ()
    register(manifest, "new", entry(), [route()])
    assert routed(manifest) == [("sentiment", "new")]
    assert "routes = []" not in manifest.read_text("utf-8")


def test_last_model_stays(manifest):
    with pytest.raises(ModelFileError, match="old is the only model"):
        remove(manifest, "old")


def test_files_that_another_model_needs_are_not_left_over(manifest):
    register(manifest, "new", entry(file="old.onnx"), [route()])
    assert remove(manifest, "new") == (Path("NEW.md"),)


@pytest.mark.parametrize(
    ("name", "new", "routes", "complaint"),
    [
        ("new", entry(sha256="0" * 64), [], r"new\.onnx has sha256 "),
        ("new", entry(file="absent.onnx"), [], r"absent\.onnx cannot be read"),
        ("new", entry(), [route(model="other")], "names model other"),
    ],
)
def test_what_would_stop_a_job_is_not_registered(manifest, name, new, routes, complaint):
    with pytest.raises(ModelFileError, match=complaint):
        register(manifest, name, new, routes)
    assert manifest.read_text("utf-8") == WRITTEN
    assert not list(manifest.parent.glob(".manifest*"))


def test_model_that_a_route_needs_is_not_lost(manifest, monkeypatch):
    """A result that is no manifest never replaces one."""
    monkeypatch.setattr(manifest_edit, "_put_route", lambda blocks, *_: blocks.clear())
    with pytest.raises(ModelFileError, match=r"manifest\.toml"):
        register(manifest, "new", entry(), [route()])
    assert manifest.read_text("utf-8") == WRITTEN


def test_unknown_model_is_named(manifest):
    with pytest.raises(ModelFileError, match="has no model absent; it has old"):
        remove(manifest, "absent")


@pytest.mark.parametrize(
    "text",
    [
        WRITTEN.replace("[models.old]", "[models]\n[models.'old']").replace(
            "[models.'old']", '[ "models" . old ]'
        ),
        "routes = []\n[models]\nold = { version = '1', file = 'old.onnx', sha256 = '', "
        "licence = '', source = '', card = '' }\n",
    ],
)
def test_manifest_written_in_another_way_is_refused_not_garbled(manifest, text):
    manifest.write_text(text, "utf-8")
    read(manifest)
    with pytest.raises(ModelFileError, match="cannot be edited"):
        register(manifest, "new", entry(), [route()])
    assert manifest.read_text("utf-8") == text


def test_manifest_of_ones_own_begins_with_the_shipped_models(tmp_path):
    path = tmp_path / "own" / "manifest.toml"
    manifest_edit.start(path)
    own, shipped = read(path), read(SHIPPED)
    assert own.models == shipped.models
    for name in own.models:
        assert own.model_file(name).parent.is_relative_to(tmp_path)
