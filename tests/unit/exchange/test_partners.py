"""Who a partner is: names that cannot be mistaken, files that say what is wrong with them, keys that fit."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.exchange import jose
from bot.exchange.partners import keys
from bot.exchange.partners.description import TEMPLATE, DescriptionWrong, read_description
from bot.exchange.partners.endpoint import EndpointRefused, plain_endpoint
from bot.exchange.partners.keys import Identity, NotAKeyFile, read_card, write_card
from bot.exchange.partners.names import NameRefused, look_the_same, nearest, plain_name, skeleton
from bot.exchange.post.carrier import FIRST_PAUSE, LONGEST_PAUSE, pause_after
from bot.exchange.post.files import NotALetterFile, read_letters, write_letters
from tests.unit.exchange.world import NOON

# Names


@pytest.mark.parametrize(
    ("real", "fake"),
    [
        ("Tunis Child Protection", "Tunis ChiId Protection"),  # a capital I for an l
        ("Tunis Child Protection", "TUNIS  child-protection"),
        ("Paris Aide", "Рaris Aide".replace("Р", "P")),
        ("UNICEF", "UNlCEF"),
        ("Save Home", "Ѕаvе Ноmе"),  # Cyrillic
        ("ОКО", "OKO"),  # a whole word in Cyrillic
        ("Modern Aid", "Modem Aid"),
        ("Amina 10", "Amina lO"),
        ("Élan", "Elan"),
        ("هلال الأحمر", "ھلال الأحمر"),  # an Urdu form of the same letter
        ("هلال الأحمر", "هــــلال الأحمر"),  # drawn longer
        ("Tunis Aid", "ᴛᴜɴɪꜱ ᴀɪᴅ"),  # small capitals
        ("UNHCR Tunisia", "ꓴꓠꓧꓚꓣ Tunisia"),  # Lisu
        ("MALTA", "ᎷᎪᏞᎢᎪ"),  # Cherokee
        ("IOM HELP", "ΙΟΜ HELP"),  # a whole word in Greek capitals
        ("Tunis 3", "Tunis ٣"),
    ],
)
def test_names_that_look_alike_have_one_skeleton(real: str, fake: str):
    assert skeleton(real) == skeleton(fake)
    assert look_the_same(real, fake)


def test_a_name_in_capitals_is_the_same_name():
    assert look_the_same("ΕΛΛΗΝΙΚΟ ΚΕΝΤΡΟ", "Ελληνικο Κεντρο")


@pytest.mark.parametrize(("one", "other"), [("Tunis Aid", "Tripoli Aid"), ("Paris", "Praha"), ("لجنة", "هيئة")])
def test_names_that_differ_stay_apart(one: str, other: str):
    assert skeleton(one) != skeleton(other)


@pytest.mark.parametrize("name", ["", "  ", "Tunis\u200bAid", "Tunis\u202eAid", "Tuniѕ Aid", "x" * 121, "a\nb\x07"])
def test_names_that_hide_or_mix_are_refused(name: str):
    with pytest.raises(NameRefused):
        plain_name(name)


def test_names_in_any_one_script_are_welcome():
    for name in ("Tunis Child Protection", "الهلال الأحمر التونسي", "Центр Допомоги", "Ελληνικό Κέντρο", "የልጆች ጥበቃ"):
        assert plain_name(f" {name}  ") == name


def test_a_name_that_is_nearly_anothers_is_shown_to_a_human():
    others = [(name, skeleton(name)) for name in ("Tunis Child Protection", "Lyon Refuge")]

    assert nearest("Tunis Child Protections", others) == ["Tunis Child Protection"]
    assert nearest("Sfax Child Care", others) == []


# Endpoints


@pytest.mark.parametrize(
    "address",
    [
        "http://partner.example",
        "https://partner.example/path",
        "https://user:secret@partner.example",
        "https://partner.example?x=1",
        "ftp://partner.example",
        "partner.example",
        "https://",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "https://partner.example:99999",
    ],
)
def test_letters_do_not_go_there(address: str):
    with pytest.raises(EndpointRefused):
        plain_endpoint(address)


def test_letters_go_over_tls_or_stay_on_this_machine():
    assert plain_endpoint("https://Partner.example:8443/") == "https://partner.example:8443"
    assert plain_endpoint("http://127.0.0.1:8080") == "http://127.0.0.1:8080"
    assert plain_endpoint("http://[::1]:8080") == "http://[::1]:8080"


# Descriptions


def test_the_template_is_a_description():
    partner = read_description(TEMPLATE, partner_id="p")

    assert (partner.name, partner.country, partner.reports_to) == ("Tunis Child Protection", "TN", None)
    assert partner.agreement is not None
    assert partner.agreement.holds(NOON)


def described(**changes: object) -> str:
    value = {**yaml.safe_load(TEMPLATE), **changes}
    return yaml.safe_dump({name: each for name, each in value.items() if each != "left out"})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"country": "Tunisia"}, "country must be two letters"),
        ({"kind": "friend"}, "kind must be one of"),
        ({"reports_to": "left out"}, "reports_to must be given"),
        ({"reports_to": "TN"}, "reports_to must be a list"),
        ({"may_send": "info_child"}, "may_send must be"),
        ({"may_sent": ["info_child"]}, "no field 'may_sent'"),
        ({"contacts": [{"name": "Leila"}]}, "every contact needs"),
        ({"agreement": {"valid_from": "soon"}}, "agreement: valid_from must be a day"),
        ({"endpoint": "http://partner.example"}, "https://"),
        ({"reach": "pigeon"}, "reach must be"),
    ],
)
def test_a_description_that_is_wrong_says_what_to_put_right(changes: dict[str, object], says: str):
    with pytest.raises(DescriptionWrong, match=says):
        read_description(described(**changes), partner_id="p")


def test_every_problem_of_a_description_is_named_at_once():
    with pytest.raises(DescriptionWrong) as wrong:
        read_description(described(country="x", kind="y", name=""), partner_id="p")

    assert len(wrong.value.problems) == 3


def test_norway_is_no_no():
    """YAML reads NO as a no."""
    partner = read_description(described(country=False, reports_to=[False]), partner_id="p")

    assert (partner.country, partner.reports_to) == ("NO", frozenset({"NO"}))


@pytest.mark.parametrize("text", ["", "- a", "a: [", "x" * 100_000, "!!python/object:os.system {}"])
def test_what_is_no_description_is_no_description(text: str):
    with pytest.raises(DescriptionWrong):
        read_description(text, partner_id="p")


# Keys and their files


def a_card(**identity: str) -> tuple[keys.OwnKey, str]:
    own = keys.make_pair(deployment=None, at=NOON)
    given_ = {"name": "Lyon Refuge", "country": "FR", "endpoint": "https://lyon.example", **identity}
    return own, write_card(own, Identity(**given_))


def test_a_key_file_says_what_was_written_into_it():
    own, text = a_card()

    card = read_card(text)

    assert (card.kid, card.deployment) == (own.kid, own.kid)
    assert (card.name, card.endpoint) == ("Lyon Refuge", "https://lyon.example")
    assert (card.sign_public, card.seal_public) == (own.sign_public, own.seal_public)
    assert own.private.sign.hex() not in text


def test_a_key_file_of_swapped_halves_is_refused():
    """Their signing key beside the crook's sealing key: the id is over both."""
    own, text = a_card()
    crook = keys.make_pair(deployment=None, at=NOON)
    claims = json.loads(jose.decode(json.loads(text)["card"].split(".")[1]))
    claims["seal"] = jose.encode(crook.seal_public)
    swapped = own.sign(json.dumps(claims).encode(), typ=jose.KEY_CARD)

    with pytest.raises(NotAKeyFile):
        read_card(json.dumps({**json.loads(text), "card": swapped}))


