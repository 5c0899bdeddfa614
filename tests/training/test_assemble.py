"""How many rows of a source a head learns from."""

import gzip

import pytest

MISSING = "needs the extra `training`"
pytest.importorskip("torch", reason=MISSING)
assemble = pytest.importorskip("training.assemble", reason=MISSING)
configuration = pytest.importorskip("training.configuration", reason=MISSING)
examples = pytest.importorskip("training.examples", reason=MISSING)
network = pytest.importorskip("training.network", reason=MISSING)

COMMENTS = ["so glad\t0\ta", "so sad\t1\tb", "gladder\t0\tc", "sadder\t1\td"]


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "goemotions"
    folder.mkdir()
    for name, lines in (
        ("labels.txt", ["joy", "sadness"]),
        ("train.tsv", COMMENTS),
        ("dev.tsv", COMMENTS),
    ):
        (folder / f"{name}.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return tmp_path


def head(**source):
    return configuration.HeadConfig(
        head="emotion/tweeteval",
        task="emotion",
        kind="classes",
        labels=("joy", "sadness"),
        metric="macro_f1",
        max_tokens=16,
        epochs=1,
        train=[{"name": "goemotions", "licence": "Apache-2.0", "commercial": True} | source],
    )


def learned(config, data):
    reader = examples.Reader(network.published_tokenizer(), 16)
    return assemble.assemble(config, reader, data)


def test_validation_rows_have_a_limit_of_their_own(data):
    task = learned(head(validation=1, limit=3), data)
    assert [len(task.train), len(task.validation)] == [3, 1]
