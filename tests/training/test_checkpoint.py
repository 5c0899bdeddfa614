"""What a checkpoint's files say, read without its weights; what does not fit is refused by name."""

import gzip
import json

import pytest

from schemas.errors import SetupError
from training.checkpoint import (
    CheckpointError,
    Task,
    forbids_commerce,
    labels_for,
    read,
    read_card,
    read_label_map,
    read_texts,
    task_of,
)

CONLL = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG"]
TYPES = {"PER": "person", "ORG": "organisation"}


@pytest.fixture
def write(tmp_path):
    """Writes a checkpoint's text files; a name with None is left out."""

    def make(files=(), **config):
        values = {
            "architectures": ["BertForSequenceClassification"],
            "id2label": {"0": "negative", "1": "neutral", "2": "positive"},
        }
        contents = {
            "config.json": values | config,
            "tokenizer.json": {},
            "tokenizer_config.json": {"model_max_length": 10**30},
            "model.safetensors": {},
        }
        for name, content in (contents | dict(files)).items():
            if content is not None:
                (tmp_path / name).parent.mkdir(exist_ok=True)
                (tmp_path / name).write_text(json.dumps(content))
        return tmp_path

    return make


def refusal(folder, task=Task.SENTIMENT, **options):
    with pytest.raises(CheckpointError) as refused:
        read(folder, task, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_labels_are_put_into_our_order():
    labels = labels_for(Task.SENTIMENT, ["Positive", "negative", "NEUTRAL"], {})
    assert labels.names == ("negative", "neutral", "positive")
    assert labels.groups == ((1,), (2,), (0,))


def test_several_labels_may_mean_the_same():
    stars = ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"]
    tones = ["negative", "negative", "neutral", "positive", "positive"]
    labels = labels_for(Task.SENTIMENT, stars, dict(zip(stars, tones, strict=True)))
    assert labels.groups == ((0, 1), (2,), (3, 4))


def test_topics_that_are_mapped_to_nothing_are_left_out():
    mapping = {"World": "medtop:11000000", "Other": ""}
    labels = labels_for(Task.TOPICS, ["Other", "World"], mapping)
    assert (labels.names, labels.groups) == (("medtop:11000000",), ((1,),))


def test_entity_types_are_mapped_with_both_their_tags():
    labels = labels_for(Task.ENTITIES, CONLL, TYPES)
    assert labels.names == ("O", "B-person", "I-person", "B-organisation", "I-organisation")
    assert labels.groups == ((0,), (1,), (2,), (3,), (4,))


def test_usual_names_of_entity_types_need_no_map():
    found = ["O", "B-PER", "I-PER", "B-ORG", "B-LOC", "B-MISC"]
    labels = labels_for(Task.ENTITIES, found, {})
    assert dict(zip(labels.names, labels.groups, strict=True)) == {
        "O": (0,),
        "B-person": (1,),
        "I-person": (2,),
        "B-organisation": (3,),
        "B-place": (4,),
        "B-other": (5,),
    }
    assert labels_for(Task.ENTITIES, found, {"MISC": "O"}).groups[0] == (0, 5)


def test_tags_of_other_schemes_become_iob2():
    found = ["O", "B-PER", "I-PER", "E-PER", "S-PER"]
    labels = labels_for(Task.ENTITIES, found, {"PER": "person"})
    assert dict(zip(labels.names, labels.groups, strict=True)) == {
        "O": (0,),
        "B-person": (1, 4),
        "I-person": (2, 3),
    }


def test_type_can_be_mapped_to_no_entity():
    found = ["O", "B-person", "I-person", "B-DATE", "I-DATE"]
    assert labels_for(Task.ENTITIES, found, {"DATE": "O"}).groups == ((0, 3, 4), (1,), (2,))


@pytest.mark.parametrize(
    ("task", "found", "mapping", "complaint"),
    [
        (Task.SENTIMENT, ["LABEL_0", "LABEL_1"], {}, '"LABEL_0" = "negative"'),
        (Task.SENTIMENT, ["a", "b"], {"a": "happy"}, "'a', mapped to 'happy', is none of negative"),
        (Task.SENTIMENT, ["negative", "neutral"], {}, "is positive"),
        (Task.SENTIMENT, ["negative", "positive"], {"POS": "positive"}, "map names 'POS'"),
        (Task.TOPICS, ["World", "Sports"], {}, "--label-map FILE"),
        (Task.TOPICS, ["medtop:00000000", "x"], {"x": ""}, "medtop:00000000"),
        (Task.TOPICS, ["a", "b"], {"a": "", "b": ""}, "at least one topic"),
        (Task.TOPICS, ["a", "b"], dict.fromkeys("ab", "medtop:15000000"), "not one for all"),
        (Task.ENTITIES, [*CONLL, "B-DATE"], {}, '"DATE" = "person"'),
        (Task.ENTITIES, CONLL, TYPES | {"LOC": "place"}, "map names 'LOC'"),
        (Task.ENTITIES, ["O", "I-PER", "I-ORG"], TYPES, "never its beginning (IOB1)"),
        (Task.ENTITIES, CONLL[1:], TYPES, "is O"),
    ],
)
def test_labels_that_are_not_ours_are_refused_with_what_to_write(task, found, mapping, complaint):
    with pytest.raises(CheckpointError) as refused:
        labels_for(task, found, mapping)
    assert complaint in str(refused.value)


def test_checkpoint_is_read_for_its_task(write):
    found = read(write(), Task.SENTIMENT)
    assert found.kind == "BertForSequenceClassification"
    assert found.max_tokens == 512
    assert not found.multi_label


def test_label_map_is_a_flat_toml_file(tmp_path):
    file = tmp_path / "labels.toml"
    file.write_text('"LABEL_0" = "negative"\nLABEL_1 = ""\n')
    assert read_label_map(file) == {"LABEL_0": "negative", "LABEL_1": ""}
    for content, complaint in (("[x]\ny = 1", "x is {'y': 1}"), ("x =", "is not TOML")):
        file.write_text(content)
        with pytest.raises(CheckpointError, match=complaint):
            read_label_map(file)
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_label_map(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("tokenizer", "sentences", "wanted", "limit"),
    [
        (None, None, None, 512),
        (128, None, None, 128),
        (512, 256, None, 256),
        (8192, None, None, 512),
        (8192, None, 1024, 1024),
        (512, None, 64, 64),
    ],
)
def test_longest_text_is_what_the_tokenizer_reads(write, tokenizer, sentences, wanted, limit):
    files = {
        "tokenizer_config.json": {"model_max_length": tokenizer} if tokenizer else None,
        "sentence_bert_config.json": {"max_seq_length": sentences} if sentences else None,
    }
    assert read(write(files), Task.SENTIMENT, max_tokens=wanted).max_tokens == limit


def test_more_than_the_tokenizer_reads_is_refused(write):
    folder = write({"tokenizer_config.json": {"model_max_length": 128}})
    assert "reads 128 tokens at most" in refusal(folder, max_tokens=256)


@pytest.mark.parametrize(
    ("config", "pooling"),
    [
        (None, "mean"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode": "max"}, "max"),
        ({"pooling_mode": ["mean_sqrt_len_tokens"]}, "mean"),
    ],
)
def test_pooling_is_what_the_files_say(write, config, pooling):
    folder = write({"1_Pooling/config.json": config}, architectures=["BertModel"])
    assert read(folder, Task.EMBEDDING).pooling == pooling


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"1_Pooling/config.json": {"pooling_mode": "lasttoken"}}, "pooling lasttoken"),
        ({"1_Pooling/config.json": {"pooling_mode": ["cls", "max"]}}, "pooling cls and max"),
        ({"modules.json": [{"type": "x.models.LSTM", "path": "2"}]}, "cannot export a module LSTM"),
    ],
)
def test_sentence_encoder_that_cannot_be_exported_is_refused(write, files, complaint):
    assert complaint in refusal(write(files, architectures=["BertModel"]), Task.EMBEDDING)