@given(place=st.integers(0, 200), byte=st.characters(categories=("L", "N")))
def test_a_changed_key_file_is_refused_or_says_the_same(place: int, byte: str):
    _, text = a_card()
    whole = json.loads(text)
    token = whole["card"]
    place = place * (len(token) - 1) // 200
    whole["card"] = token[:place] + byte + token[place + 1 :]
    if whole["card"] == token:
        return

    with pytest.raises(NotAKeyFile):
        read_card(json.dumps(whole))


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"file": "waymark key file", "version": 1}', "x" * 20_000])
def test_what_is_no_key_file_is_no_key_file(text: str):
    with pytest.raises(NotAKeyFile):
        read_card(text)


def test_a_fingerprint_is_heard_in_any_digits_and_groups():
    own, _ = a_card()
    groups = keys.fingerprint(own.sign_public, own.seal_public)

    assert [len(group) for group in groups] == [5] * 10
    assert keys.same_fingerprint(" ".join(groups), groups)
    assert keys.same_fingerprint("-".join(groups).replace("1", "١"), groups)
    assert not keys.same_fingerprint(" ".join(groups[:9]), groups)
    assert not keys.same_fingerprint("", groups)
    assert not keys.same_fingerprint(" ".join(reversed(groups)), groups)


def test_the_earlier_key_vouches_for_one_key_only():
    earlier, later, crook = (keys.make_pair(deployment=None, at=NOON) for _ in range(3))
    later = replace(later, vouched=keys.vouch(earlier, later))
    card = read_card(write_card(later, Identity("Lyon", "FR", "https://lyon.example")))
    moved = read_card(write_card(replace(crook, vouched=later.vouched), Identity("Lyon", "FR", "https://lyon.example")))

    assert card.vouched_by == earlier.kid
    assert keys.is_vouched(card, by_public=earlier.sign_public)
    assert not keys.is_vouched(card, by_public=crook.sign_public)
    assert not keys.is_vouched(moved, by_public=earlier.sign_public)


def test_private_halves_stand_in_no_print():
    own, _ = a_card()

    assert str(own.private.sign) not in repr(own)
    assert jose.encode(own.private.sign) not in repr(own)


# Files of letters, and pauses


def test_a_file_of_letters_holds_what_was_put_in():
    assert read_letters(write_letters([b"a.b", b"c.d"]).encode()) == [b"a.b", b"c.d"]
    for bad in (b"", b"{}", b'{"file": "waymark letters", "version": 1, "letters": 3}', b"\xff"):
        with pytest.raises(NotALetterFile):
            read_letters(bad)


def test_pauses_grow_to_an_hour_and_never_fall_together():
    assert pause_after(0, 0.5) == FIRST_PAUSE
    assert pause_after(3, 0.5) == FIRST_PAUSE * 8
    assert pause_after(500, 0.5) == LONGEST_PAUSE
    assert pause_after(500, 0.0) == LONGEST_PAUSE / 2
    assert pause_after(500, 1.0) == LONGEST_PAUSE * 1.5
    assert pause_after(0, 0.0) >= timedelta(seconds=1)
