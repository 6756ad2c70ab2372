"""New texts, new languages, and what differs in a country, written at the desk."""

from __future__ import annotations

import re
from html import unescape

from bot.kernel.access import Role
from dialogues.knowledge.model import Audience, TranslationState
from dialogues.knowledge.overlays import mark_of_line
from tests.integration.desk.text_pages import file_on, released

OVERLAY = "/desk/texts/overlays/IT"


async def test_what_differs_in_a_country_is_changed_at_the_desk_and_the_next_question_gets_it(
    world, at_desk, shelf, procedures, clock
):
    author = await at_desk(await world.officer("leo", Role.AUTHOR))
    approver = await at_desk(await world.officer("ines", Role.APPROVER))
    on = clock.now().date()

    change = ("Anti-trafficking line of the Department", "Night line of the Department")
    await released(author, approver, OVERLAY, change, read_against="1")
    await shelf.refresh()

    in_italy = procedures.get("trafficking_indicators", "en", on, "IT")
    assert any(contact.startswith("Night line of the Department") for contact in in_italy.contacts)
    assert in_italy.is_draft  # the lines of Italy were approved, the text under them was not
    italy = next(each for each in procedures.overlays.all() if each.jurisdiction == "IT")
    assert all(line.approved for line in italy.variations)
    assert in_italy.newer_since is None
    assert not any("Night line" in c for c in procedures.get("trafficking_indicators", "en", on, "FR").contacts)
    assert "Night line of the Department" in await author.go(OVERLAY)


async def test_a_country_that_had_nothing_gets_its_first_line_at_the_desk(world, at_desk, shelf, procedures, clock):
    author = await at_desk(await world.officer("leo", Role.AUTHOR))
    approver = await at_desk(await world.officer("ines", Role.APPROVER))

    await author.go("/desk/texts?country=de")
    assert author.path == "/desk/texts/overlays/DE"
    assert "nothing is confirmed here yet" in author.page
    languages = '  en: ""\n  fr: ""\n  es: ""\n  ar: ""\n'
    asked = "  en: the Jugendamt\n  fr: le Jugendamt\n  es: el Jugendamt\n  ar: Jugendamt\n"
    said = "      en: Tell them.\n      fr: Prévenez-les.\n      es: Avise.\n      ar: إخبارهم.\n"
    indented = "".join(f"    {line}\n" for line in languages.splitlines())
    page = "/desk/texts/overlays/DE"
    content = file_on(author.page).replace(languages, asked, 1).replace(indented, said, 1)
    await author.send(page, content=content, read_against="1")
    seen = "/desk/texts/identify_uasc/en?view=seen&in=DE"
    assert seen in unescape(await approver.go(page))
    assert "Tell them." in await approver.go(seen)
    assert "Tell them." not in await approver.go(f"{seen}&of=present")
    await approver.go(page)
    await approver.send(f"{page}/approve")
    await shelf.refresh()

    text = procedures.get("identify_uasc", "fr", clock.now().date(), "DE")
    assert "Prévenez-les." in text.time_limits
    assert procedures.overlays.ask("DE", "en") == "the Jugendamt"


NEW = "/desk/texts/boat_late/en"


ENGLISH = {
    "First answer": "Call the coast guard. Stay on the line.",
    "Never": "Do not wait for a second call.",
    "Steps": "1. Call.\n2. Stay on the line.",
    "Why": "Minutes count.",
    "Time limits": "- At once",
    "Documents": "- Note",
    "Contacts": "- Coast guard",
    "Varies by country": "The number.",
    "Red flags": "- Water in the boat",
}


FRENCH = {
    "Première réponse": "Appelez les secours en mer. Restez en ligne.",
    "Jamais": "N'attendez pas un deuxième appel.",
    "Étapes": "1. Appelez.\n2. Restez en ligne.",
    "Pourquoi": "Les minutes comptent.",
    "Délais": "- Tout de suite",
    "Documents": "- Note",
    "Contacts": "- Secours en mer",
    "Selon le pays": "Le numéro.",
    "Signaux d'alerte": "- De l'eau dans le bateau",
}


CHILDS = {
    "First answer": "Thank you for telling me. Call {emergency_number} now. A person can talk with you here.",
    "Never": "Do not wait.",
    "Steps": "1. Call.\n2. Stay on the phone.",
    "Why": "Every minute helps.",
}


def written(draft: str, title: str, sections: dict[str, str]) -> str:
    """A first draft with its title and its sections filled in."""
    filled = draft.replace('title: ""', f"title: {title}", 1)
    for heading, words in sections.items():
        filled = re.sub(rf"## {heading}\n[^\n]*\n", f"## {heading}\n{words}\n", filled, count=1)
    return filled


