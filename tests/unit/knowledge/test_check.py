from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dialogues.knowledge.__main__ import main
from dialogues.knowledge.check import check
from dialogues.knowledge.loading import load_texts
from dialogues.knowledge.model import LANGUAGES, Problem
from dialogues.knowledge.reading_age import CHILD_READS_AT, reading_age
from tests.unit.knowledge.shelf import FRONT, SECTIONS, SOURCES, put, put_french, shelf, written


def blocking(folder: Path, on: date | None = None) -> list[Problem]:
    """What must be mended, except that the small shelf of these tests lacks languages and a child's version."""
    lacking = ("This language is missing", "There is no child's version.")
    return [p for p in check(folder, on=on) if p.blocking and not p.what.startswith(lacking)]


def test_a_good_text_has_no_problem_but_its_missing_languages(tmp_path: Path) -> None:
    put_french(shelf(tmp_path))

    assert blocking(tmp_path) == []
    assert [str(p) for p in check(tmp_path) if p.blocking] == [
        "late_boat/ar.md:1: This language is missing; translate en.md and stamp it.",
        "late_boat/en.md:1: There is no child's version. Write child.en.md, or say in `no_childs_version` why there is "
        "none to give.",
        "late_boat/es.md:1: This language is missing; translate en.md and stamp it.",
    ]


@pytest.mark.parametrize(
    ("name", "text", "line", "what"),
    [
        ("first_answer", "word " * 78, 11, "what never to do are 81 words together; 80 is the most"),
        ("steps", "1. Call.\n2. " + "word " * 41, 19, "41 words"),
        ("steps", "\n".join(f"{n}. Step." for n in range(1, 14)), 17, "These are 13 steps; 12 is the most"),
        ("why", "He is illegal.", 21, "We do not write 'illegal'"),
        ("why", "Deal with it.", 21, "We do not write 'deal with'"),
        ("why", "We will find them.", 21, "'we will find' is a promise"),
        ("why", "Nobody will know.", 21, "'nobody will know' is a promise"),
        ("why", "We will keep you safe.", 21, "'will keep you safe' is a promise"),
        ("contacts", "- Look at https://example.org/help", 31, "is a web address"),
        ("contacts", "- Write to help.example.org", 31, "is a web address"),
        ("contacts", "- Call +33 1 99 00 12 34", 31, "looks like a number to dial"),
        ("contacts", "- Call ١١٢", 31, "Write numbers as people dial them"),
        ("varies", "The number. In the United Kingdom: 999 boats.", 33, "'United Kingdom' is a country"),
        ("varies", "Mexico: tell DIF.", 33, "'Mexico' is a country"),
    ],
)
def test_what_a_reader_must_not_get_is_named_with_its_line(
    tmp_path: Path, name: str, text: str, line: int, what: str
) -> None:
    shelf(tmp_path, sections=SECTIONS | {name: text})

    assert [p.line for p in blocking(tmp_path) if what in p.what] == [line], blocking(tmp_path)


def test_a_figure_that_needs_verification_may_not_be_shown_as_a_fact(tmp_path: Path) -> None:
    front = FRONT + "to_verify: [The coast guard comes within 2-3 hours.]\n"
    shelf(tmp_path, front=front, sections=SECTIONS | {"time_limits": "- Within 2-3 hours"})

    (problem,) = blocking(tmp_path)
    assert problem.what == "'2-3 h' still needs verification (`to_verify`); take it out, or verify it."


def test_a_text_needs_a_source_that_somebody_has_read(tmp_path: Path) -> None:
    shelf(tmp_path, front=FRONT.replace('  - {code: CRC, articles: "6, 22"}\n', ""))

    (problem,) = blocking(tmp_path)
    assert problem.what.startswith("At least one source must be confirmed, or named by the domain pack;")


def test_a_source_that_is_only_named_is_told_to_people_and_marked_to_editors(tmp_path: Path) -> None:
    shelf(tmp_path)
    put(tmp_path, "sources.yml", SOURCES.replace("  status: confirmed\n", "  status: named\n"))

    assert blocking(tmp_path) == []
    assert [p.line for p in check(tmp_path) if p.what.startswith("No source of this is confirmed")] == [5]
    assert [source.code for text in load_texts(tmp_path) for source in text.shown_sources()] == ["CRC"]


def test_the_law_of_one_region_is_no_source_of_a_text_for_everywhere(tmp_path: Path) -> None:
    shelf(tmp_path)
    put(tmp_path, "sources.yml", SOURCES.replace("  status: confirmed\n", "  status: confirmed\n  holds_in: EU\n"))
    (problem,) = blocking(tmp_path)
    assert "No source of this that people are told holds everywhere" in problem.what

    put(tmp_path, "sources.yml", SOURCES.replace("  status: confirmed\n", "  status: confirmed\n  holds_in: XX\n"))
    assert any("'XX' is no country" in p.what and p.file == "sources.yml" for p in blocking(tmp_path))