@pytest.mark.parametrize(
    ("task", "files", "config", "complaint"),
    [
        ("sentiment", {"config.json": None}, {}, "config.json cannot be read"),
        ("sentiment", {"tokenizer.json": None}, {}, "AutoTokenizer.from_pretrained"),
        ("sentiment", {"model.safetensors": None}, {}, "pickled weights can run code"),
        ("sentiment", {}, {"architectures": ["BertForMaskedLM"]}, "holds a BertForMaskedLM"),
        ("sentiment", {}, {"architectures": None}, "no named class"),
        ("sentiment", {}, {"problem_type": "regression"}, "with a number"),
        ("sentiment", {}, {"problem_type": "multi_label_classification"}, "several labels at once"),
        ("sentiment", {}, {"id2label": {"0": "x"}}, "at least two outputs"),
        ("entities", {}, {}, "…ForTokenClassification"),
        ("sentiment", {"config.json": []}, {}, "config.json holds no JSON object; write it anew"),
        ("sentiment", {}, {"id2label": {"a": "x", "b": "y"}}, "it has {'a': 'x', 'b': 'y'}"),
        ("sentiment", {}, {"id2label": ["negative", "positive"]}, '{"0": "negative"'),
        ("sentiment", {}, {"id2label": {"0": "x", "2": "y"}}, "0 and up"),
        (
            "sentiment",
            {},
            {"architectures": "BertForMaskedLM"},
            "is 'BertForMaskedLM', expected a list",
        ),
        ("sentiment", {"tokenizer_config.json": []}, {}, "tokenizer_config.json holds no JSON"),
        ("sentiment", {}, {"architectures": [None]}, "is [None], expected"),
    ],
)
def test_checkpoint_that_does_not_fit_is_refused(write, task, files, config, complaint):
    assert complaint in refusal(write(files, **config), Task(task))


