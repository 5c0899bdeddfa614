"""What every scorer of documents must do, whatever it was made for."""

import pytest
from hostile_texts import TEXTS

from models.document_scorer import best_together
from models.manifest import SHIPPED, read
from models.opening import open_document_scorer

MANIFEST = read(SHIPPED)
SCORERS = [name for name, entry in MANIFEST.models.items() if entry.kind == "documents"]
DOCUMENTS = {odd: [text] for odd, text in TEXTS.items()} | {
    "all of them": list(TEXTS.values()),
    "a thousand sentences": [TEXTS["sentence"], TEXTS["short"]] * 500,
}


@pytest.fixture(scope="module", params=SCORERS)
def scorer(request):
    return open_document_scorer(MANIFEST, request.param, threads=2)


@pytest.mark.parametrize("odd", DOCUMENTS)
def test_every_document_is_summed_up_the_same_way_twice(scorer, odd):
    first, again = (scorer.score(DOCUMENTS[odd]) for _ in range(2))
    assert [array.tobytes() for array in vars(first).values()] == [
        array.tobytes() for array in vars(again).values()
    ]
    chosen = best_together(first)
    assert chosen
    assert chosen == sorted(set(chosen))
    assert chosen[-1] < len(DOCUMENTS[odd])
