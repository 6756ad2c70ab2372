"""Our envelopes and those of an independent implementation (npm's jose) open one another.

`vectors.json` holds envelopes of both, with the keys, as they were made once: ours must open for ever, and so must
theirs. Where Node and the package are at hand, fresh ones are exchanged too: `npm install --prefix tests/peers/jose`.
`python -m tests.unit.exchange.test_vectors` makes the file anew, which is right only for another version of the suite.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bot.exchange import jose
from bot.exchange.envelope import Contents
from bot.exchange.partners import keys
from bot.exchange.partners.keys import OwnKey, OwnPrivate
from bot.exchange.refusals import Refused
from tests.unit.exchange.world import NOON, Pair, a_partner, contents

VECTORS = Path(__file__).with_name("vectors.json")
PEER = Path(__file__).resolve().parents[2] / "peers" / "jose"

LETTERS = {
    "a question": contents(),
    "an answer in Arabic": contents(
        id="0192f0a0-0000-7000-8000-000000000002",
        seq=2,
        kind="answer",
        in_reply_to="0192f0a0-0000-7000-8000-000000000001",
        body={"told_by": "الجدة", "seen": "دفتر الولادة", "sure": 0.5, "left": None, "list": [1, True, "é"]},
    ),
    "no person in it": contents(
        id="0192f0a0-0000-7000-8000-000000000003", seq=3, data_classes=frozenset(), consent_ref=None, body={}
    ),
    "several sizes up": contents(id="0192f0a0-0000-7000-8000-000000000004", seq=4, body={"text": "ش" * 5000}),
}


def jwk(public: bytes, curve: str, private: bytes | None = None) -> dict[str, str]:
    key = {"kty": "OKP", "crv": curve, "x": jose.encode(public)}
    return {**key, "d": jose.encode(private)} if private is not None else key


def recipient_of(own: OwnKey, *, private: bool) -> dict[str, str]:
    return jwk(own.seal_public, "X25519", own.private.seal if private else None)


def sender_of(own: OwnKey, *, private: bool) -> dict[str, str]:
    return jwk(own.sign_public, "Ed25519", own.private.sign if private else None)


def ask_peer(*orders: dict[str, Any]) -> list[dict[str, Any]]:
    """What npm's jose makes of these, or the reason why nobody was asked."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not on this machine; the stored envelopes were checked all the same")
    if not (PEER / "node_modules" / "jose").is_dir():
        pytest.skip("npm's jose is not here: npm install --prefix tests/peers/jose")
    said = "\n".join(json.dumps(order) for order in orders)
    done = subprocess.run([node, "envelopes.mjs"], cwd=PEER, input=said, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def order_to_open(pair: Pair, raw: str) -> dict[str, Any]:
    return {
        "do": "open",
        "envelope": raw,
        "recipient": recipient_of(pair.tunis, private=True),
        "sender": sender_of(pair.lyon, private=False),
    }


def order_to_seal(pair: Pair, letter: Contents) -> dict[str, Any]:
    """The very claims we would sign, for the other implementation to sign and seal."""
    signed = jose.unseal(
        pair.sealed(letter).decode(), private_for=lambda _kid: (pair.tunis.private.seal, pair.tunis.seal_public)
    )[1].decode()
    return {
        "do": "seal",
        "payload": jose.decode(signed.split(".")[1]).decode(),
        "recipient": recipient_of(pair.tunis, private=False),
        "sender": sender_of(pair.lyon, private=True),
        "header": {"alg": "ECDH-ES", "enc": "A256GCM", "typ": jose.SEALED, "kid": pair.tunis.kid},
        "signature_header": {"alg": "Ed25519", "typ": jose.LETTER, "kid": pair.lyon.kid},
    }


def stored() -> tuple[Pair, dict[str, Any]]:
    vectors = json.loads(VECTORS.read_text("utf-8"))
    lyon, tunis = (_pair_from(vectors["keys"][name]) for name in ("lyon", "tunis"))
    return Pair(lyon, tunis, a_partner(tunis), a_partner(lyon, name="Lyon Refuge", country="FR")), vectors


def _pair_from(value: dict[str, str]) -> OwnKey:
    signs, seals = jose.decode(value["sign_public"]), jose.decode(value["seal_public"])
    private = OwnPrivate(jose.decode(value["sign_private"]), jose.decode(value["seal_private"]))
    made_at = datetime.fromtimestamp(int(value["made_at"]), UTC)
    return OwnKey(keys.key_id(signs, seals), value["kid"], signs, seals, private, made_at, made_at + keys.LIFETIME)


@pytest.mark.parametrize("maker", ["ours", "theirs"])
@pytest.mark.parametrize("name", LETTERS)
def test_stored_envelopes_of_both_makers_open_for_ever(maker: str, name: str):
    pair, vectors = stored()

    came = pair.opened(vectors["envelopes"][maker][name].encode())

    assert came.contents == LETTERS[name]


def test_key_ids_and_fingerprints_are_what_they_were():
    pair, vectors = stored()

    assert pair.lyon.kid == vectors["keys"]["lyon"]["kid"]
    assert " ".join(keys.fingerprint(pair.lyon.sign_public, pair.lyon.seal_public)) == vectors["fingerprint_of_lyon"]


@pytest.mark.parametrize("name", LETTERS)
def test_the_other_implementation_reads_what_we_seal(name: str):
    pair = Pair.acquainted()

    (answer,) = ask_peer(order_to_open(pair, pair.sealed(LETTERS[name]).decode()))

    claims = json.loads(answer["payload"])
    assert claims["body"] == LETTERS[name].body
    assert (claims["jti"], claims["seq"], claims["rkid"]) == (LETTERS[name].id, LETTERS[name].seq, pair.tunis.kid)
    assert {"alg", "enc", "typ", "kid", "epk"} == answer["header"].keys()
    assert answer["signature_header"] == {"alg": "Ed25519", "typ": jose.LETTER, "kid": pair.lyon.kid}


@pytest.mark.parametrize("name", LETTERS)
def test_we_read_what_the_other_implementation_seals(name: str):
    pair = Pair.acquainted()

    (answer,) = ask_peer(order_to_seal(pair, LETTERS[name]))

    assert pair.opened(answer["envelope"].encode()).contents == LETTERS[name]


def test_both_refuse_the_same_spoilt_envelopes():
    pair = Pair.acquainted()
    raw = pair.sealed().decode()
    places = range(0, len(raw), 97)
    spoilt = [raw[:place] + ("A" if raw[place] != "A" else "B") + raw[place + 1 :] for place in places]

    answers = ask_peer(*(order_to_open(pair, each) for each in spoilt))

    assert all("error" in answer for answer in answers)
    for each in spoilt:
        with pytest.raises(Refused):
            pair.opened(each.encode())


def make_vectors() -> None:
    pair = Pair.acquainted()
    made_at = NOON - timedelta(days=10)
    pair = replace(pair, lyon=replace(pair.lyon, made_at=made_at), tunis=replace(pair.tunis, made_at=made_at))
    theirs = ask_peer(*(order_to_seal(pair, letter) for letter in LETTERS.values()))
    vectors = {
        "about": "Envelopes of suite 1. The keys were made for this file and protect nothing.",
        "keys": {
            name: {
                "kid": own.kid,
                "made_at": str(int(made_at.timestamp())),
                "sign_public": jose.encode(own.sign_public),
                "sign_private": jose.encode(own.private.sign),
                "seal_public": jose.encode(own.seal_public),
                "seal_private": jose.encode(own.private.seal),
            }
            for name, own in (("lyon", pair.lyon), ("tunis", pair.tunis))
        },
        "fingerprint_of_lyon": " ".join(keys.fingerprint(pair.lyon.sign_public, pair.lyon.seal_public)),
        "envelopes": {
            "ours": {name: pair.sealed(letter).decode() for name, letter in LETTERS.items()},
            "theirs": {name: each["envelope"] for name, each in zip(LETTERS, theirs, strict=True)},
        },
    }
    VECTORS.write_text(json.dumps(vectors, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    make_vectors()
