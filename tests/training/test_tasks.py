"""Tasks that learn from the same texts, and tasks of marked words."""

import numpy as np
import pytest

MISSING = "needs the extra `training`"
torch = pytest.importorskip("torch", reason=MISSING)
examples = pytest.importorskip("training.examples", reason=MISSING)
tasks = pytest.importorskip("training.tasks", reason=MISSING)
network = pytest.importorskip("training.network", reason=MISSING)

from evaluation.rows import SpanRow, TagRow  # noqa: E402

TEXT = "You st\u200bup1d fool"
MARKED = SpanRow(TEXT, tuple(range(4, 11)))


@pytest.fixture(scope="module")
def reader():
    return examples.Reader(network.published_tokenizer(), 32, respelled=True)


def classes(head, examples):
    return tasks.ClassTask(head, head, ("no", "yes"), False, examples, [], None)


def test_text_that_two_tasks_know_is_read_once(reader):
    first = classes("a", [reader.example("one", 0), reader.example("two", 1)])
    second = classes("b", [reader.example("two", 0)])
    together = tasks.TogetherTask([first, second])
    assert [example.target for example in together.train] == [{"a": 0}, {"a": 1, "b": 0}]


def test_every_target_counts_alike(reader):
    first = classes("a", [reader.example("one", 0), reader.example("two", 1)])
    second = classes("b", [reader.example("two", 0)])
    together = tasks.TogetherTask([first, second])
    outputs = {
        "a": torch.tensor([[2.0, 0.0], [1.0, 0.0]]),
        "b": torch.tensor([[0.0, 0.0], [3.0, 0.0]]),
    }
    losses = [
        torch.nn.functional.cross_entropy(logits[None], torch.tensor([label]))
        for logits, label in ((outputs["a"][0], 0), (outputs["a"][1], 1), (outputs["b"][1], 0))
    ]
    found = together.loss(outputs, together.train)
    assert float(found) == pytest.approx(float(sum(losses)) / 2)


def test_loss_of_a_task_counts_as_its_weight_says(reader):
    both = [classes(head, [reader.example("one", 0)]) for head in ("a", "b")]
    outputs = {"a": torch.tensor([[0.0, 1.0]]), "b": torch.tensor([[0.0, 2.0]])}
    losses = [float(task.loss(outputs, task.train)) for task in both]
    weighed = tasks.TogetherTask(both, {"b": 3.0})
    found = weighed.loss(outputs, weighed.train)
    assert float(found) == pytest.approx(losses[0] + 3 * losses[1])


def test_tokens_of_marked_characters_are_marked_in_the_text_as_given(reader):
    (example,) = examples.mark_examples(reader, [MARKED])
    marks = example.target
    covered = [
        TEXT[a:b] for (a, b), m in zip(marks.tokens.offsets, marks.marked, strict=True) if m == 1
    ]
    assert covered == ["st\u200bup1d"]
    assert marks.marked[0] == marks.marked[-1] == examples.UNKNOWN


def test_perfect_marks_have_the_best_score_and_others_a_lower_one(reader):
    both = examples.mark_examples(reader, [MARKED, SpanRow("fine", ())])
    task = tasks.MarkTask("toxicity/spans", both, both, "marks")
    perfect = [np.where(e.target.marked == 1, 9.0, -9.0) for e in both]
    assert task.score(perfect) == 1.0
    assert task.score([-p for p in perfect]) < 0.5
    least, share = task.limits(perfect)
    assert 0 < least < 1
    assert 0 <= share < 1


def test_loss_of_marks_does_not_look_at_special_tokens(reader):
    marked = examples.mark_examples(reader, [MARKED])
    task = tasks.MarkTask("toxicity/spans", marked, marked, "marks")
    logits = torch.from_numpy(np.where(marked[0].target.marked == 1, 30.0, -30.0))[None, :, None]
    logits[0, 0] = logits[0, -1] = 30.0
    assert float(task.loss({"marks": logits.float()}, marked)) == pytest.approx(0.0, abs=1e-6)


def test_mentions_are_judged_by_type_and_bounds(reader):
    row = TagRow(("Roe", "met", "Doe"), ("B-PER", "O", "B-PER"))
    labels = ("O", "B-person", "I-person", "B-place", "I-place")
    of_row = examples.span_examples(reader, [row], labels, (), {"PER": "person"}, together=None)
    task = tasks.SpanTask("entities/news", labels, (), of_row, of_row, None)
    (example,) = of_row
    logits = np.zeros((len(example), len(labels)), np.float32)
    logits[example.target.words, [1, 0, 3]] = 9.0
    shares, right = task.judged([{"entities": logits}], [np.array([1, 0, 3])])
    assert sorted(zip(right.tolist(), shares.round(2).tolist(), strict=True)) == [
        (False, 1.0),
        (True, 1.0),
    ]
