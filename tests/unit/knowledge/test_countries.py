from __future__ import annotations

import pytest

from dialogues.knowledge.countries import countries_named, country_name


@pytest.mark.parametrize(
    ("words", "countries"),
    [
        ("girl, 16, moved from Mexico to the United States", ("MX", "US")),
        ("she is in Italy now, she came from Niger through Libya", ("NE", "LY", "IT")),
        ("fille de 16 ans passée du Niger en Italie", ("NE", "IT")),
        ("il vient d'Italie, il est en France", ("IT", "FR")),
        ("se mudó de México a Estados Unidos", ("MX", "US")),
        ("ولد جاء من سوريا عبر تركيا لفرنسا", ("SY", "TR", "FR")),
        ("moved from Nigeria to Niger", ("NG", "NE")),
        ("call us, he is from Colombia in the US", ("CO", "US")),
        ("help us", ()),
        ("", ()),
    ],
)
def test_a_journey_is_read_from_where_it_began(words: str, countries: tuple[str, ...]) -> None:
    assert countries_named(words) == countries


def test_a_country_and_a_region_have_names_in_every_language() -> None:
    assert [country_name("MX", language) for language in ("en", "fr", "es", "ar")] == [
        "Mexico",
        "Mexique",
        "México",
        "المكسيك",
    ]
    assert country_name("EU", "fr") == "Union européenne"
