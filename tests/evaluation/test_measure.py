"""Evaluations of predictors that answer as the test says."""

import json
import re

import numpy as np
import pytest

from evaluation import measure
from evaluation.heads import find
from evaluation.rows import ScoreRow, SpanRow, SummaryRow, TagRow, TargetRow, TextRow
from models.tag_predictors import spelled


class Classes:
    """Answers with the probabilities it was given, text by text."""

    def __init__(self, labels, answers, *, several=False, thresholds=None):
        self.labels, self.multi_label, self.thresholds = labels, several, thresholds
        self._answers = answers
        self.asked = []

    def predict(self, texts, languages):
        self.asked += languages
        return np.array([self._answers[text] for text in texts], np.float32)


class Targets:
    labels = ("negative", "positive")

    def predict(self, rows):
        return np.array([[0.2, 0.8] if text[a:b] == "Ada" else [0.9, 0.1] for text, a, b in rows])


class Tags:
    types = frozenset({"PER"})

    def __init__(self):
        self.calls = []

    def predict(self, sentences, documents, languages, types):
        self.calls.append((len(sentences), documents, languages))
        assert types == {"PER"}
        return [["B-PER" if token.istitle() else "O" for token in s] for s in sentences]


class LastSentence:
    def choose(self, documents):
        return [[len(sentences) - 1] for sentences in documents]


class Lengths:
    def predict(self, texts, languages):
        return np.array(
            [np.nan if lang == "xx" else len(t) for t, lang in zip(texts, languages, strict=True)]
        )


def evaluate(head, rows, predictor, train=()):
    check = measure.checker(find(head), predictor)
    return measure.evaluate(find(head), "rows", [check(r) for r in rows], predictor, train)


def values(evaluation):
    return {name: measured.value for name, measured in evaluation.metrics.items()}


AGNEWS = Classes(
    ("World", "Sports"), {"a": [0.9, 0.1], "b": [0.4, 0.6], "c": [0.8, 0.2], "d": [0.3, 0.7]}
)
AGNEWS_ROWS = [
    TextRow("a", ("World",)),
    TextRow("b", ("2",)),
    TextRow("c", ("sports",)),
    TextRow("d", ("Sports",)),
]


def test_figures_of_classes_by_hand():
    found = evaluate("topics/agnews", AGNEWS_ROWS, AGNEWS)
    assert values(found)["accuracy"] == 0.75
    assert values(found)["macro_f1"] == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert values(found)["macro_recall"] == pytest.approx((1 + 2 / 3) / 2)
    assert values(found)["auroc"] == 1.0
    assert found.calibration.error == pytest.approx((0.1 + 0.4 + 0.8 + 0.3) / 4)
    assert found.baselines == {}


def test_json_has_the_keys_that_were_promised_and_no_others():
    found = json.loads(json.dumps(evaluate("topics/agnews", AGNEWS_ROWS, AGNEWS).as_json()))
    assert found.keys() == {"head", "data", "rows", "metrics", "baselines", "ece", "docs_per_s"}
    assert found["rows"] == 4
    assert found["docs_per_s"] > 0


def test_thresholds_decide_where_there_may_be_several():
    labels = ("earn", "acq")
    rows = [TextRow("a", ("earn", "acq")), TextRow("b", ())]
    answers = {"a": [0.6, 0.3], "b": [0.4, 0.1]}
    plain = Classes(labels, answers, several=True)
    tuned = Classes(labels, answers, several=True, thresholds=np.array([0.5, 0.3], np.float32))
    assert values(evaluate("topics/reuters", rows, plain))["accuracy"] == 0.5
    assert values(evaluate("topics/reuters", rows, tuned))["accuracy"] == 1.0
    error = evaluate("topics/reuters", rows, tuned).calibration.error
    assert error == pytest.approx((0.4 + 0.7 + 0.4 + 0.1) / 4)