def test_a_review_that_is_late_or_too_far_away_is_a_problem(tmp_path: Path) -> None:
    shelf(tmp_path)
    assert blocking(tmp_path, on=date(2026, 12, 1)) == []
    assert ["was due on 2026-12-01" in p.what for p in blocking(tmp_path, on=date(2026, 12, 2))] == [True]

    shelf(tmp_path, front=FRONT.replace("2026-12-01", "2028-12-01"))
    assert [p.what for p in blocking(tmp_path)] == ["A review is due within a year; bring `review_due` forward."]


def test_an_outdated_translation_says_what_it_was_made_from(tmp_path: Path) -> None:
    put_french(shelf(tmp_path), of="0123456789abcdef")

    (problem,) = blocking(tmp_path)

    assert (problem.file, problem.line) == ("late_boat/fr.md", 3)
    assert "0123456789abcdef" in problem.what


def test_a_translation_has_the_steps_and_the_numbers_of_its_english(tmp_path: Path) -> None:
    shelf(tmp_path, sections=SECTIONS | {"steps": "1. Call.\n2. Stay.\n3. Count.", "time_limits": "- 3 hours"})
    put_french(tmp_path)

    found = {(p.line, p.what) for p in blocking(tmp_path)}

    assert found == {
        (11, "'Étapes' has 2 steps, the English has 3; bring them together."),
        (19, "The numbers differ from the English, which has 3."),
    }


def test_each_audience_is_addressed_in_its_own_way(tmp_path: Path) -> None:
    put_french(shelf(tmp_path))
    path = tmp_path / "late_boat/fr.md"
    path.write_text(path.read_text(encoding="utf-8").replace("N'attendez pas.", "Tu attends."), encoding="utf-8")

    assert [p.what for p in blocking(tmp_path)] == ["'tu' is not how a worker is addressed; see the other lines."]


def test_a_child_gets_short_sentences_and_no_law(tmp_path: Path) -> None:
    shelf(tmp_path)
    steps = "1. " + "word " * 13 + "\n2. The convention says so."
    child = {"first_answer": "Call.", "never": "Do not wait.", "steps": steps}
    put(tmp_path, "late_boat/child.en.md", written("title: No boat\naudience: child\n", child))

    found = [p.what for p in blocking(tmp_path)]

    assert any("more than 12 words" in what for what in found)
    assert any("'convention' is law" in what for what in found)


CHILD = {
    "first_answer": "Call {emergency_number}. A person can talk with you here. You can ask for help.",
    "never": "Do not wait.",
    "steps": "1. Go to the light.",
}
CHILD_IN_FRENCH = {
    "first_answer": "Appelle le {emergency_number}. On peut te parler ici. Tu peux demander de l'aide.",
    "never": "N'attends pas.",
    "steps": "1. Va vers la lumière.",
}
CHILD_IN_SPANISH = {
    "first_answer": "Llama al {emergency_number}. Hay gente que te oye. Puedes pedir ayuda.",
    "never": "No esperes.",
    "steps": "1. Ve a la luz.",
}
CHILD_IN_ARABIC = {
    "first_answer": "الاتصال بالرقم {emergency_number}. يمكن التحدث مع شخص هنا.",
    "never": "لا انتظار.",
    "steps": "1. إلى الضوء.",
}
CHILDREN = {"en": CHILD, "fr": CHILD_IN_FRENCH, "es": CHILD_IN_SPANISH, "ar": CHILD_IN_ARABIC}


def childs_problems(folder: Path, language: str, section: str, words: str) -> list[str]:
    """What is said of a child's text that has these words in one section, beside a good English one."""
    shelf(folder)
    put(folder, "late_boat/child.en.md", written("title: No boat\naudience: child\n", CHILD))
    if language != "en":
        front = "title: X\ntranslation: {state: machine-drafted, of: 0000000000000000}\n"
        put(folder, f"late_boat/child.{language}.md", written(front, CHILDREN[language], language))
        assert main(["stamp", "--folder", str(folder), f"late_boat/child.{language}.md"]) == 0
    assert blocking(folder) == []
    front = (folder / f"late_boat/child.{language}.md").read_text(encoding="utf-8").split("---\n")[1]
    put(folder, f"late_boat/child.{language}.md", written(front, CHILDREN[language] | {section: words}, language))
    return [p.what for p in blocking(folder)]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", "Tu ne dois jamais parler de ce qui te fait mal."),
        ("fr", "Tu ne dois pas tout dire."),
        ("fr", "Tu n'as pas à le dire."),
        ("ar", "لا يجب عليك أبدًا الكلام عما يؤلمك."),
        ("ar", "لا يجب على أخيك فعل ذلك."),
    ],
)
def test_a_child_cannot_read_that_speaking_is_forbidden(tmp_path: Path, language: str, words: str) -> None:
    assert any("gives leave" in what for what in childs_problems(tmp_path, language, "steps", f"1. {words}"))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "You never have to talk about it."),
        ("fr", "Rien ne t'oblige à parler."),
        ("es", "No tienes que hablar de lo que te duele."),
        ("ar", "لا حاجة إلى الكلام."),
    ],
)
def test_what_never_to_do_is_not_what_one_may_leave(tmp_path: Path, language: str, words: str) -> None:
    assert any("never be done" in what for what in childs_problems(tmp_path, language, "never", words))


