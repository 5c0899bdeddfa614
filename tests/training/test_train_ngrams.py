"""Classifiers over n-grams: trained, registered, and answering as they were trained."""

import gzip

import pytest
from manifests import begun

from models.manifest import read
from models.ngrams import NgramModel
from training import configuration

MISSING = "needs the extra `training`"
pytest.importorskip("torch", reason=MISSING)
train_ngrams = pytest.importorskip("training.train_ngrams", reason=MISSING)

GOOD, BAD = "ein schöner Tag, danke Nummer {}", "so ein dummes Gerede, Nummer {}"


@pytest.fixture
def data(tmp_path):
    lines = ["comment_id,comment_text,Sub1_Toxic,Sub2_Engaging,Sub3_FactClaiming"]
    for n in range(200):
        lines += [f'{n},"{GOOD.format(n)}",0,0,0', f'{n},"{BAD.format(n)}",1,0,0']
    folder = tmp_path / "germeval2021_toxic"
    folder.mkdir()
    (folder / "train.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return tmp_path


def config(**changes):
    plain = configuration.find("toxicity/german")
    return plain.model_copy(update={"most": 500} | changes)


def test_released_classifier_tells_what_it_learned(data, tmp_path):
    manifest = begun(tmp_path)
    trained = train_ngrams.train(config(), data)
    train_ngrams.release(config(), trained, "1.0.0", manifest)
    released = read(manifest)
    entry = released.entry("toxicity-german")
    assert (entry.kind, entry.commercial) == ("ngrams", False)
    (route,) = released.heads("toxicity/german")
    assert (route.output, route.languages, route.labels) == ("de", {"de"}, ("clean", "toxic"))
    model = NgramModel(released.model_file("toxicity-german"))
    clean, toxic = model.run("was für ein dummes Gerede")["de"]
    assert toxic > clean
    clean, toxic = model.run("danke, ein schöner Tag")["de"]
    assert clean > toxic


def test_language_that_is_not_learned_well_enough_is_not_for_the_jobs(data):
    for least, used in ((0.5, True), (1.1, False)):
        (route,) = train_ngrams.train(config(jobs_from=least), data).routes
        assert route.jobs is used