def test_row_in_a_language_without_model_is_wrong_and_counted():
    nan = [np.nan, np.nan]
    model = Classes(("geography", "sports"), {"a": [0.9, 0.1], "b": nan})
    rows = [TextRow("a", ("geography",), "deu_Latn"), TextRow("b", ("geography",), "ace_Latn")]
    found = evaluate("topics/sib200", rows, model)
    assert (values(found)["accuracy"], found.unanswered) == (0.5, 1)
    assert model.asked == ["de", "ace"]
    assert found.calibration.error == pytest.approx(0.1)


def test_mean_of_languages_counts_each_alike():
    model = Classes(("geography", "sports"), {"a": [0.9, 0.1], "b": [0.1, 0.9]})
    rows = [*[TextRow("a", ("geography",), "de")] * 9, TextRow("b", ("geography",), "fr")]
    found = evaluate("topics/sib200", rows, model, train=rows)
    assert values(found)["macro_f1_mean_of_languages"] == 0.5
    assert 0 <= found.baselines["tfidf"]["macro_f1_mean_of_languages"] <= 1


def test_language_is_not_told_what_it_is_to_find():
    model = Classes(("de", "fr"), {"Hallo": [1.0, 0.0], "Azul": [0.0, 0.3]})
    rows = [TextRow("Hallo", ("deu",), "deu"), TextRow("Azul", ("ber",), "ber")]
    found = evaluate("language", rows, model)
    assert model.asked == [None, None]
    assert values(found)["accuracy"] == 0.5
    assert "fasttext" in found.baselines


def test_unknown_label_and_language_are_refused():
    check = measure.checker(find("topics/agnews"), AGNEWS)
    with pytest.raises(ValueError, match="label 'Weather' is none of"):
        check(TextRow("a", ("Weather",)))
    with pytest.raises(ValueError, match="language '!'"):
        check(TextRow("a", ("World",), "!"))


def test_targets_and_their_baselines():
    rows = [
        TargetRow("Ada beats Eve", 0, 3, "positive"),
        TargetRow("Ada beats Eve", 10, 13, "negative"),
    ]
    found = evaluate("sentiment/target", rows, Targets(), train=rows * 2)
    assert values(found)["macro_f1"] == 1.0
    assert found.baselines["majority"]["accuracy"] == 0.5
    assert found.baselines["tfidf"]["accuracy"] == 0.5


def test_target_without_a_token_is_told_as_that():
    class Nothing(Targets):
        def predict(self, rows):
            return np.full((len(rows), 2), np.nan)

    found = evaluate("sentiment/target", [TargetRow("Ada  left", 3, 4, "positive")], Nothing())
    assert (found.unanswered, values(found)["accuracy"]) == (1, 0.0)
    assert "no token" in found.why_unanswered


