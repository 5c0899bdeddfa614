"""Language codes of several standards."""

import pytest
from lingua import Language

from models.language_codes import short


def test_every_language_of_lingua_has_its_iso_639_1():
    assert {short(language.iso_code_639_3.name) for language in Language.all()} == {
        language.iso_code_639_1.name.lower() for language in Language.all()
    }


@pytest.mark.parametrize(
    ("code", "known"),
    [
        ("de", "de"),
        ("deu_Latn", "de"),
        ("zho_Hant", "zh"),
        ("pt-BR", "pt"),
        ("arb_Arab", "ar"),
        ("pes_Arab", "fa"),
        ("no", "nb"),
        ("nno_Latn", "nn"),
        ("ENG", "en"),
        ("ceb_Latn", "ceb"),
    ],
)
def test_code_becomes_the_one_we_write(code, known):
    assert short(code) == known
    assert short(known) == known


@pytest.mark.parametrize("code", ["", "d", "german", "_", "12"])
def test_what_is_no_code_is_refused(code):
    with pytest.raises(ValueError, match="expected a code like"):
        short(code)
