"""Every head reaches its floor on a sample of rows; the whole is for `wiredesk evaluate --all`.

The rows are read from the shared data directory, beside the checkout or in WIREDESK_DATA_DIR.
"""

import os
from functools import cache
from pathlib import Path

import pytest

from evaluation import floors, measure, sets
from evaluation.heads import find
from models.manifest import SHIPPED, read
from models.predictor import open_predictor
from schemas.errors import ModelFileError

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("WIREDESK_DATA_DIR", ROOT.parent / "shared" / "data"))
FLOORS = floors.read(ROOT / "tests" / "quality_floors.toml")


@cache
def predictor(head):
    try:
        return open_predictor(read(SHIPPED), head)
    except ModelFileError as error:
        pytest.skip(str(error))


@pytest.mark.skipif(not DATA.is_dir(), reason=f"there are no data sets in {DATA}")
@pytest.mark.parametrize("floor", FLOORS, ids=lambda f: f"{f.head}-{f.data}-{f.metric}")
def test_sample_reaches_its_floor(floor):
    head, model = find(floor.head), predictor(floor.head)
    check = measure.checker(head, model)
    rows = floors.sample(sets.load(floor.data, "test", DATA), floor.sample_rows)
    found = measure.evaluate(head, floor.data, [check(row) for row in rows], model, [])
    assert floors.missed(found, [floor], whole=False) == []