def test_sentences_of_a_document_are_asked_together():
    model = Tags()
    rows = [TagRow(("Ada", "left"), ("B-PER", "O"), n // 100, "en") for n in range(600)]
    found = evaluate("entities/conll2003", rows, model, train=rows[:1])
    assert values(found)["entity_f1"] == 1.0
    assert found.baselines["gazetteer"]["entity_f1"] == 1.0
    assert [size for size, _, _ in model.calls] == [300, 300]
    assert set(model.calls[0][1]) == {0, 1, 2}


def test_sentences_without_documents_are_asked_alone():
    model = Tags()
    evaluate("entities/news", [TagRow(("Ada",), ("B-PER",))] * 3, model)
    assert model.calls == [(3, None, [None, None, None])]


class AsAsked:
    """Tags every name with the type asked for that means a person; reads two words."""

    types = frozenset({"person", "place"})

    def predict(self, sentences, documents, languages, types):  # noqa: ARG002
        self.asked, kind = types, spelled("person", types)
        return [
            [f"B-{kind}" if t.istitle() and kind else "O" for t in s[:2]] if lang != "xx" else []
            for s, lang in zip(sentences, languages, strict=True)
        ]


def test_types_are_those_of_the_rows_however_the_baselines_rows_spell_them():
    rows = [TagRow(("Ada", "left"), ("B-person", "O")), TagRow(("Eve",), ("B-person",))]
    train = [TagRow(("Ada", "in", "Oslo"), ("B-PER", "O", "B-LOC")), TagRow(("Eve",), ("B-PER",))]
    found = evaluate("entities/conll2003", rows, AsAsked(), train=train)
    assert values(found)["entity_f1"] == 1.0
    assert found.baselines["gazetteer"]["entity_f1"] == 1.0


def test_rows_without_names_are_asked_for_the_types_of_the_baselines_rows():
    model, train = AsAsked(), [TagRow(("Ada",), ("B-PER",))]
    evaluate("entities/conll2003", [TagRow(("Monday",), ("O",))], model, train=train)
    assert model.asked == {"PER"}


def test_sentences_that_no_model_answers_or_reads_whole_are_told():
    rows = [
        TagRow(("Ada", "left"), ("B-PER", "O")),
        TagRow(("we", "saw", "Ada"), ("O", "O", "B-PER")),
        TagRow(("Ada",), ("B-PER",), lang="xx"),
    ]
    found = evaluate("entities/conll2003", rows, AsAsked())
    assert values(found)["entity_recall"] == pytest.approx(1 / 3)
    assert found.unanswered == 1
    assert found.remarks == (
        "1 rows are longer than the model reads; the rest of them has no names",
    )


def test_types_that_the_model_never_answers_with_are_told():
    tags = ("B-LOC", "B-GPE", "B-PER", "B-drug")
    rows = [TagRow(("Alps", "Oslo", "Ada", "aspirin"), tags)]
    (remark,) = evaluate("entities/news", rows, AsAsked()).remarks[1:]
    assert remark == "types that the model never answers with: GPE, drug"


def test_summaries_are_compared_with_the_first_three_sentences():
    row = SummaryRow(
        ("Rain fell .", "It was wet .", "Cats hid .", "Ada won the vote ."), "Ada won the vote ."
    )
    found = evaluate("summary", [row], LastSentence())
    assert values(found)["rouge1"] == 1.0
    assert values(found)["rougeL_over_lead3"] == pytest.approx(
        1 - found.baselines["lead3"]["rougeL"]
    )


def test_scores_leave_out_what_has_none():
    rows = [ScoreRow("a", 1), ScoreRow("aa", 2), ScoreRow("aaa", 3), ScoreRow("a", 9, "xx")]
    found = evaluate("importance", rows, Lengths())
    assert values(found)["spearman"] == pytest.approx(1.0)
    assert found.unanswered == 1
    assert found.why_unanswered.endswith("they are left out")


def test_scores_of_no_row_have_no_figures():
    rows = [ScoreRow("a", 1, "xx"), ScoreRow("aa", 2, "xx")]
    found = evaluate("importance", rows, Lengths(), train=rows)
    assert (found.metrics, found.baselines, found.unanswered) == ({}, {}, 2)


class Shouted:
    """Finds words in capitals."""

    def predict(self, texts):
        return [[word.span() for word in re.finditer(r"[A-Z]+", text)] for text in texts]


def test_marked_characters_are_compared_text_by_text():
    rows = [SpanRow("you FOOL", (4, 5, 6, 7)), SpanRow("NO way", (0, 1, 2, 3)), SpanRow("ok", ())]
    train = [SpanRow("fool, no", (0, 1, 2, 3)), SpanRow("no", ()), SpanRow("a fool", (2, 3, 4, 5))]
    found = evaluate("toxicity/spans", rows, Shouted(), train)
    assert values(found) == {"char_f1": pytest.approx((1 + 2 / 3 + 1) / 3)}
    assert found.baselines == {"lexicon": {"char_f1": pytest.approx(2 / 3)}}
    assert found.calibration is None
