"""What nobody can be sure to keep is promised to nobody, in no language and however it is written."""

from __future__ import annotations

import pytest

from dialogues.knowledge.promises import promise_in


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "We will keep you safe."),
        ("en", "They’ll keep you safe here."),
        ("en", "I will keep this secret."),
        ("en", "We'll keep it between us."),
        ("en", "They will give you papers."),
        ("en", "You will get a bed."),
        ("en", "You'll arrive soon."),
        ("en", "Nothing bad will happen to you."),
        ("en", "Nobody will hurt you."),
        ("fr", "Rien ne t'arrivera."),
        ("fr", "Il ne t’arrivera rien."),
        ("fr", "On te protégera."),
        ("fr", "Nous garderons ce secret."),
        ("fr", "Ils te donneront des papiers."),
        ("fr", "Vous serez en sécurité."),
        ("fr", "Tu arriveras bientôt."),
        ("es", "Recibirás papeles."),
        ("es", "Estarás a salvo."),
        ("es", "No te pasará nada."),
        ("es", "Te protegeremos."),
        ("es", "Guardaremos tu secreto."),
        ("es", "Te darán papeles."),
        ("es", "Llegarás pronto."),
        ("ar", "ستكون بأمان"),
        ("ar", "سَتَكونُ بِأمان"),
        ("ar", "ستكـــون بأمان"),
        ("ar", "ستكونين في أمان"),
        ("ar", "سنحميك"),
        ("ar", "سأحفظ سرك"),
        ("ar", "سيعطونك أوراقًا"),
        ("ar", "لن يصيبك مكروه"),
        ("ar", "ستصل قريبًا"),
    ],
)
def test_a_promise_is_heard(language: str, words: str) -> None:
    assert promise_in(words, language), words


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Ask how they will keep the child safe."),
        ("en", "Never say that it stays secret."),
        ("en", "Tell a safe adult. They can help you to find a place."),
        ("fr", "Cherche un endroit sûr. Une personne peut t'aider."),
        ("es", "Busca un lugar seguro. Una persona puede ayudarte."),
        ("ar", "ابحث عن مكان آمن. يمكن لشخص أن يساعدك."),
    ],
)
def test_what_can_be_done_is_no_promise(language: str, words: str) -> None:
    assert promise_in(words, language) is None
