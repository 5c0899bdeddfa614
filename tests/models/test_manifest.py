"""The manifest and the files it pins: what differs is refused by name."""

import hashlib
import re

import pytest

from models.analyzer import WORD_FREQUENCIES
from models.heads import HEADS
from models.language import LANGUAGE_MODEL
from models.manifest import SHIPPED, read
from schemas.errors import ModelFileError

WEIGHTS, TOKENIZER = b"weights", b"{}"

MODELS = f"""
[models.small]
version = "1.2"
file = "small.onnx"
sha256 = "{hashlib.sha256(WEIGHTS).hexdigest()}"
licence = "Apache-2.0"
source = "our own"
card = "CARD.md"
tokenizer = "tokenizer.json"
tokenizer_sha256 = "{hashlib.sha256(TOKENIZER).hexdigest()}"
max_tokens = 64

[models.plain]
version = "7"
file = "small.onnx"
sha256 = "{hashlib.sha256(WEIGHTS).hexdigest()}"
licence = "Apache-2.0"
source = "our own"
card = "CARD.md"
"""

ROUTES = """
[[routes]]
task = "embedding"
head = "embedding"
model = "small"
output = "vector"
languages = ["en", "de"]

[[routes]]
task = "embedding"
head = "embedding"
model = "plain"
output = "vector"
languages = ["de", "fr"]

[[routes]]
task = "topics"
head = "topics/iptc"
model = "plain"
output = "logits"
languages = ["de"]
"""

BLEND = 'kind = "blend"\nparts = ["{}"]\n'
"""Makes `plain` one."""


@pytest.fixture
def written(tmp_path):
    """Writes a manifest beside a model's files and reads it."""
    (tmp_path / "small.onnx").write_bytes(WEIGHTS)
    (tmp_path / "tokenizer.json").write_bytes(TOKENIZER)

    def write_and_read(text=MODELS + ROUTES):
        (tmp_path / "manifest.toml").write_text(text)
        return read(tmp_path / "manifest.toml")

    return write_and_read


def test_shipped_models_are_the_ones_in_the_manifest(manifest):
    for model, entry in manifest.models.items():
        assert entry.file in entry.pinned_files, model
        for file, sha256 in entry.pinned_files.items():
            assert manifest.verified(file, sha256).stat().st_size > 0


def test_shipped_manifest_has_what_the_analyzer_needs(manifest):
    assert {LANGUAGE_MODEL, WORD_FREQUENCIES} <= manifest.models.keys()
    assert set(manifest.tasks) <= HEADS.keys()


def test_shipped_jobs_use_only_what_may_be_used(manifest):
    for route in manifest.job_routes:
        assert manifest.entry(route.model).commercial, route.head


def test_shipped_jobs_find_topics_in_twenty_languages_and_entities_in_five(manifest):
    covered = {
        task: {
            lang for route in manifest.job_routes if route.task == task for lang in route.languages
        }
        for task in ("topics", "entities")
    }
    assert len(covered["topics"]) >= 20
    assert covered["entities"] >= {"en", "es", "nl", "de", "fr"}


@pytest.mark.parametrize("language", ["es", "nl"])
def test_taggers_that_learned_a_language_answer_for_it_where_they_may(manifest, language):
    taught = read(SHIPPED, non_commercial=True)
    for allowed, model in (
        (manifest, "entities-multi"),
        (taught, f"entities-conll2002-{language}"),
    ):
        routes = {route.task: route for route in allowed.routes_for(language)}
        assert routes["entities"].model == model


def test_shipped_models_have_their_cards(manifest):
    missing = [m for m, e in manifest.models.items() if not (SHIPPED.parent / e.card).is_file()]
    assert missing == []


def test_files_are_found_beside_the_manifest(written, tmp_path):
    manifest = written()
    assert manifest.model_file("small") == tmp_path / "small.onnx"
    assert manifest.tokenizer_file("small") == tmp_path / "tokenizer.json"


def test_first_route_of_each_task_that_covers_the_language_answers(written):
    manifest = written()
    assert manifest.tasks == ("embedding", "topics")
    found = {
        language: [(route.task, route.model) for route in manifest.routes_for(language)]
        for language in ("en", "de", "fr", "und")
    }
    assert found == {
        "en": [("embedding", "small")],
        "de": [("embedding", "small"), ("topics", "plain")],
        "fr": [("embedding", "plain")],
        "und": [],
    }


def test_route_that_is_not_for_the_jobs_is_only_evaluated(written):
    manifest = written(MODELS + ROUTES + "jobs = false\n")
    assert manifest.tasks == ("embedding",)
    assert [route.task for route in manifest.routes_for("de")] == ["embedding"]
    assert [route.task for route in manifest.heads("topics/iptc")] == ["topics"]
    assert manifest.find("topics", "plain") is not None


def test_models_that_forbid_commercial_use_answer_only_where_that_is_allowed(written, tmp_path):
    manifest = written(MODELS + "commercial = false\n" + ROUTES)
    assert [route.model for route in manifest.job_routes] == ["small"]
    assert manifest.routes_for("fr") == []
    allowed = read(tmp_path / "manifest.toml", non_commercial=True)
    assert [route.model for route in allowed.job_routes] == ["small", "plain", "plain"]


