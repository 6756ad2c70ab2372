"""Messages to browsers: the example of the standard, byte for byte, and what is not called."""

from __future__ import annotations

import json
import re

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from bot.kernel.web_push import (
    CURVE,
    KNOWN_SERVICES,
    NotASubscription,
    PushKey,
    Subscription,
    base64url,
    encrypt,
    is_served,
    unbase64,
)
from tests.conftest import NOON
from tests.peers.push import decrypt

ENDPOINT = "https://updates.push.services.mozilla.com/wpush/v2/abc"
#: RFC 8291, appendix A.
PLAIN = b"When I grow up, I want to be a watermelon"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
RECEIVER = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
RECEIVER_POINT = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
SALT, AUTH = "DGv6ra1nlYgDCS1FRnbzlw", "BTBZMqHH6r4Tts7J_aSIgg"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
    "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def private(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(unbase64(text)), CURVE)


def a_subscription(endpoint: str = ENDPOINT) -> Subscription:
    return Subscription(endpoint, unbase64(RECEIVER_POINT), unbase64(AUTH))


def test_the_example_of_the_standard_is_encrypted_as_it_stands_there():
    body = encrypt(PLAIN, a_subscription(), padded=0, salt=unbase64(SALT), sender=private(SENDER))

    assert base64url(body) == BODY


def test_only_the_browser_it_is_for_reads_it():
    body = encrypt(PLAIN, a_subscription())

    assert decrypt(body, unbase64(AUTH), private(RECEIVER)) == PLAIN
    with pytest.raises(ValueError, match="not for"):
        decrypt(body, unbase64(AUTH), private(SENDER))


@given(st.binary(max_size=400))
def test_how_long_a_message_is_tells_nothing(plain: bytes):
    assert len(encrypt(plain, a_subscription())) == len(encrypt(b"", a_subscription()))


def test_what_does_not_fit_is_not_cut():
    with pytest.raises(ValueError, match="too long"):
        encrypt(b"x" * 4096, a_subscription())


def test_a_push_service_can_check_who_we_are():
    key = PushKey(SENDER)

    said = key.authorization(ENDPOINT, "mailto:duty@help.example", NOON)

    found = re.fullmatch(r"vapid t=(.+)\.(.+)\.(.+), k=(.+)", said)
    assert found is not None
    head, claims, signature, point = found.groups()
    raw = unbase64(signature)
    public = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, unbase64(point))
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    public.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    assert json.loads(unbase64(claims)) == {
        "aud": "https://updates.push.services.mozilla.com",
        "exp": int(NOON.timestamp()) + 12 * 3600,
        "sub": "mailto:duty@help.example",
    }


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc",
        "https://updates.push.services.mozilla.com/wpush/v2/abc",
        "https://web.push.apple.com/abc",
        "https://wns2-par02p.notify.windows.com/w/?token=abc",
    ],
)
def test_the_push_services_of_the_browsers_are_called(endpoint: str):
    assert is_served(endpoint, KNOWN_SERVICES)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/fcm/send/abc",
        "https://fcm.googleapis.com:8443/abc",
        "https://fcm.googleapis.com@127.0.0.1/abc",
        "https://fcm.googleapis.com.evil.example/abc",
        "https://evilpush.apple.com/abc",
        "https://push.apple.com.evil.example/abc",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/abc",
        "https://[fcm.googleapis.com/abc",
        "https://fcm.googleapis.com\t.evil.example/abc",
        "file:///etc/passwd",
        "",
    ],
)
def test_no_other_address_is_called(endpoint: str):
    assert not is_served(endpoint, KNOWN_SERVICES)


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "{}", "[" * 100_000,
        json.dumps({"endpoint": ENDPOINT}),
        json.dumps({"endpoint": 7, "keys": {"p256dh": RECEIVER_POINT, "auth": AUTH}}),
        json.dumps({"endpoint": ENDPOINT, "keys": {"p256dh": AUTH, "auth": AUTH}}),
        json.dumps({"endpoint": ENDPOINT, "keys": {"p256dh": RECEIVER_POINT, "auth": "AAAA"}}),
        json.dumps({"endpoint": ENDPOINT, "keys": {"p256dh": 5, "auth": AUTH}}),
        json.dumps({"endpoint": ENDPOINT + "x" * 2000, "keys": {"p256dh": RECEIVER_POINT, "auth": AUTH}}),
        json.dumps({"endpoint": "https://10.0.0.1/", "keys": {"p256dh": RECEIVER_POINT, "auth": AUTH}}),
    ],
)  # fmt: skip
def test_what_no_browser_says_is_refused(text: str):
    with pytest.raises(NotASubscription):
        Subscription.from_browser(text)


def test_what_a_browser_says_is_kept_as_it_was():
    assert Subscription.from_browser(a_subscription().to_text()) == a_subscription()


@pytest.mark.parametrize("text", ["", "AAAA", base64url(bytes(32)), base64url(b"\xff" * 32), "?" * 43])
def test_what_is_no_key_is_no_key(text: str):
    with pytest.raises(ValueError):
        PushKey(text)