@pytest.mark.parametrize(
    ("language", "words", "said"),
    [
        ("fr", "Je suis seul.", "seul"),
        ("fr", "Dis où tu es né.", "tu es né"),
        ("es", "Di si estás solo.", "estás solo"),
        ("ar", "يمكنك قول ما تريد.", "تريد"),
    ],
)
def test_a_childs_text_speaks_to_girls_too(tmp_path: Path, language: str, words: str, said: str) -> None:
    expected = f"{said!r} speaks to boys only; say it without, or give both forms."
    assert expected in childs_problems(tmp_path, language, "steps", f"1. {words}")


@pytest.mark.parametrize(("language", "words"), [("fr", "Je suis seul(e)."), ("ar", "يمكنك قول ما تريده/تريدينه.")])
def test_both_forms_are_for_every_child(tmp_path: Path, language: str, words: str) -> None:
    assert not any("boys" in what for what in childs_problems(tmp_path, language, "steps", f"1. {words}"))


def test_every_child_is_told_whom_to_call(tmp_path: Path) -> None:
    (problem,) = childs_problems(tmp_path, "en", "first_answer", "A person can talk with you here.")

    assert problem.startswith("A child is told whom to call in danger")


def test_a_childs_first_message_has_sixty_words_and_no_more(tmp_path: Path) -> None:
    sentences = "Call {emergency_number}. " + "Go to the light. " * 14

    assert childs_problems(tmp_path, "en", "first_answer", sentences + "Now.") == [
        "The first answer and what never to do are 62 words together; 60 is the most."
    ]


def test_a_text_without_a_childs_version_says_why_there_is_none_to_give(tmp_path: Path) -> None:
    def about_the_version() -> list[tuple[int, str]]:
        return [(p.line, p.what) for p in check(tmp_path) if "child's version" in p.what]

    shelf(tmp_path)
    assert [line for line, _ in about_the_version()] == [1]

    shelf(tmp_path, front=FRONT + "no_childs_version: For crews only.\n")
    assert about_the_version() == []

    child_version(tmp_path)
    assert about_the_version() == [(10, "There is a child's version after all; take `no_childs_version` out.")]


def child_version(folder: Path, steps: str = "1. Call.") -> None:
    sections = CHILD | {"steps": steps}
    put(folder, "late_boat/child.en.md", written("title: No boat\naudience: child\n", sections))


def test_a_child_does_not_read_words_that_frighten(tmp_path: Path) -> None:
    child_version(shelf(tmp_path), steps="1. Say who was murdered.")

    assert [p.what for p in blocking(tmp_path)] == [
        "'murdered' is not for a child to read; say it with everyday words."
    ]


def test_a_child_of_eight_can_read_the_childs_version(tmp_path: Path) -> None:
    child_version(shelf(tmp_path), steps="1. Communicate immediately with responsible organisations.")

    (problem,) = blocking(tmp_path)

    assert problem.what.startswith("This asks for a reading age of")
    child_version(tmp_path, steps="1. Tell the people who help at sea.")
    assert blocking(tmp_path) == []


@pytest.mark.parametrize(
    ("language", "easy", "hard"),
    [
        ("en", "Go to a safe place. Tell an adult.", "Subsequently authorities determine applicable accommodation."),
        ("fr", "Va dans un lieu sûr. Dis-le à un ami.", "Ultérieurement les autorités détermineront l'hébergement."),
        ("es", "Ve con gente. Di lo que pasa.", "Posteriormente las autoridades determinarán el alojamiento."),
        ("ar", "كل شيء هنا لك. هذا حق.", "المستشفيات والمؤسسات الاجتماعية والاستراتيجيات الاقتصادية."),
    ],
)
def test_long_words_and_sentences_ask_for_an_older_reader(language: str, easy: str, hard: str) -> None:
    assert reading_age(easy, language) <= CHILD_READS_AT < reading_age(hard, language)


