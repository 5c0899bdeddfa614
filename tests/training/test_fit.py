"""A run keeps the mean of its weights, and goes on where it was interrupted."""

import numpy as np
import pytest
from tiny_networks import tiny

MISSING = "needs the extra `training`"
torch = pytest.importorskip("torch", reason=MISSING)
pytest.importorskip("transformers", reason=MISSING)
fit = pytest.importorskip("training.fit", reason=MISSING)
network = pytest.importorskip("training.network", reason=MISSING)
refitting = pytest.importorskip("training.refit", reason=MISSING)
texts = pytest.importorskip("training.examples", reason=MISSING)
tasks = pytest.importorskip("training.tasks", reason=MISSING)


class Interrupted(Exception):
    pass


def small_network():
    torch.manual_seed(3)
    made = tiny(label=2)
    made.freeze_words()
    return made


def two_kinds():
    """Sixteen texts, half of them of other words than the rest, with what they are."""
    draw = np.random.default_rng(5)
    return [
        texts.Example(draw.integers(20 * label, 20 * label + 20, 8), np.zeros(8, np.int64), label)
        for label in (0, 1) * 8
    ]


def run(directory, *, averaged, resume=False, interrupted_in=None):
    """Trains for three epochs on two kinds of texts."""
    examples = two_kinds()
    scored = []

    def accuracy(logits, labels):
        scored.append((logits.argmax(1) == labels).mean())
        if len(scored) == interrupted_in:
            raise Interrupted
        return float(scored[-1])

    task = tasks.ClassTask("a", "label", ("no", "yes"), False, examples, examples, accuracy)
    schedule = fit.Schedule(
        epochs=3,
        batch_tokens=64,
        learning_rate=1e-3,
        head_learning_rate=1e-2,
        weight_decay=0.0,
        warmup=0.1,
        balance=1.0,
        patience=3,
        keep_embedding=0.0,
        seed=1,
        averaged=averaged,
    )
    fit.Fit(small_network(), [task], schedule, directory).run(resume=resume)
    return torch.load(directory / "last.pt", weights_only=True)


def test_mean_of_the_weights_is_kept_beside_those_that_learn(tmp_path):
    last = run(tmp_path, averaged=0.9)
    name = "heads.label.layers.4.weight"
    assert torch.equal(last["network"][name], last["mean"][f"module.{name}"])
    assert not torch.equal(last["network"][name], last["learning"][name])


def test_without_a_mean_the_weights_themselves_are_kept(tmp_path):
    last = run(tmp_path, averaged=0.0)
    assert last["mean"] is None
    assert all(torch.equal(last["network"][n], w) for n, w in last["learning"].items())


@pytest.mark.parametrize("averaged", [0.0, 0.9])
def test_interrupted_run_ends_with_the_weights_of_one_that_was_not(tmp_path, averaged):
    whole = run(tmp_path / "whole", averaged=averaged)
    with pytest.raises(Interrupted):
        run(tmp_path / "parts", averaged=averaged, interrupted_in=2)
    parts = run(tmp_path / "parts", averaged=averaged, resume=True)
    assert all(torch.equal(parts["network"][n], w) for n, w in whole["network"].items())


def test_word_embeddings_are_frozen_as_the_base_has_them():
    made = small_network()
    rows, scales = network.int8_rows(made.words.weight)
    assert torch.allclose(made.words.weight, rows * scales, rtol=1e-6)
    assert not made.words.weight.requires_grad


def test_refit_teaches_one_head_and_changes_nothing_else():
    made = small_network().eval().requires_grad_(False)
    before = {name: weight.clone() for name, weight in made.state_dict().items()}
    examples = two_kinds()
    task = tasks.ClassTask("a", "label", ("no", "yes"), False, examples, examples, None)

    def loss():
        return float(task.loss(fit.run(made, examples), examples))

    first = loss()
    refitting.refit(made, task, seed=2)
    assert loss() < first
    changed = {n for n, weight in made.state_dict().items() if not torch.equal(weight, before[n])}
    assert changed
    assert all(name.startswith("heads.label.") for name in changed)
    assert not any(weight.requires_grad for weight in made.parameters())
