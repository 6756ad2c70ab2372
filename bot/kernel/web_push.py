"""A word to a browser that is not looking: encrypted by RFC 8291, signed by RFC 8292, carried by its push service.

The push service learns when and to which browser something is sent, and not what: all are padded alike. What is sent
says nothing of anybody all the same, for a telephone shows it locked.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

#: Of Chrome and the browsers built on it, Firefox, Safari, Edge. Whoever signed in could else let the server call any.
KNOWN_SERVICES = (
    "fcm.googleapis.com",
    "*.push.services.mozilla.com",
    "*.push.apple.com",
    "*.notify.windows.com",
)
RECORD_SIZE = 4096
#: Every message is padded to this length: what is sent cannot be told by how long it is.
PADDED = 512
AUTH_BYTES, SALT_BYTES, KEY_BYTES, POINT_BYTES = 16, 16, 32, 65
#: A signature holds for at most a day (RFC 8292, 2); ours for less, as clocks differ.
SIGNED_FOR = timedelta(hours=12)
LONGEST_ENDPOINT = 1024
TIMEOUT_SECONDS = 15.0
CURVE = ec.SECP256R1()


class NotASubscription(Exception):
    """Not what a browser gives out, or of a push service that is not among those we call."""


class PushLater(Exception):
    """The service did not take it now: try again, not before `after` if it named a time."""

    def __init__(self, after: timedelta = timedelta(0)) -> None:
        super().__init__()
        self.after = after


class PushInDoubt(PushLater):
    """Nobody knows whether it was taken: the line broke after it was sent."""


class PushGone(Exception):
    """The browser does not want to hear from us any more: forget the subscription (RFC 8030, 7.3)."""


class PushRefused(Exception):
    """The service will never take it as it is: our key is not the one it was made for, or it is malformed."""


class Subscription(Struct, frozen=True):
    """Where a browser can be reached, and the keys with which only that browser reads."""

    endpoint: str
    p256dh: bytes
    auth: bytes

    @classmethod
    def from_browser(cls, text: str, services: tuple[str, ...] = KNOWN_SERVICES) -> Subscription:
        """What `PushSubscription.toJSON` wrote. Raises NotASubscription."""
        try:
            said = json.loads(text)
            endpoint, keys = said["endpoint"], said["keys"]
            p256dh, auth = unbase64(keys["p256dh"]), unbase64(keys["auth"])
            ec.EllipticCurvePublicKey.from_encoded_point(CURVE, p256dh)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise NotASubscription("malformed") from None
        if not isinstance(endpoint, str) or len(endpoint) > LONGEST_ENDPOINT or len(auth) != AUTH_BYTES:
            raise NotASubscription("malformed")
        if not is_served(endpoint, services):
            raise NotASubscription("service")
        return cls(endpoint, p256dh, auth)

    def to_text(self) -> str:
        keys = {"p256dh": base64url(self.p256dh), "auth": base64url(self.auth)}
        return json.dumps({"endpoint": self.endpoint, "keys": keys})


def is_served(endpoint: str, services: tuple[str, ...]) -> bool:
    """Whether this address is of one of these services: `name`, `*.name`, or the whole origin of one's own server."""
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.username is not None or any(ord(letter) < 33 for letter in endpoint):
        return False
    if f"{parts.scheme}://{parts.netloc}" in services:
        return True
    if parts.scheme != "https" or port not in (None, 443):
        return False
    return any(host == name or (name.startswith("*.") and host.endswith(name[1:])) for name in services)


