"""The translator and its lint."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.kernel.words import LOCALES, N_, Words, direction, lint, placeholders, sentences

HEADER = """msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: {plural}\\n"
"X-Translation-State: machine-drafted\\n"

"""
PLURALS = {
    "fr": "nplurals=2; plural=(n > 1);",
    "ar": "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5);",
}


def write(locales: Path, language: str, domain: str, body: str) -> None:
    folder = locales / language / "LC_MESSAGES"
    folder.mkdir(parents=True, exist_ok=True)
    text = HEADER.format(language=language, plural=PLURALS[language]) + body
    (folder / f"{domain}.po").write_text(text, "utf-8")


@pytest.fixture
def locales(tmp_path: Path) -> Path:
    root = tmp_path / "locales"
    write(root, "fr", "desk", 'msgid "Hello {name}"\nmsgstr "Bonjour {name}"\n')
    write(root, "fr", "chat", 'msgid "Close"\nmsgstr "Fermer"\n\n#, fuzzy\nmsgid "Open"\nmsgstr "Ouvre"\n')
    arabic = "".join(f'msgstr[{form}] "صيغة {form}: {{n}}"\n' for form in range(6))
    write(root, "ar", "desk", f'msgid "{{n}} case"\nmsgid_plural "{{n}} cases"\n{arabic}')
    return root


def test_a_sentence_is_said_in_the_language_of_the_person(locales: Path):
    words = Words.load(locales)

    assert words.text("fr", "Hello {name}", name="Noor") == "Bonjour Noor"
    assert words.text("fr-CA", "Close") == "Fermer"
    assert words.languages == ("en", "ar", "fr")


def test_what_is_not_translated_is_said_in_english(locales: Path):
    words = Words.load(locales)

    assert words.text("fr", "Nothing like it") == "Nothing like it"
    assert words.text("fr", "Open") == "Open"  # a fuzzy translation is a guess
    assert words.text("ti", "Close") == "Close"
    assert words.text("en", "Hello {name}", name="Noor") == "Hello Noor"


def test_arabic_has_six_forms(locales: Path):
    words = Words.load(locales)

    forms = [words.plural("ar", "{n} case", "{n} cases", n)[5] for n in (0, 1, 2, 3, 10, 11, 99, 100, 103)]

    assert forms == ["0", "1", "2", "3", "3", "4", "4", "5", "3"]
    assert words.plural("en", "{n} case", "{n} cases", 1) == "1 case"
    assert words.plural("fr", "{n} case", "{n} cases", 0) == "0 cases"


def test_a_value_named_like_an_argument_of_ours_is_a_value(locales: Path):
    words = Words.load(locales)

    assert words.text("en", "{language} {msgid} {self}", language="a", msgid="b", self="c") == "a b c"


def test_what_has_no_value_stays_and_braces_do_no_harm(locales: Path):
    words = Words.load(locales)

    assert words.text("en", "{a} {b.__class__} {0} {", a="{b}") == "{b} {b.__class__} {0} {"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("fr", "fr"),
        ("de, fr-CA;q=0.5", "fr"),
        ("ar;q=0.2, fr;q=0.9", "fr"),
        ("fr;q=0", "en"),
        ("*", "en"),
        ("fr;q=abc, ar", "ar"),
        (",".join(["xx"] * 500), "en"),
    ],
)
def test_the_browser_is_believed_as_far_as_we_speak(locales: Path, header: str | None, language: str):
    assert Words.load(locales).negotiate(header) == language


def test_right_to_left():
    assert [direction(language) for language in ("ar", "fa-AF", "en", "fr")] == ["rtl", "rtl", "ltr", "ltr"]


def test_marking_changes_nothing():
    assert N_("Close") == "Close"


# The lint


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    root.mkdir()
    (root / "a.py").write_text(
        'TITLE = N_("Close")\n'
        'words.text(language, "Hello {name}", name=1)\n'
        'words.plural(language, "{n} case", "{n} cases", 3)\n'
        'sa.text("SELECT 1")\n'
    )
    (root / "page.html").write_text("{% trans name=x %}\n  Hello {{ name }}\n{% endtrans %}{{ _('Close') }}")
    return root


def test_sentences_are_found_in_code_and_templates(source: Path):
    found = {(sentence.msgid, sentence.plural) for sentence in sentences([source])}

    assert found == {("Close", None), ("Hello {name}", None), ("{n} case", "{n} cases")}


def test_the_lint_names_what_is_missing_unused_and_wrong(locales: Path, source: Path):
    write(
        locales,
        "fr",
        "bad",
        'msgid "Old"\nmsgstr "Vieux"\n\nmsgid "To {name}"\nmsgstr "À {nom}"\n\nmsgid "Empty"\nmsgstr ""\n\n'
        'msgid "Close"\nmsgstr "Clore"\n\nmsgid "{n} day"\nmsgid_plural "{n} days"\n'
        'msgstr[0] "{n} jour"\nmsgstr[1] "jours {m}"\n',
    )
    path = locales / "fr" / "LC_MESSAGES" / "bad.po"
    path.write_text(path.read_text().replace('"X-Translation-State: machine-drafted\\n"\n', ""))

    problems = "\n".join(lint(locales, [source]))

    assert "fr/bad.po: the header X-Translation-State is missing" in problems
    assert "fr/bad.po: the placeholders differ: 'To {name}'" in problems
    assert "fr/bad.po: not translated: 'Empty'" in problems
    assert "fr/chat.po: not translated: 'Open'" in problems
    assert "fr/bad.po: the translation has a placeholder the sentence has not: '{n} day'" in problems
    assert "fr/bad.po: said nowhere: 'Old'" in problems
    assert "fr: bad and chat translate the same sentence differently: 'Close'" in problems
    assert "page.html:1: no translation into ar: 'Hello {name}'" in problems
    assert "no translation into fr: '{n} case'" in problems


def test_placeholders():
    assert placeholders("a {b} {c_d} {0} { e }") == {"b", "c_d"}


def test_the_kernels_own_words_are_whole():
    kernel = Path(__file__).resolve().parents[3] / "bot" / "kernel"

    assert [problem for problem in lint(LOCALES, [kernel]) if "kernel" in problem] == []
