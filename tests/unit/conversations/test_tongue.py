import pytest

from bot.conversations import tongue
from bot.conversations.tongue import agreed, written_in


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("bn", "আমার সাহায্য দরকার, আমি একা"),
        ("ps", "زه یوازې یم، مرسته غواړم"),
        ("fa", "من تنها هستم و کمک می‌خواهم"),
        ("ur", "مجھے مدد چاہیے، میں اکیلا ہوں"),
        ("ckb", "من تەنیام و یارمەتیم دەوێت"),
        ("ti", "ኣነ በይነይ እየ፣ ሓገዝ የድልየኒ"),
        ("am", "እኔ ብቻዬን ነኝ፣ እርዳታ እፈልጋለሁ"),
        ("uk", "Я сам, мені потрібна допомога"),
        ("ru", "Я один, мне нужна помощь, где ты"),
        ("so", "waxaan u baahanahay caawimo, waan keligay ahay"),
        ("tr", "yalnızım, yardıma ihtiyacım var"),
        ("pt", "estou sozinho e preciso de ajuda, não tenho onde dormir"),
        ("hi", "मुझे मदद चाहिए"),
        ("zh", "我一个人，需要帮助"),
    ],
)
def test_a_language_that_we_do_not_answer_in_is_known_by_how_it_is_written(language: str, text: str):
    assert written_in(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "I am alone and I need help", "je suis seul, j'ai besoin d'aide", "estoy solo, me da miedo, necesito ayuda",
        "أنا وحدي وأحتاج مساعدة", "ana wa7di w me7tej mosa3ada", "ok", "Mohammad", "😭😭", "+39 333 1234567", "",
        "আ", "na", "https://example.org/a/b", "İstanbul", "Fatoumata Diallo", "c'est où Łódź ?",
    ],
)  # fmt: skip
def test_nothing_is_said_of_what_we_answer_in_or_of_too_little(text: str):
    assert written_in(text) is None


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("pt", "perdi meu celular e queria ligar para casa"), ("sw", "tulikimbia usiku kuelekea mpakani tukapotea"),
        ("so", "walaalkay ayaa lumay xuduudda"), ("tr", "kardeşim sınırda kayboldu"),
        ("ha", "kanena ya bace a kan iyaka jiya"),
    ],
)  # fmt: skip
def test_a_detector_knows_sentences_without_the_listed_words(monkeypatch, language: str, text: str):
    assert written_in(text) == language
    monkeypatch.setattr(tongue, "pycld2", None)
    assert written_in(text) in (language, None)


def test_one_message_alone_decides_nothing_and_half_of_the_last_ones_must_agree():
    assert agreed(["bn"]) is None
    assert agreed(["bn", "en"]) is None
    assert agreed(["bn", "bn"]) == "bn"
    assert agreed(["en", "bn", "bn", "bn"]) == "bn"
    assert agreed(["en", "en", "en", "en", "bn", "bn"]) == "en"
    assert agreed(["en", "fr", "bn", "so", "bn", "ar"]) is None
    assert agreed([]) is None