def test_texts_are_read_by_line_from_packed_files_too(tmp_path):
    texts = ["one\u2028line\x85", "zwei"]
    content = "\n\n".join(json.dumps({"text": text}, ensure_ascii=False) for text in texts)
    plain, packed = tmp_path / "texts.jsonl", tmp_path / "texts.jsonl.gz"
    plain.write_text(content, "utf-8-sig")
    packed.write_bytes(gzip.compress(content.encode()))
    assert read_texts(plain) == read_texts(packed) == texts


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"{", "line 3: "),
        (b"[]", "line 3: it has no text"),
        (b'{"text": 5}', 'line 3: it has no text; every line must be like {"text": "…"}'),
        (b'{"text": "\xff"}', "line 3: "),
    ],
)
def test_line_that_is_no_text_is_named(tmp_path, line, complaint):
    file = tmp_path / "texts.jsonl"
    file.write_bytes(b'{"text": "x"}\n\n' + line)
    with pytest.raises(CheckpointError) as refused:
        read_texts(file)
    assert complaint in str(refused.value)


def test_texts_must_be_there(tmp_path):
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(CheckpointError, match="has no texts"):
        read_texts(tmp_path / "empty")
    with pytest.raises(SetupError, match="cannot be opened"):
        read_texts(tmp_path / "absent")


def test_unknown_task_is_refused_with_the_list():
    with pytest.raises(CheckpointError, match="there are sentiment, topics, entities, embedding"):
        task_of("horoscope")


def test_card_tells_licence_languages_and_data(tmp_path):
    (tmp_path / "README.md").write_text(
        "---\nlicense: apache-2.0\nlanguage:\n- deu\n- pt-BR\n- multilingual\n"
        "datasets: [germeval]\n---\n# Tone\n"
    )
    card = read_card(tmp_path)
    assert (card.licence, card.languages) == ("apache-2.0", ("de", "pt"))
    assert (card.data, card.text) == (("germeval",), "# Tone")


@pytest.mark.parametrize(
    "text", [None, "", "# Tone", "---\nlicense: other\n---\n", "---\n- x\n---\n"]
)
def test_card_that_tells_nothing_tells_nothing(tmp_path, text):
    if text is not None:
        (tmp_path / "README.md").write_text(text)
    card = read_card(tmp_path)
    assert (card.licence, card.languages, card.data) == (None, (), ())


def test_card_that_is_no_yaml_is_named(tmp_path):
    (tmp_path / "README.md").write_text("---\n{license\n---\n")
    with pytest.raises(CheckpointError, match="the front matter is not YAML"):
        read_card(tmp_path)


@pytest.mark.parametrize(
    ("licence", "forbidden"), [("cc-by-nc-sa-4.0", True), ("CC-BY-4.0", False), ("Francis", False)]
)
def test_licence_that_forbids_commerce_is_known_by_its_name(licence, forbidden):
    assert forbids_commerce(licence) is forbidden