def test_route_of_a_task_and_model_is_found(written):
    manifest = written()
    assert manifest.find("embedding", "plain").languages == {"de", "fr"}
    assert manifest.find("topics", "small") is None
    assert [route.model for route in manifest.heads("embedding")] == ["small", "plain"]


def test_blend_is_read_by_its_parts(written):
    manifest = written(MODELS + BLEND.format("small") + ROUTES)
    assert (manifest.parts("plain"), manifest.parts("small")) == (("small",), ("small",))


def test_label_tells_name_and_version(written):
    assert written().label("small") == "small-1.2"


@pytest.mark.parametrize(("file", "kind"), [("small.onnx", "model"), ("tokenizer.json", "token")])
def test_changed_file_is_refused_with_both_digests(written, tmp_path, file, kind):
    manifest = written()
    (tmp_path / file).write_bytes(b"changed")
    found = hashlib.sha256(b"changed").hexdigest()
    expected = hashlib.sha256(WEIGHTS if kind == "model" else TOKENIZER).hexdigest()
    open_file = manifest.model_file if kind == "model" else manifest.tokenizer_file
    with pytest.raises(ModelFileError, match=rf"{file} has sha256 {found}.* expects {expected}"):
        open_file("small")


def test_missing_file_is_named(written, tmp_path):
    manifest = written()
    (tmp_path / "small.onnx").unlink()
    with pytest.raises(ModelFileError, match=r"small\.onnx cannot be read: No such file"):
        manifest.model_file("small")


def test_model_without_tokenizer_is_named(written):
    with pytest.raises(ModelFileError, match="model plain has no tokenizer"):
        written().tokenizer_file("plain")


def test_missing_manifest_is_named(tmp_path):
    with pytest.raises(ModelFileError, match=r"manifest\.toml cannot be read: No such file"):
        read(tmp_path / "manifest.toml")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (MODELS.replace("licence =", "license =") + ROUTES, r"models\.small\.licen[sc]e"),
        (MODELS + 'colour = "red"\n' + ROUTES, r"models\.plain\.colour"),
        ("colour = 1\n" + MODELS + ROUTES, r"colour: Extra inputs"),
        (MODELS + ROUTES + 'threshold = "high"\n', r"routes\.2\.threshold"),
        (MODELS.replace("= 64", '= "many"') + ROUTES, r"models\.small\.max_tokens"),
        (MODELS, r"routes: Field required"),
        (MODELS + ROUTES.replace('"plain"', '"absent"'), "task embedding names model absent"),
        (MODELS + 'encoder = "absent"\n' + ROUTES, "model plain names encoder absent"),
        (
            MODELS + 'kind = "blend"\n' + ROUTES,
            r"models\.plain: a blend, and nothing else, has parts",
        ),
        (MODELS + BLEND.format("absent") + ROUTES, "part absent, which is not there"),
        (MODELS + BLEND.format("plain") + ROUTES, "part plain, which is of kind blend"),
        (
            MODELS.replace("max_tokens", "commercial = false\nmax_tokens")
            + BLEND.format("small")
            + ROUTES,
            "plain is marked for commercial use, its part small is not",
        ),
        (MODELS + "[[routes", r"manifest\.toml"),
        (MODELS + 'adapter = "a.onnx"\n' + ROUTES, r"models\.plain: adapter and its sha256"),
        (MODELS + 'words = "a.safetensors"\n' + ROUTES, r"models\.plain: words and its sha256"),
        (MODELS + 'gpu_sha256 = "c0ffee"\n' + ROUTES, r"models\.plain: gpu_file and its"),
        (MODELS + ROUTES + "temperature = 0.0\n", r"routes\.2\.temperature"),
        (MODELS + ROUTES + "bias = 0.1\n", r"routes\.2.*a bias; this is a route of topics"),
        (
            MODELS + ROUTES + "multi_label = true\nshort = {tokens = 9, temperature = 2.0}\n",
            r"routes\.2.*only labels of which a text has one",
        ),
        (MODELS + ROUTES + "thresholds = [0.5]\n", r"routes\.2: 1 thresholds for 0 labels"),
    ],
    ids=[
        "misspelt key",
        "key too many in a model",
        "key too many at the top",
        "key too many in a route",
        "wrong type",
        "no routes",
        "route to an unknown model",
        "encoder that is not there",
        "blend of nothing",
        "blend of a model that is not there",
        "blend of a blend",
        "blend that hides what its part must not do",
        "not TOML",
        "adapter without its digest",
        "words without their digest",
        "digest without its file",
        "temperature of nothing",
        "bias of a class",
        "short texts with several labels",
        "thresholds of no labels",
    ],
)
def test_wrong_manifest_is_refused_by_name(written, text, complaint):
    with pytest.raises(ModelFileError, match=re.compile(complaint, re.DOTALL)):
        written(text)


def test_manifest_that_is_not_utf8_is_refused_by_name(tmp_path):
    (tmp_path / "manifest.toml").write_bytes(b"# caf\xe9\n[models]\n")
    with pytest.raises(ModelFileError, match=r"manifest\.toml"):
        read(tmp_path / "manifest.toml")


def test_model_that_is_not_in_the_manifest_is_named(written):
    with pytest.raises(ModelFileError, match=LANGUAGE_MODEL):
        written().model_file(LANGUAGE_MODEL)