async def test_a_new_text_and_a_new_language_of_it_are_written_at_the_desk_and_approved_by_another(
    world, at_desk, shelf, procedures, clock
):
    author = await at_desk(await world.officer("leo", Role.AUTHOR))
    approver = await at_desk(await world.officer("ines", Role.APPROVER))
    officer = await at_desk(await world.officer("noor", Role.OFFICER))
    on = clock.now().date()

    await author.go("/desk/texts?new=Boat&language=en")
    assert "small letters" in author.page
    await author.go("/desk/texts?new=boat_late&language=en&for=worker")
    assert author.path == NEW
    await author.send(NEW, content=file_on(author.page))
    assert author.status == 409
    assert "This section is empty" in author.page
    await author.send(NEW, content=written(file_on(author.page), "A boat is late", ENGLISH))
    assert "waits for an approver" in author.page
    assert "nobody gets it yet" in author.page
    assert f"{NEW}/approve" not in author.page
    assert "A boat is late" in (await author.go(f"{NEW}?view=seen"))
    await shelf.refresh()
    assert procedures.get("boat_late", "en", on) is None
    await officer.go(NEW)
    assert officer.status == 404

    await approver.go(NEW)
    await approver.send(f"{NEW}/send-back", note="Say for whom.")
    assert "Call the coast guard." in file_on(await author.go(NEW))
    assert "Say for whom." in author.page
    await author.send(NEW, content=file_on(author.page))

    childs = "/desk/texts/boat_late/child.en"
    await author.go(childs)
    await author.send(childs, content=written(file_on(author.page), "The boat does not come", CHILDS))
    assert "waits for an approver" in author.page
    await approver.go(childs)
    await approver.send(f"{childs}/approve")
    assert approver.status == 409
    assert "rests on an English text" in approver.page

    await approver.go(NEW)
    await approver.send(f"{NEW}/approve")
    await approver.go(childs)
    await approver.send(f"{childs}/approve")
    await shelf.refresh()
    assert procedures.get("boat_late", "en", on, audience=Audience.CHILD).first_answer == CHILDS["First answer"]
    text = procedures.get("boat_late", "en", on)
    assert (text.title, text.is_draft) == ("A boat is late", False)
    assert procedures.search("late boat", "en", on=on)[0].key == "boat_late"
    assert "A boat is late" in await officer.go(NEW)

    french = "/desk/texts/boat_late/fr"
    await author.go(french)
    assert "Call the coast guard." in author.page
    content = written(file_on(author.page), "Un bateau tarde", FRENCH)
    await author.send(french, content=content, read_against="1")
    await approver.go(french)
    await approver.send(f"{french}/approve")
    await shelf.refresh()
    translated = procedures.get("boat_late", "fr", on)
    assert translated.first_answer == FRENCH["Première réponse"]
    assert translated.translation_state is TranslationState.MACHINE_DRAFTED
    assert "people get it" in await author.go(f"{french}?view=versions")


async def test_an_overlay_that_contradicts_itself_is_refused_with_its_line(world, at_desk, shelf, procedures):
    author = await at_desk(await world.officer("leo", Role.AUTHOR))
    content = file_on(await author.go(OVERLAY))
    first = content[content.index("  - procedure:") :].split("  - procedure:")[1]
    twice = "".join(f"  - procedure:{first.replace('    text:', f'    replaces: 1{chr(10)}    text:', 1)}" * 2)

    await author.send(OVERLAY, content=content[: content.index("  - procedure:")] + twice, read_against="1")

    assert author.status == 409
    assert "overlays/IT.yml:" in author.page
    assert "Keep one, or end the first with `valid_to`." in unescape(author.page)


async def test_an_edit_that_would_take_a_country_its_line_is_held_back(world, at_desk, procedures, clock):
    author = await at_desk(await world.officer("leo", Role.AUTHOR))
    approver = await at_desk(await world.officer("ines", Role.APPROVER))
    third = mark_of_line(procedures.get("trafficking_indicators", "en", clock.now().date()).contacts[2])
    replaced = ("    section: contacts\n", f"    section: contacts\n    replaces: 3\n    replaced: '{third}'\n")
    await released(author, approver, OVERLAY, replaced)
    page = "/desk/texts/trafficking_indicators/en"
    content = file_on(await author.go(page))
    contacts = content[content.index("## Contacts\n") : content.index("## Varies")]

    await author.send(page, content=content.replace(contacts, "## Contacts\n- Police\n\n"))

    assert author.status == 409
    assert "overlays/IT.yml:" in author.page
    assert "has 1 lines; say which." in unescape(author.page)
