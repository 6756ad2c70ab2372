from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.countries import country_in_english
from directory.places import Place, Places, ShippedTowns, load_supplement
from directory.spelling import LONGEST_NAME, consonants, fold

PLACES = Places.load()
TOWNS = ShippedTowns()


def names(words: str, country: str | None = None) -> list[str]:
    return [place.name for place in PLACES.resolve(words, country=country)]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        # Latin: one or two slips, missing accents, the ear instead of the dictionary
        ("Ventimiglia", "Ventimiglia"),
        ("ventimilia", "Ventimiglia"),
        ("vintimilia", "Ventimiglia"),
        ("VENTIMIGLIA!!", "Ventimiglia"),
        ("vintimille", "Ventimiglia"),
        ("in Ventimiglia", "Ventimiglia"),
        ("je suis à Vintimille", "Ventimiglia"),
        ("cerca de Ventimiglia", "Ventimiglia"),
        ("callais", "Calais"),
        ("tapachulla", "Tapachula"),
        ("tapatchula", "Tapachula"),
        ("Agadess", "Agadez"),
        ("lampeduza", "Lampedusa"),
        ("bihach", "Bihać"),
        ("mitilini", "Mytilene"),
        ("Lesvos", "Lesbos"),
        ("cucuta", "Cúcuta"),
        ("przemysl", "Przemyśl"),
        ("Iroun", "Irun"),
        ("beogradd", "Belgrade"),
        ("barselona", "Barcelona"),
        ("Dunkerque", "Dunkirk"),
        # Arabic script, also Persian letters and names written as they sound
        ("فينتيميليا", "Ventimiglia"),
        ("فينتميليا", "Ventimiglia"),
        ("في فينتيميليا", "Ventimiglia"),
        ("بفينتيميليا", "Ventimiglia"),
        ("اغاديز", "Agadez"),
        ("اغاديس", "Agadez"),
        ("سبته", "Ceuta"),
        ("لامبدوزا", "Lampedusa"),
        ("لامپدوسا", "Lampedusa"),
        ("تاباتشولا", "Tapachula"),
        ("كالي", "Calais"),
        ("اسطنبول", "Istanbul"),
        ("بلغرد", "Belgrade"),
        ("ليسبس", "Lesbos"),
        ("Saan Salvador", "San Salvador"),  # which ends like the name of its country
        # Cyrillic
        ("Вентимилия", "Ventimiglia"),
        ("Вентимиля", "Ventimiglia"),
        ("Київ", "Kyiv"),
        ("Перемишл", "Przemyśl"),
        ("Лвів", "Lviv"),
        ("Белград", "Belgrade"),
        ("Варшав", "Warsaw"),
        ("Запорожьє", "Zaporizhzhya"),
        # Ethiopic, with letters that sound alike
        ("ቬንቲሚሊያ", "Ventimiglia"),
        ("ቬንቲሚልያ", "Ventimiglia"),
        ("አስመራ", "Asmara"),
        ("አስመረ", "Asmara"),
        ("ኻርቱም", "Khartoum"),
        ("አዲስ አበባ", "Addis Ababa"),
        # read aloud, for no list has the names
        ("ઇસ્તંબુલ", "Istanbul"),
        ("ਮਿਲਾਨ", "Milan"),
        ("பெர்லின்", "Berlin"),
        ("මිලානෝ", "Milan"),
        ("လန်ဒန်", "London"),
        ("ბელგრადი", "Belgrade"),
        ("Վարշավա", "Warsaw"),
        ("סלוניקי", "Thessaloníki"),
        ("อิสตันบูล", "Istanbul"),
        # Greek
        ("Λεσβος", "Lesbos"),
        ("Θεσαλονικη", "Thessaloníki"),
    ],
)
def test_a_misspelt_name_is_understood(typed: str, meant: str):
    assert meant in names(typed)
    assert names(typed)[0] == meant


def test_a_clear_name_is_not_asked_about():
    for typed in ("Ventimiglia", "فينتيميليا", "Вентимілья", "Agadez", "Calais", "Tapachula", "Irun"):
        assert len(names(typed)) == 1, typed


