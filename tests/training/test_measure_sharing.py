"""The table of what sharing an encoder costs."""

from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console
from tiny_networks import tiny

MISSING = "needs the extra `training`"
torch = pytest.importorskip("torch", reason=MISSING)
pytest.importorskip("transformers", reason=MISSING)
measuring = pytest.importorskip("training.measure_sharing", reason=MISSING)
texts = pytest.importorskip("training.examples", reason=MISSING)
tasks = pytest.importorskip("training.tasks", reason=MISSING)


def says(label):
    """A network that gives every text the same label."""
    made = tiny(label=2)
    last = made.heads["label"].layers[4]
    last.weight.requires_grad_(False).zero_()
    last.bias.requires_grad_(False).copy_(torch.tensor([0.0, 1.0] if label else [1.0, 0.0]))
    return made


@pytest.fixture
def task():
    """Twenty texts, three in four of which have the label 1."""
    given = [
        texts.Example(np.arange(4), np.zeros(4, np.int64), int(number % 4 > 0))
        for number in range(20)
    ]
    return tasks.ClassTask(
        "topics/iptc",
        "label",
        ("no", "yes"),
        False,
        given,
        given,
        lambda logits, labels: float((logits.argmax(1) == labels).mean()),
    )


def test_table_has_both_figures_and_the_interval_of_their_difference(task, tmp_path, monkeypatch):
    for run, label in (("news", 0), ("news-topics-iptc", 1)):
        (tmp_path / run).mkdir()
        state = {"network": says(label).state_dict(), "progress": (5, 0.0, 0)}
        torch.save(state, tmp_path / run / "last.pt")
    config = SimpleNamespace(name="news", importance=False)
    monkeypatch.setattr(measuring, "encoder_config", lambda _: config)
    monkeypatch.setattr(measuring, "encoder_tasks", lambda *_, **__: [task])
    monkeypatch.setattr(measuring, "encoder_network", lambda *_: says(0))
    told = Console(record=True, width=120)
    monkeypatch.setattr(measuring, "console", told)
    measuring.measure("news", tmp_path, tmp_path)
    shown = told.export_text()
    assert "news-topics-iptc: after 5 epochs" in shown
    (row,) = (line for line in shown.splitlines() if "topics/iptc" in line and "│" in line)
    cells = [cell.strip() for cell in row.strip("│ ").split("│")]
    assert cells[:5] == ["topics/iptc", "micro_f1", "20", "25.0", "75.0"]
    difference, low, high = (
        float(part) for part in cells[5].replace("(", "").replace(")", "").replace("to", "").split()
    )
    assert low < difference < high < 0
