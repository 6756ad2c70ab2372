"""Towns that people name, found in the lists that ship: nobody needs to have built the gazetteer."""

import msgspec
import pytest

from dialogues.understanding.entities import EntityFinder
from dialogues.understanding.fold import fold
from dialogues.understanding.known_names import KnownNames
from dialogues.understanding.towns import TOWNS, directory_names, seldom_names, shipped_places, towns_index
from directory.places import SUPPLEMENT, Index, Places, index_of_towns


@pytest.fixture(scope="module")
def places() -> Places:
    return Places(shipped_places())


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        # central Mediterranean
        ("Naples", "Naples"), ("napoli", "Naples"), ("Benghazi", "Benghazi"), ("Goma", "Goma"),
        # the Balkans and the eastern Mediterranean
        ("alepo", "Aleppo"), ("حلب", "Aleppo"), ("الموصل", "Mosul"), ("Zürich", "Zürich"),
        # West Africa
        ("abidjean", "Abidjan"), ("Cotonou", "Cotonou"), ("Ouagadougou", "Ouagadougou"),
        # the Horn and East Africa
        ("mogadisho", "Mogadishu"), ("Kampala", "Kampala"), ("Port Sudan", "Port Sudan"),
        # Central America and Mexico
        ("Tegucigalpa", "Tegucigalpa"), ("Saltillo", "Saltillo"), ("oaxaca", "Oaxaca"),
        # Venezuela and its neighbours
        ("Medellín", "Medellín"), ("guayaquil", "Guayaquil"), ("Maracaibo", "Maracaibo"),
        # Ukraine and its neighbours
        ("Chernivtsi", "Chernivtsi"), ("Харків", "Kharkiv"), ("Wrocław", "Wrocław"),
        # South Asia
        ("Kandahar", "Kandahar"), ("Lahore", "Lahore"), ("Sylhet", "Sylhet"),
        # small towns, crossings and camps where people are stopped and sleep
        ("fnideq", "Fnidek"), ("الفنيدق", "Fnidek"), ("ben guerdane", "Ben Gardane"), ("sasabe", "Sásabe"),
        ("polykastro", "Polýkastro"), ("Шегині", "Shehyni"), ("vigevano", "Vigevano"), ("aubagne", "Aubagne"),
        # and never under the name of a greater town
        ("Homs", "Homs"), ("Rosario", "Rosario"), ("La Restinga", "La Restinga"),
        # what the supplement has stays as it was
        ("lampeduza", "Lampedusa"), ("cd juarez", "Ciudad Juárez"), ("كاليه", "Calais"),
    ],
)  # fmt: skip
def test_a_town_of_the_eight_corridors_is_known_by_its_english_name(places: Places, written: str, meant: str):
    assert fold(places.resolve(written)[0].name) == fold(meant)


def test_no_place_is_listed_twice():
    keys = [place.key for place in shipped_places()]

    assert len(keys) == len(set(keys))
    assert TOWNS.parent == SUPPLEMENT.parent


def test_towns_that_were_kept_are_those_of_the_list():
    """Whoever names a town waits for no list to be read: a start finds it worked out."""
    known = index_of_towns()

    assert towns_index() == known
    assert msgspec.json.decode(msgspec.json.encode(known), type=Index) == known
    assert [place.name for _, place in Places.of(known).scored("chikago")[:1]] == ["Chicago"]


def test_short_names_of_small_towns_are_looked_for_only_where_a_place_stands():
    assert "kaya" in seldom_names()
    assert not set(seldom_names()) & set(directory_names())


def test_words_are_not_taken_for_the_towns_that_are_called_so():
    finder = EntityFinder(
        KnownNames({"common": ["dos", "hermanas", "nice", "people"], "seldom": [], "places": []}, directory_names())
    )

    assert finder.find("dos hermanas no volvieron", "es") == []
    assert finder.find("they are nice people", "en") == []
    assert [entity.value for entity in finder.find("lawyer aleppo", "en")] == ["aleppo"]
