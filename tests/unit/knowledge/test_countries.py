from __future__ import annotations

import pytest

from dialogues.knowledge.countries import countries_named, country_name, country_of_stay, is_country, way_named


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


@pytest.mark.parametrize(
    ("words", "countries"),
    [
        ("from honduras through guatemala to the usa", ("HN", "GT", "US")),
        ("from honduras through guatemala to the us", ("HN", "GT", "US")),
        ("una niña pasó de Honduras a EE.UU.", ("HN", "US")),
        ("una niña de Honduras que va a los EE. UU.", ("HN", "US")),
        ("بنت سافرت من هندوراس إلى أمريكا", ("HN", "US")),
        ("moved from Ivory Coast to England", ("CI", "GB")),
        ("moved from Cote d'Ivoire to the U.K.", ("CI", "GB")),
        ("from Myanmar, Bangladesh to Malaysia", ("MM", "BD", "MY")),
        ("from S. Sudan to Uganda", ("SS", "UG")),
        ("طفل من غينيا وصل إسبانيا", ("GN", "ES")),
        ("انتقلت من سورية إلى تركيا", ("SY", "TR")),
        ("boy from the DRC, crossed Uganda, now in Kenya", ("CD", "UG", "KE")),
        ("parti de la RDC, passé par le Tchad, il est en Angleterre", ("CD", "TD", "GB")),
        ("from Honduras through Guatemala and Mexico to the USA", ("HN", "GT", "MX", "US")),
        ("Niger → Libya → Italy, who acts", ("NE", "LY", "IT")),
        ("route: Niger, Libya, Italy", ("NE", "LY", "IT")),
        ("ولد من مالي عبر الجزائر وتونس إلى إيطاليا", ("ML", "DZ", "TN", "IT")),
        ("from Syria through Turkey to her brother in Germany", ("SY", "TR", "DE")),
        ("I work in Italy, a boy came from Mali through Libya", ("ML", "LY", "IT")),
        ("I work in Colombia, a girl moved from Venezuela to Peru", ("VE", "PE")),
    ],
)
def test_a_country_is_known_by_whatever_people_call_it(words: str, countries: tuple[str, ...]) -> None:
    assert countries_named(words) == countries


@pytest.mark.parametrize(
    ("words", "countries"),
    [
        ("Jordan, 16, moved from Honduras to the USA", ("HN", "US")),
        ("Chad, 15, came from Mali to Italy", ("ML", "IT")),
        ("brother lives in Germany, I work in Colombia", ()),
        ("her brother lives in Germany, she came from Syria through Turkey to Greece", ("SY", "TR", "GR")),
        ("son frère vit en Allemagne, il est passé du Niger en Italie", ("NE", "IT")),
        ("su tío vive en España, viajó de Honduras a México", ("HN", "MX")),
        ("أخوه في ألمانيا، سافر من سوريا إلى تركيا", ("SY", "TR")),
        ("does the law of Italy differ, or in France", ()),
        ("Italy and France", ()),
        ("el niño usa drogas y salió de Honduras", ()),
        ("from South America to Spain", ()),
        ("her uncle, who lives in Germany, asks about Italy", ()),
    ],
)
def test_a_name_that_is_not_on_the_way_is_no_stop(words: str, countries: tuple[str, ...]) -> None:
    assert countries_named(words) == countries


@pytest.mark.parametrize(
    ("words", "towns", "countries", "unknown"),
    [
        ("from Tegucigalpa to Houston", {"Tegucigalpa": "HN", "Houston": "US"}, ("HN", "US"), ()),
        ("de Agadez à Vintimille puis en France", {"Agadez": "NE", "Vintimille": "IT"}, ("NE", "IT", "FR"), ()),
        ("ولد سافر من حلب إلى إسطنبول", {"حلب": "SY", "إسطنبول": "TR"}, ("SY", "TR"), ()),
        ("from honduras through guatemala to zembla", {"zembla": ""}, ("HN", "GT"), ("zembla",)),
        ("from Honduras through Guatemala to Zembla Nova", {}, ("HN", "GT"), ("Zembla Nova",)),
        ("from South America to Spain", {}, ("ES",), ("South America",)),
        ("de Honduras a Europa", {}, ("HN",), ("Europa",)),
        ("moved from Mexico to the United States, tell UNHCR, report to IOM", {}, ("MX", "US"), ()),
        ("moved from Libya to join her mother in Italy", {}, ("LY", "IT"), ()),
        ("boy from Mali", {}, ("ML",), ()),
    ],
)
def test_towns_are_stops_and_what_nobody_knows_is_told(
    words: str, towns: dict[str, str], countries: tuple[str, ...], unknown: tuple[str, ...]
) -> None:
    way = way_named(words, towns)
    assert way.is_journey or words == "boy from Mali"
    assert (way.countries, way.unknown) == (countries, unknown)


def test_where_somebody_works_is_the_country_they_ask_about() -> None:
    assert country_of_stay("brother lives in Germany, I work in Colombia") == "CO"
    assert country_of_stay("Jordan, 16, alone in Italy") == "IT"


def test_a_short_name_alone_is_a_country() -> None:
    assert [is_country(words) for words in ("EE.UU.", "usa", "England", "أمريكا", "us", "South America")] == [
        *("US", "US", "GB", "US", None, None)
    ]


def test_a_country_and_a_region_have_names_in_every_language() -> None:
    assert [country_name("MX", language) for language in ("en", "fr", "es", "ar")] == [
        "Mexico",
        "Mexique",
        "México",
        "المكسيك",
    ]
    assert country_name("EU", "fr") == "Union européenne"
