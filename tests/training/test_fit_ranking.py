"""A ranking from logged feeds."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from evaluation.rows import WrongRowError
from models.ranking import rankers
from models.ranking.features import NAMES
from schemas.errors import SetupError
from training import fit_ranking


def feeds(count: int) -> list[dict]:
    """Readers who click what is old and rare: not what the ranking of today believes."""
    chance = np.random.default_rng(8)
    found = []
    for number in range(count):
        rows = chance.normal(size=(8, len(NAMES)))
        wish = 2 * rows[:, NAMES.index("age")] - rows[:, NAMES.index("hour")]
        best = (wish + chance.gumbel(size=8)).argmax()
        items = [
            {"features": dict(zip(NAMES, row.tolist(), strict=True)), "clicked": bool(n == best)}
            for n, row in enumerate(rows)
        ]
        found.append({"user": f"u{number}", "items": items})
    return found


def written(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_the_better_kind_is_kept_and_beats_the_ranking_of_today(tmp_path):
    import typer

    app = typer.Typer()
    app.command()(fit_ranking.main)
    out = tmp_path / "ranking.json"
    told = CliRunner().invoke(
        app,
        [written(tmp_path / "feeds", feeds(500)), "--out", str(out), "--version", "7"],
        catch_exceptions=False,
    )
    aucs = {
        line.split(":")[0]: float(line.split()[-1])
        for line in told.output.splitlines()
        if "AUC" in line
    }
    assert aucs["linear"] > 0.75
    assert aucs["today (prior-1)"] < 0.5
    ranking = rankers.read(out)
    assert ranking.version == "7"
    assert max(aucs, key=aucs.get) == type(ranking).__name__.lower()


def test_attention_is_a_kind_where_vectors_are_given(tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("lightgbm")
    rows, chance = feeds(200), np.random.default_rng(3)
    vectors = [{"id": f"a{n}", "vector": chance.normal(size=4).tolist()} for n in range(20)]
    for row in rows:
        row["history"] = [f"a{n}" for n in chance.integers(0, 25, 3)]
        for item in row["items"]:
            item["id"] = f"a{chance.integers(20)}"
    known = fit_ranking.read_vectors(written(tmp_path / "vectors", vectors))
    served = list(fit_ranking.read(written(tmp_path / "feeds", rows), known))
    assert served[0].slate.vectors.shape == (8, 4)
    assert served[0].slate.history.shape[1] == 4
    fitted = fit_ranking.fit(served, "1", rankers.read(), graph=tmp_path / "ranking.onnx")
    assert set(fitted.aucs) == {"linear", "trees", "nrms", "today (prior-1)"}
    assert fitted.aucs["nrms"] > 0.7


@pytest.mark.parametrize("vector", [[1.0], [1.0, float("nan")], "abc", None])
def test_vectors_of_another_width_and_what_is_none_are_refused(tmp_path, vector):
    rows = [{"id": "a", "vector": [1.0, 2.0]}, {"id": "b", "vector": vector}]
    with pytest.raises(WrongRowError, match="line 2"):
        fit_ranking.read_vectors(written(tmp_path / "vectors", rows))


def test_feeds_in_which_nothing_was_clicked_teach_nothing(tmp_path):
    rows = feeds(3)
    for item in rows[0]["items"]:
        item["clicked"] = False
    found = list(fit_ranking.read(written(tmp_path / "feeds", rows)))
    assert [feed.user for feed in found] == ["u1", "u2"]


def test_a_feed_without_features_as_served_is_refused(tmp_path):
    row = {"user": "u", "items": [{"features": {"long": 1}, "clicked": True}]}
    with pytest.raises(WrongRowError, match="line 1"):
        list(fit_ranking.read(written(tmp_path / "feeds", [row])))


def test_too_few_readers_are_refused():
    with pytest.raises(SetupError, match="expected some of both"):
        fit_ranking.fit([], "1", rankers.read())
