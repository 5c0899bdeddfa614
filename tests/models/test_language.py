"""Which language a text is written in, and when that cannot be told."""

import time

import pytest

from models.language import LanguageDetector

SENTENCES = {
    "en": "The council voted late on Tuesday to reopen the bridge after two years of repairs.",
    "de": "Der Stadtrat stimmte am späten Dienstag dafür, die Brücke wieder zu öffnen.",
    "fr": "Le conseil municipal a décidé mardi soir de rouvrir le pont après deux ans de travaux.",
    "es": "El ayuntamiento decidió el martes por la noche reabrir el puente tras dos años de obras.",
    "it": "Il consiglio comunale ha deciso martedì sera di riaprire il ponte dopo due anni.",
    "pt": "A câmara municipal decidiu na noite de terça-feira reabrir a ponte depois de dois anos.",
    "nl": "De gemeenteraad besloot dinsdagavond om de brug na twee jaar weer te openen.",
    "pl": "Rada miasta zdecydowała we wtorek wieczorem o ponownym otwarciu mostu po remoncie.",
    "tr": "Belediye meclisi salı akşamı onarımın ardından köprüyü yeniden açma kararı aldı.",
    "sv": "Kommunfullmäktige beslutade sent på tisdagen att öppna bron igen efter två års arbete.",
    "nb": "Kommunestyret vedtok sent tirsdag kveld å gjenåpne broen etter to år med reparasjoner.",
    "fi": "Kaupunginvaltuusto päätti tiistai-iltana avata sillan uudelleen korjausten jälkeen.",
    "uk": "Міська рада вирішила у вівторок увечері знову відкрити міст після двох років ремонту.",
    "ru": "Городской совет во вторник вечером решил снова открыть мост после двух лет ремонта.",
    "el": "Το δημοτικό συμβούλιο αποφάσισε αργά την Τρίτη να ανοίξει ξανά τη γέφυρα.",
    "ar": "قرر مجلس المدينة مساء الثلاثاء إعادة فتح الجسر بعد عامين من أعمال الإصلاح.",
    "he": "מועצת העיר החליטה ביום שלישי בערב לפתוח מחדש את הגשר אחרי שנתיים של שיפוצים.",
    "hi": "नगर परिषद ने मंगलवार देर शाम मरम्मत के बाद पुल को फिर से खोलने का फैसला किया।",
    "ja": "市議会は火曜日の夜、二年間の修理を経て橋を再び開通させることを決めた。",
    "zh": "市议会周二晚间决定，经过两年的维修之后重新开放这座大桥。",
    "ko": "시의회는 화요일 저녁 2년간의 보수 공사를 마친 다리를 다시 개통하기로 결정했다.",
    "vi": "Hội đồng thành phố tối thứ Ba đã quyết định mở lại cây cầu sau hai năm sửa chữa.",
}


@pytest.mark.parametrize("code", SENTENCES)
def test_clear_sentence_is_recognised(detector, code):
    found = detector.detect(SENTENCES[code])
    assert found.code == code
    assert found.confidence > 0.7


@pytest.mark.parametrize(
    ("text", "code"),
    [("Una vergüenza total", "es"), ("Quelle honte", "fr"), ("Poveri bambini", "it")],
)
def test_short_text_is_told_by_both_detectors_where_one_alone_is_wrong(detector, text, code):
    assert detector.detect(text).code == code


def test_what_the_sender_tells_decides_where_detection_is_unsure(detector):
    assert detector.detect("Mt. Gox Files For US Chapter 15").code != "en"
    assert detector.detect("Mt. Gox Files For US Chapter 15", "en").code == "en"


@pytest.mark.parametrize("code", SENTENCES)
def test_what_the_sender_tells_does_not_overrule_a_clear_sentence(detector, code):
    assert detector.detect(SENTENCES[code], "cy").code == code


@pytest.mark.parametrize("text", ["", " ", "1234 5678", "!!! — ???", "🔥🌊🚒", "\u200f\u200e", "x"])
def test_text_without_letters_is_undetermined(detector, text):
    found = detector.detect(text)
    assert (found.code, found.confidence) == ("und", 0.0)


def test_script_that_neither_detector_knows_is_undetermined(detector):
    found = detector.detect("ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ ᎠᏂᏣᎳᎩ ᎤᎾᏙᏢᏒ ᏓᎾᏠᏍᎬ ᎤᏂᏃᎮᏢᎢ")
    assert found.code == "und"
    assert found.confidence < 0.5


def test_confidence_below_the_threshold_is_undetermined_but_told(manifest, detector):
    strict = LanguageDetector(
        manifest.model_file("lid176"), min_confidence=1.0, high_accuracy=False
    )
    found = strict.detect(SENTENCES["en"])
    assert found.code == "und"
    assert found.confidence == detector.detect(SENTENCES["en"]).confidence


def test_line_breaks_do_not_matter(detector):
    broken = SENTENCES["de"].replace(" ", "\n")
    assert detector.detect(broken) == detector.detect(SENTENCES["de"])


def test_only_the_head_is_looked_at(detector):
    german = SENTENCES["de"] * 5
    assert detector.detect(german + SENTENCES["fr"] * 1000) == detector.detect(german)


def test_long_text_is_fast(detector):
    started = time.process_time()
    assert detector.detect(SENTENCES["en"] * 60_000).code == "en"
    assert time.process_time() - started < 0.5