@pytest.mark.parametrize(
    ("related", "what"),
    [
        ("late_bus", "`related` names 'late_bus', and there is no such procedure; write it or take the name out."),
        ("late_boat", "`related` leads in a circle, back to this text; take it out."),
    ],
)
def test_a_link_leads_to_another_procedure(tmp_path: Path, related: str, what: str) -> None:
    shelf(tmp_path, front=FRONT + f"related: [{related}]\n")

    assert [(p.line, p.what) for p in blocking(tmp_path)] == [(10, what)]


def test_a_translation_leaves_open_what_its_english_leaves_open(tmp_path: Path) -> None:
    shelf(tmp_path, sections=SECTIONS | {"contacts": "- Coast guard, or {emergency_number}"})
    put_french(tmp_path)

    (problem,) = blocking(tmp_path)

    assert (problem.file, problem.line) == ("late_boat/fr.md", 24)
    assert problem.what == "The English has {emergency_number} in this section; put it in as it stands."


def test_a_text_nobody_signed_is_a_note_and_not_an_obstacle(tmp_path: Path) -> None:
    notes = [p for p in check(shelf(tmp_path)) if not p.blocking]

    assert [str(p) for p in notes] == ["late_boat/en.md:1: note: Nobody has signed this text yet (`reviewer`)."]


def test_the_command_says_what_to_mend_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shelf(tmp_path, sections=SECTIONS | {"why": "We guarantee it."})

    assert main(["check", "--folder", str(tmp_path), "--on", "2026-11-23"]) == 1

    out = capsys.readouterr().out
    assert (
        "late_boat/en.md:21: 'guarantee' is a promise that may not be kept; say what is done, not how it ends.\n" in out
    )
    assert "1 texts of 1 procedures read: 5 problems, 1 notes (see them with --notes).\n" in out


def test_stamping_says_that_a_translation_was_read_against_the_english(tmp_path: Path) -> None:
    put_french(shelf(tmp_path), of="0")
    assert len(blocking(tmp_path)) == 1

    assert main(["stamp", "late_boat/fr.md", "--folder", str(tmp_path)]) == 0

    assert blocking(tmp_path) == []


def test_an_original_cannot_be_stamped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stamp", "late_boat/en.md", "--folder", str(shelf(tmp_path))]) == 1
    assert "not a translation" in capsys.readouterr().err


PROCEDURES = Path(__file__).parents[3] / "dialogues" / "procedures"


def test_the_procedures_we_ship_have_no_problem() -> None:
    assert [str(p) for p in check(PROCEDURES, on=date(2026, 11, 23)) if p.blocking] == []


OF_STAFF_ALONE = {"cross_border_request", "referral_pathway"}


def test_all_forty_procedures_are_there_in_every_language() -> None:
    for language in LANGUAGES:
        assert len(list(PROCEDURES.glob(f"*/{language}.md"))) == 40


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_child_can_ask_whatever_is_not_of_staff_alone(language: str) -> None:
    keys = {path.parent.name for path in PROCEDURES.glob(f"*/{language}.md")}

    assert {path.parent.name for path in PROCEDURES.glob(f"*/child.{language}.md")} == keys - OF_STAFF_ALONE


def test_a_first_answer_is_as_short_in_french_as_in_english(tmp_path: Path) -> None:
    put_french(shelf(tmp_path))
    french = tmp_path / "late_boat/fr.md"
    heading = "## Première réponse\n"
    before, _, after = french.read_text(encoding="utf-8").partition(heading)
    french.write_text(f"{before}{heading}{'mot ' * 81}{after.lstrip()}", encoding="utf-8")

    assert any("80 is the most" in problem.what for problem in blocking(tmp_path) if problem.file.endswith("fr.md"))


@pytest.mark.parametrize(
    ("front", "words", "what"),
    [
        ("", "Are you safe right now?", "say `asks_safety: true`"),
        ("asks_safety: true\n", "Go in.", "`asks_safety` says that this asks"),
        ("asks_safety: true\n", "Are you safe right now?", None),
        ("asks_safety: maybe\n", "Are you safe right now?", "may only be `true`"),
    ],
)
def test_a_childs_text_that_asks_are_you_safe_is_marked_so_that_a_no_is_heard(
    tmp_path: Path, front: str, words: str, what: str | None
) -> None:
    shelf(tmp_path)
    sections = {"first_answer": f"{words} Call {{emergency_number}}.", "never": "Do not swim.", "steps": "1. Call."}
    put(tmp_path, "late_boat/child.en.md", written(f"title: Late\naudience: child\n{front}", sections))

    found = [problem.what for problem in blocking(tmp_path)]

    assert [what in problem for problem in found] == ([True] if what else []), found
