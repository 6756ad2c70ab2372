"""An envelope opens for one partner, once it is exactly what the other one sealed, and not at all otherwise."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.exchange import envelope, jose
from bot.exchange.envelope import LONGEST, SIZES
from bot.exchange.partners import keys
from bot.exchange.refusals import (
    BadSignature,
    ChannelClosed,
    Expired,
    ExpiredKey,
    InvalidBody,
    NotAnEnvelope,
    NotForUs,
    NotYet,
    Refused,
    RevokedKey,
    TooLarge,
    UnknownKey,
    UnverifiedKey,
)
from tests.faults.changed import change_every_byte
from tests.unit.exchange.world import (
    CLASSES,
    NOON,
    PURPOSE,
    Pair,
    a_partner,
    an_agreement,
    contents,
    key_of,
    signed_by,
)

#: Of how many envelopes every byte is changed here; `python -m tests.faults.changed` does it for two hundred.
SAMPLED = 2


@pytest.fixture(scope="module")
def pair() -> Pair:
    return Pair.acquainted()


def test_what_was_sealed_is_what_is_opened(pair: Pair):
    came = pair.opened(pair.sealed())

    assert came.contents == contents()
    assert came.partner.name == "Lyon Refuge"


def forged(pair: Pair, change: Callable[[dict[str, Any]], None], *, signer: keys.OwnKey | None = None) -> bytes:
    """A letter whose signature and seal are right, over claims that were changed before they were signed."""
    signed = jose.unseal(
        pair.sealed().decode(), private_for=lambda _kid: (pair.tunis.private.seal, pair.tunis.seal_public)
    )[1].decode()
    claims = json.loads(jose.decode(signed.split(".")[1]))
    claims["pad"] = ""
    change(claims)
    own = signer or pair.lyon
    payload = envelope._padded(claims) if "pad" in claims else json.dumps(claims).encode()
    return jose.seal(
        own.sign(payload, typ=jose.LETTER).encode(), kid=pair.tunis.kid, public=pair.tunis.seal_public
    ).encode()


# Every changed byte


def test_every_changed_byte_of_sampled_envelopes_is_refused():
    report = change_every_byte(SAMPLED, seed=7)

    assert report.taken_in == 0
    assert report.changed > SAMPLED * 2000


def test_every_bit_at_the_ends_of_the_parts_is_refused(pair: Pair):
    """There base64 has bits that stand for nothing: another spelling of the same bytes is another envelope."""
    raw = pair.sealed()
    ends = [place - 1 for place, byte in enumerate(raw) if byte == ord(".")] + [len(raw) - 1]
    for place in ends:
        for other in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
            if other != raw[place]:
                with pytest.raises(Refused):
                    pair.opened(raw[:place] + bytes([other]) + raw[place + 1 :])


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_cut_no_addition_and_no_exchange_of_parts_opens(pair: Pair, data: st.DataObject):
    raw, other = pair.sealed(), pair.sealed(contents(seq=2))
    how = data.draw(st.sampled_from(["cut", "add", "exchange", "double"]))
    place = data.draw(st.integers(0, len(raw) - 1))
    if how == "cut":
        spoilt = raw[:place]
    elif how == "add":
        spoilt = raw[:place] + data.draw(st.binary(min_size=1, max_size=3)) + raw[place:]
    elif how == "double":
        spoilt = raw + b"." + raw
    else:
        mine, theirs = raw.split(b"."), other.split(b".")
        which = data.draw(st.integers(0, 4).filter(lambda number: mine[number] != theirs[number]))
        spoilt = b".".join([*mine[:which], theirs[which], *mine[which + 1 :]])
    if spoilt == raw:
        return

    with pytest.raises(Refused):
        pair.opened(spoilt)


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(max_size=400))
def test_noise_is_no_envelope(pair: Pair, raw: bytes):
    with pytest.raises(NotAnEnvelope):
        pair.opened(raw)


# One suite, and no way down


@pytest.mark.parametrize(
    "change",
    [
        {"alg": "ECDH-ES+A128KW"},
        {"alg": "dir"},
        {"alg": "none"},
        {"enc": "A128GCM"},
        {"enc": "A128CBC-HS256"},
        {"typ": "waymark-xb-0+jwe"},
        {"typ": "waymark-xb-2+jwe"},
        {"zip": "DEF"},
        {"crit": ["exp"], "exp": 1},
        {"jku": "https://keys.example"},
    ],
)
def test_another_suite_is_refused_before_a_key_is_touched(pair: Pair, change: dict[str, Any]):
    raw = pair.sealed().decode()
    head, rest = raw.split(".", 1)
    header = {**json.loads(jose.decode(head)), **change}
    asked: list[str] = []

    with pytest.raises(NotAnEnvelope):
        envelope.open_envelope(
            f"{jose.encode(json.dumps(header).encode())}.{rest}".encode(),
            own_key=lambda kid: asked.append(kid),  # type: ignore[func-returns-value]
            partner_of=lambda _kid: None,
            deployment=pair.tunis.deployment,
            at=NOON,
        )

    assert asked == []


def test_a_header_that_says_a_thing_twice_is_refused(pair: Pair):
    head, rest = pair.sealed().decode().split(".", 1)
    twice = jose.decode(head).decode().replace('{"alg"', '{"alg":"dir","alg"', 1)

    with pytest.raises(NotAnEnvelope):
        pair.opened(f"{jose.encode(twice.encode())}.{rest}".encode())


def test_a_signature_for_another_purpose_is_no_letter(pair: Pair):
    signed = pair.lyon.sign(b"{}", typ=jose.RECEIPT)
    raw = jose.seal(signed.encode(), kid=pair.tunis.kid, public=pair.tunis.seal_public).encode()

    with pytest.raises(NotAnEnvelope):
        pair.opened(raw)


def test_base64_with_padding_or_blanks_is_refused(pair: Pair):
    for spoilt in (pair.sealed() + b"=", pair.sealed() + b"\n", b" " + pair.sealed()):
        with pytest.raises(NotAnEnvelope):
            pair.opened(spoilt)


# Keys


def test_a_stranger_is_an_unknown_key(pair: Pair):
    stranger = keys.make_pair(deployment=None, at=NOON - timedelta(days=1))

    with pytest.raises(UnknownKey):
        pair.opened(forged(pair, lambda claims: None, signer=stranger))


def test_a_letter_for_another_key_is_not_for_us(pair: Pair):
    other = keys.make_pair(deployment=None, at=NOON - timedelta(days=1))
    raw = envelope.seal(contents(), own=pair.lyon, partner=a_partner(other), at=NOON)

    with pytest.raises(NotForUs):
        pair.opened(raw)


def test_a_letter_to_somebody_else_cannot_be_passed_on(pair: Pair):
    """The partner opens it and seals what was signed anew, for us: the signature names whom it was sealed for."""
    crook = keys.make_pair(deployment=None, at=NOON - timedelta(days=1))
    raw = envelope.seal(contents(), own=pair.lyon, partner=a_partner(crook), at=NOON)
    signed = jose.unseal(raw.decode(), private_for=lambda _kid: (crook.private.seal, crook.seal_public))[1]
    passed_on = jose.seal(signed, kid=pair.tunis.kid, public=pair.tunis.seal_public).encode()

    with pytest.raises(NotForUs):
        pair.opened(passed_on)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"revoked_at": NOON - timedelta(minutes=1)}, RevokedKey),
        ({"not_after": NOON - timedelta(minutes=1)}, ExpiredKey),
        ({"signatures": signed_by("amira")}, UnverifiedKey),
        ({"signatures": signed_by("amira", "amira")}, UnverifiedKey),
        ({"signatures": ()}, UnverifiedKey),
        ({"genuine": False}, UnverifiedKey),
        ({"not_before": NOON + timedelta(days=1)}, UnverifiedKey),
    ],
)
def test_a_key_that_is_not_good_now_proves_nothing_and_gets_nothing(
    pair: Pair, change: dict[str, Any], refusal: type[Refused]
):
    theirs, ours = key_of(pair.lyon, "partner-FR", **change), key_of(pair.tunis, "partner-TN", **change)
    there = replace(pair, of_lyon=replace(pair.of_lyon, keys=(theirs,)))
    here = replace(pair, of_tunis=replace(pair.of_tunis, keys=(ours,)))

    with pytest.raises(refusal):
        there.opened(pair.sealed())
    with pytest.raises(ChannelClosed):
        here.sealed()


def test_a_swapped_half_of_a_key_is_not_the_key(pair: Pair):
    crook = keys.make_pair(deployment=None, at=NOON)
    swapped = key_of(pair.tunis, "partner-TN", seal_public=crook.seal_public)
    raw = replace(pair, of_tunis=replace(pair.of_tunis, keys=(swapped,))).sealed()

    with pytest.raises(BadSignature):
        pair.opened(raw)


# Time, agreement, lists


def test_a_letter_comes_too_late_or_too_early(pair: Pair):
    raw = pair.sealed()

    with pytest.raises(Expired):
        pair.opened(raw, at=NOON + timedelta(days=14, minutes=10))
    with pytest.raises(NotYet):
        pair.opened(raw, at=NOON - timedelta(minutes=11))
    assert pair.opened(raw, at=NOON - timedelta(minutes=9)).contents.seq == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"agreement": None}, "no_agreement"),
        ({"agreement": an_agreement(valid_to=NOON)}, "agreement_expired"),
        ({"agreement": an_agreement(valid_from=NOON + timedelta(days=1))}, "agreement_expired"),
        ({"agreement": an_agreement(purposes=frozenset({"training"}))}, "purpose_not_agreed"),
        ({"agreement": an_agreement(data_classes=frozenset({"identity"}))}, "data_not_agreed"),
        ({"closed_at": NOON}, "partner_closed"),
        ({"keys": ()}, "no_key"),
    ],
)
def test_what_was_not_agreed_is_neither_sealed_nor_taken_in(pair: Pair, change: dict[str, Any], code: str):
    raw = pair.sealed()

    with pytest.raises(ChannelClosed) as sent:
        replace(pair, of_tunis=replace(pair.of_tunis, **change)).sealed()
    assert sent.value.code == code
    if "keys" in change:
        return
    with pytest.raises(ChannelClosed) as taken:
        replace(pair, of_lyon=replace(pair.of_lyon, **change)).opened(raw)
    assert taken.value.code == code


def test_the_lists_have_a_direction(pair: Pair):
    only_send = replace(pair.of_tunis, may_receive=frozenset())
    only_hear = replace(pair.of_tunis, may_send=frozenset())

    assert replace(pair, of_tunis=only_send).sealed()
    with pytest.raises(ChannelClosed, match="may be sent"):
        replace(pair, of_tunis=only_hear).sealed()
    with pytest.raises(ChannelClosed, match="may send"):
        replace(pair, of_lyon=replace(pair.of_lyon, may_receive=frozenset())).opened(pair.sealed())


# What stands in it


def test_whoever_watches_the_line_learns_one_of_ten_lengths(pair: Pair):
    lengths = {len(pair.sealed(contents(body={"text": "é" * count}))) for count in range(0, 3000, 250)}

    assert len(lengths) == len([size for size in SIZES if size <= 8192])
    assert len(pair.sealed(contents(body={"a": "x"}))) == len(pair.sealed(contents(body={"b": "xyz" * 9})))


def test_the_largest_letter_passes_and_a_larger_one_does_not(pair: Pair):
    room = SIZES[-1] - 1000

    raw = pair.sealed(contents(body={"text": "x" * room}))

    assert pair.opened(raw).contents.body["text"] == "x" * room
    assert len(raw) <= LONGEST
    with pytest.raises(TooLarge):
        pair.sealed(contents(body={"text": "x" * SIZES[-1]}))
    with pytest.raises(TooLarge):
        pair.opened(raw + b"A" * (LONGEST + 1 - len(raw)))


@pytest.mark.parametrize(
    "change",
    [
        {"jti": "1"},
        {"jti": None},
        {"seq": 0},
        {"seq": True},
        {"seq": 1.5},
        {"seq": 2**60},
        {"iat": -1},
        {"exp": "tomorrow"},
        {"exp": 10**12},
        {"kind": "Request"},
        {"kind": "receipt"},
        {"type": None},
        {"type": "a b"},
        {"purpose": "post"},
        {"data": "identity"},
        {"data": [1]},
        {"consent": "x" * 100},
        {"re": "not-an-id"},
        {"body": []},
        {"body": {"text": "\x00"}},
        {"body": {"text": "\ud800"}},
        {"body": {"deep": json.loads("[" * 20 + "]" * 20)}},
        {"pad": "1"},
        {"more": 1},
    ],
)
def test_a_valid_signature_does_not_make_an_invalid_letter_valid(pair: Pair, change: dict[str, Any]):
    def apply(claims: dict[str, Any]) -> None:
        claims.update(change)

    if change.get("body") == {"text": "\ud800"}:
        raw = _half_character(pair)
    elif "pad" in change:
        raw = _with_other_padding(pair)
    else:
        raw = forged(pair, apply)

    with pytest.raises(InvalidBody):
        pair.opened(raw)


def _half_character(pair: Pair) -> bytes:
    return _resigned(pair, lambda payload: payload.replace(b'"TN-4417"', b'"\\ud8000"'))


def _with_other_padding(pair: Pair) -> bytes:
    return _resigned(pair, lambda payload: payload.replace(b"0" * 20, b"1" * 20))


def _resigned(pair: Pair, change: Callable[[bytes], bytes]) -> bytes:
    signed = jose.unseal(
        pair.sealed().decode(), private_for=lambda _kid: (pair.tunis.private.seal, pair.tunis.seal_public)
    )[1].decode()
    payload = change(base64.urlsafe_b64decode(signed.split(".")[1] + "=="))
    token = pair.lyon.sign(payload, typ=jose.LETTER)
    return jose.seal(token.encode(), kid=pair.tunis.kid, public=pair.tunis.seal_public).encode()


def test_a_claim_said_twice_is_refused(pair: Pair):
    with pytest.raises(InvalidBody):
        pair.opened(_resigned(pair, lambda payload: payload[:-1] + b',"seq":9}'))


def test_a_length_that_is_none_of_ours_is_refused(pair: Pair):
    with pytest.raises(InvalidBody):
        pair.opened(_resigned(pair, lambda payload: payload.replace(b"0000000000", b"", 1)))


def test_the_same_letter_has_the_same_digest_whichever_key_it_was_sealed_for(pair: Pair):
    newer = keys.make_pair(deployment=pair.tunis.deployment, at=NOON - timedelta(days=1))
    known = replace(pair.of_tunis, keys=(*pair.of_tunis.keys, key_of(newer, "partner-TN")))
    first = pair.opened(pair.sealed())
    again = envelope.open_envelope(
        replace(pair, of_tunis=known).sealed(),
        own_key={newer.kid: newer}.get,
        partner_of=lambda _kid: pair.of_lyon,
        deployment=pair.tunis.deployment,
        at=NOON,
    )

    assert again.own_kid != first.own_kid
    assert again.digest == first.digest
    assert pair.opened(pair.sealed(contents(body={"text": "other"}))).digest != first.digest


def test_the_words_are_nowhere_in_the_envelope(pair: Pair):
    raw = pair.sealed(contents(body={"text": "CANARY-7731"}))
    whole = raw + b"".join(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)) for part in raw.split(b"."))

    assert b"CANARY" not in whole
    assert PURPOSE.encode() not in whole
    assert not any(each.encode() in whole for each in CLASSES)