def test_a_name_of_two_towns_is_asked_about_unless_the_country_is_known():
    assert {place.country for place in PLACES.resolve("Tripoli")} == {"LY", "LB"}
    assert [place.country for place in PLACES.resolve("Tripoli", country="LB")] == ["LB"]
    assert [place.country for place in PLACES.resolve("طرابلس", country="LY")] == ["LY"]


@pytest.mark.parametrize("words", ["", "   ", "?", "a", "I need a bed tonight please", "👍", "12345", "x" * 5000])
def test_what_is_no_place_is_not_taken_for_one(words: str):
    assert names(words) == []


@given(st.text(max_size=LONGEST_NAME * 6))
def test_whatever_is_typed_there_are_at_most_three_choices(words: str):
    assert len(PLACES.resolve(words)) <= 3


@given(st.sampled_from(load_supplement()), st.data())
def test_every_spelling_of_every_place_leads_to_it(place: Place, data: st.DataObject):
    spelling = data.draw(st.sampled_from(place.spellings()))

    assert place in PLACES.resolve(spelling, country=place.country)


@given(st.sampled_from([place for place in load_supplement() if len(place.name) >= 7]), st.data())
def test_one_slip_in_a_long_name_does_not_lose_the_place(place: Place, data: st.DataObject):
    position = data.draw(st.integers(1, len(place.name) - 2))
    slip = data.draw(st.sampled_from(["drop", "double", "swap"]))
    before, letter, after = place.name[:position], place.name[position], place.name[position + 1 :]
    typed = {
        "drop": before + after,
        "double": before + letter * 2 + after,
        "swap": before + after[:1] + letter + after[1:],
    }[slip]

    assert place in PLACES.resolve(typed, country=place.country)


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing_more(text: str):
    assert fold(fold(text)) == fold(text)


def test_invisible_and_direction_characters_do_not_hide_a_name():
    assert names("Venti\u200bmig\u00adlia\u202e") == ["Ventimiglia"]


def test_a_name_has_the_same_bones_in_every_script():
    bones = {consonants(fold(name)) for name in ("Ventimiglia", "فينتيميليا", "Вентимилья")}

    assert all(found.startswith("fntm") for found in bones)


def test_a_shared_location_is_the_nearest_town():
    near = PLACES.nearest(43.79, 7.60)

    assert near is not None
    assert near.name == "Ventimiglia"


def test_a_shared_location_in_the_middle_of_an_ocean_is_nowhere():
    assert PLACES.nearest(-40.0, -120.0) is None


def test_the_directorys_own_towns_are_known_too():
    places = PLACES.with_towns([("Dolceacqua", "IT", 43.85, 7.62), ("Ventimiglia", "IT", 43.79, 7.60)])

    assert [place.name for place in places.resolve("dolce acqua")] == ["Dolceacqua"]
    assert len(places) == len(PLACES) + 1


def test_a_place_has_the_name_that_people_use():
    assert PLACES.name_in("Ventimiglia", "IT", "fr") == "Vintimille"
    assert PLACES.name_in("Ventimiglia", "IT", "so") == "Ventimiglia"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Bologna", [("Bologna", "IT")]),
        ("I am in Lyonn", [("Lyon", "FR")]),
        ("tucson", [("Tucson", "US")]),
        ("kito", [("Quito", "EC")]),
        ("nante", [("Nantes", "FR")]),
        ("bamacco", [("Bamako", "ML")]),
        ("Wadi Halfa", [("Wadi Halfa", "SD")]),
        ("Córdoba", [("Córdoba", "AR"), ("Córdoba", "ES"), ("Córdoba", "MX")]),
        ("asdfgh", []),
        # as a foreign ear keeps them
        ("sfa9s", [("Sfax", "TN")]),
        ("wejda", [("Oujda", "MA")]),
        ("st denis", [("Saint-Denis", "FR"), ("Saint-Denis", "RE")]),
        # what locals say, and a small place that has the name of a great one among its others
        ("medallo", [("Medellín", "CO")]),
        ("xela", [("Quetzaltenango", "GT")]),
        # the country beside a town tells where to look
        ("seget hungary", [("Szeged", "HU")]),
        ("tripoli liban", [("Tripoli", "LB")]),
        ("colchani chile", [("Colchane", "CL")]),  # and Colchani is in Bolivia
        ("skopje north macedonia", [("Skopje", "MK")]),
        ("melilla maroc", [("Melilla", "ES")]),  # which lies elsewhere than people say
        # with the article of Arabic or the ending of Ukrainian on it, or without its last words
        ("l7ousima", [("Al Hoceïma", "MA")]),
        ("сучаві", [("Suceava", "RO")]),
        ("ألميره هولندا", [("Almere Stad", "NL")]),  # by its consonants, in the country named beside it
    ],
)
def test_a_larger_town_is_known_where_nobody_built_the_gazetteer(written, meant):
    found = Places.load().resolve(written, beyond=TOWNS)

    assert sorted((place.name, place.country) for place in found) == meant


