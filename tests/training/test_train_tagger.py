"""Taggers of names: trained, registered, and answering as they were trained."""

import gzip

import pytest
from manifests import begun

from models.manifest import read
from models.predictor import open_predictor
from training import configuration

MISSING = "needs the extra `training`"
pytest.importorskip("torch", reason=MISSING)
train_tagger = pytest.importorskip("training.train_tagger", reason=MISSING)

PEOPLE = ("Marta", "Andrés", "Lucía", "Gonzalo", "Beatriz", "Ignacio")
PLACES = ("Cuzco", "Toledo", "Quito", "Lugo", "Jaén", "Soria")


@pytest.fixture
def data(tmp_path):
    lines = []
    for n in range(240):
        person, place = PEOPLE[n % 6], PLACES[n // 6 % 6]
        lines += [
            f"{person} NP B-PER", "vive VB O", "en IN O", f"{place} NP B-LOC", ". Fp O", "",
        ]  # fmt: skip
    folder = tmp_path / "conll2002"
    folder.mkdir()
    for name in ("esp.train", "esp.testa"):
        (folder / f"{name}.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return tmp_path


def test_released_tagger_finds_names_in_words_that_it_never_met(data, tmp_path):
    config = configuration.find("entities/conll2002")
    config = config.model_copy(update={"train": config.train[:1], "lexicon": ()})
    manifest = begun(tmp_path)
    trained = train_tagger.train(config, data)
    assert trained[0].entity_f1 > 0.99
    train_tagger.release(config, trained, "1.0.0", manifest)
    released = read(manifest)
    entry = released.entry("entities-conll2002-es")
    assert (entry.kind, entry.commercial) == ("names", False)
    (tags,) = open_predictor(released, "entities/conll2002").predict(
        [["Ramiro", "vive", "en", "Burgos", "."]], None, ["es"], {"PER", "LOC"}
    )
    assert tags == ["B-PER", "O", "O", "B-LOC", "O"]


def test_word_is_of_the_tag_that_it_mostly_has(data):
    source = configuration.Source(name="conll2002-es", licence="-", commercial=True)
    config = configuration.find("entities/conll2002")
    keys, classes = train_tagger._lexicon(
        config.model_copy(update={"lexicon": (source,)}), data, None
    )
    kinds = dict(zip(keys.tolist(), classes.tolist(), strict=True))
    of = [kinds[train_tagger.word_key(word)] for word in ("Marta", "Lucía", "Cuzco", "vive")]
    assert of[0] == of[1]
    assert len(set(of)) == 3