class PushKey:
    """The key by which push services know this deployment (VAPID). A browser is subscribed to it, so it must stay."""

    def __init__(self, text: str) -> None:
        """`text` are 32 bytes in base64. Raises ValueError."""
        number = int.from_bytes(_exactly(unbase64(text), KEY_BYTES))
        self._private = ec.derive_private_key(number, CURVE)
        self.public = base64url(_point(self._private.public_key()))

    def authorization(self, endpoint: str, contact: str, at: datetime) -> str:
        """The header that says who we are (RFC 8292, 3). `contact` is a https: or mailto: address, or nothing."""
        parts = urlsplit(endpoint)
        claims: dict[str, Any] = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int((at + SIGNED_FOR).timestamp()),
        }
        if contact:
            claims["sub"] = contact
        head = base64url(b'{"typ":"JWT","alg":"ES256"}')
        signed = f"{head}.{base64url(json.dumps(claims).encode())}"
        r, s = decode_dss_signature(self._private.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        signature = base64url(r.to_bytes(KEY_BYTES) + s.to_bytes(KEY_BYTES))
        return f"vapid t={signed}.{signature}, k={self.public}"


def encrypt(
    plain: bytes,
    subscription: Subscription,
    *,
    padded: int = PADDED,
    salt: bytes | None = None,
    sender: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """The body of a push message (RFC 8291, 3 and 4): one record of `aes128gcm`.

    `salt` and `sender` are chosen by tests alone. Raises ValueError where `plain` is longer than fits.
    """
    salt, sender = salt or os.urandom(SALT_BYTES), sender or ec.generate_private_key(CURVE)
    padding = max(0, padded - len(plain))
    if len(plain) + padding + 17 > RECORD_SIZE:
        raise ValueError("too long for a push message")
    point = _point(sender.public_key())
    receiver = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, subscription.p256dh)
    key, nonce = _keys(sender.exchange(ec.ECDH(), receiver), subscription, point, salt)
    header = salt + RECORD_SIZE.to_bytes(4) + bytes([len(point)]) + point
    return header + AESGCM(key).encrypt(nonce, plain + b"\x02" + b"\x00" * padding, None)


def _keys(secret: bytes, subscription: Subscription, sender: bytes, salt: bytes) -> tuple[bytes, bytes]:
    info = b"WebPush: info\x00" + subscription.p256dh + sender
    material = HKDF(hashes.SHA256(), KEY_BYTES, subscription.auth, info).derive(secret)
    key = HKDF(hashes.SHA256(), 16, salt, b"Content-Encoding: aes128gcm\x00").derive(material)
    nonce = HKDF(hashes.SHA256(), 12, salt, b"Content-Encoding: nonce\x00").derive(material)
    return key, nonce


class PushServices(Struct, frozen=True):
    """The push services, as one sends to them."""

    key: PushKey
    contact: str
    services: tuple[str, ...] = KNOWN_SERVICES

    async def send(
        self, subscription: Subscription, said: Mapping[str, str], *, topic: str, lasts: timedelta, at: datetime
    ) -> None:
        """Hand one message over, to be shown at once or dropped after `lasts`.

        A later one of the same `topic` (32 letters at most) replaces it while the browser is away (RFC 8030, 5.4).
        Raises PushGone, PushRefused, PushLater, PushInDoubt.
        """
        if not is_served(subscription.endpoint, self.services):
            raise PushRefused
        headers = {
            "Authorization": self.key.authorization(subscription.endpoint, self.contact, at),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(int(lasts.total_seconds())),
            "Topic": topic,
            "Urgency": "high",
        }
        body = encrypt(json.dumps(dict(said)).encode(), subscription)
        limit = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit, cookie_jar=aiohttp.DummyCookieJar()) as client,
                client.post(subscription.endpoint, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                _judge(answer.status, answer.headers.get("Retry-After", ""))
        except aiohttp.ClientConnectorError:  # nothing was sent
            raise PushLater from None
        except (TimeoutError, aiohttp.ClientError, OSError):
            raise PushInDoubt from None


def _judge(status: int, retry_after: str) -> None:
    if 200 <= status < 300:
        return
    if status in (404, 410):
        raise PushGone
    if status == 429 or status >= 500:
        raise PushLater(timedelta(seconds=min(int(retry_after), 3600) if retry_after.isdecimal() else 0))
    raise PushRefused


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unbase64(text: str) -> bytes:
    """Either alphabet, with or without padding. Raises ValueError."""
    plain = text.strip().rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None


def _exactly(data: bytes, length: int) -> bytes:
    if len(data) != length:
        raise ValueError(f"must be {length} bytes")
    return data