@pytest.mark.parametrize("written", ["Ventimiglia", "Torino", "تونس", "مرسيليا", "Харків"])
def test_a_place_on_the_routes_stays_the_first_that_is_meant(written):
    alone, with_towns = Places.load().resolve(written), Places.load().resolve(written, beyond=TOWNS)

    assert alone[0] == with_towns[0]


def test_the_country_of_the_conversation_chooses_among_towns_of_one_name():
    found = Places.load().resolve("Córdoba", country="AR", beyond=TOWNS)

    assert found[0].country == "AR"


def test_where_no_country_is_known_a_place_where_the_language_is_spoken_is_likelier():
    places = Places.load()

    assert places.resolve("bitoria", beyond=TOWNS, language="es")[0].country == "ES"
    assert places.resolve("bitoria", beyond=TOWNS, language="es", country="BR")[0].country == "BR"


def test_the_beginning_of_a_name_is_enough_and_names_that_only_sound_alike_are_not_taken():
    assert PLACES.resolve("bruxel")[0].name == "Brussels"
    assert PLACES.resolve("tapachul")[0].name == "Tapachula"
    assert all(place.name != "Madurai" for _, place in TOWNS.scored("madri")[:1])


@pytest.mark.parametrize(
    ("written", "country"),
    [
        ("Kenya", "Kenya"), ("serbia", "Serbia"), ("au Maroc", "Morocco"), ("مصر", "Egypt"), ("بالأردن", "Jordan"),
        ("سوريا", "Syria"), ("Україна", "Ukraine"), ("أوكرانيا", "Ukraine"), ("hungary", "Hungary"),
        ("lmaghrib", "Morocco"), ("almanya", "Germany"), ("holanda", "Netherlands"), ("burkina", "Burkina Faso"),
    ],
)  # fmt: skip
def test_a_country_is_not_taken_for_a_town_that_is_spelt_like_it(written: str, country: str):
    assert PLACES.resolve(written, beyond=TOWNS) == []
    assert country_in_english(written) == country


def test_a_town_called_like_a_country_is_found():
    assert PLACES.resolve("تونس", beyond=TOWNS)[0].name == "Tunis"
    assert country_in_english("Ventimiglia") is None


@pytest.mark.parametrize(
    ("written", "english", "geonames"),
    [
        ("sevilla", "Seville", "Sevilla"),
        ("Köln", "Cologne", "Köln"),
        ("باتراس", "Patras", "Pátra"),
        ("Sfax", "Sfax", "Sfax"),
        ("brendezi", "Brindisi", "Brindisi"),
        ("الفنيدق", "Fnideq", "Fnidek"),
        ("cancun", "Cancún", "Cancún"),  # as Changchun is called in some language
        ("jurez", "Ciudad Juárez", "Ciudad Juárez"),  # and not a smaller Juárez
        ("yverdon", "Yverdon-les-Bains", "Yverdon-les-Bains"),
        ("zurik", "Zürich", "Zürich"),  # which is another name of Żurrieq
    ],
)
def test_a_place_is_told_outward_by_its_english_name(written: str, english: str, geonames: str):
    found, *_namesakes = PLACES.resolve(written, beyond=TOWNS)

    assert (found.english, found.name) == (english, geonames)
