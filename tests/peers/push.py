"""A push service of our own and the browsers behind it: it checks who sends, keeps a ledger, and fails when told to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aiohttp import web
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bot.kernel.web_push import Subscription, unbase64

CURVE = ec.SECP256R1()
SIGNED = re.compile(r"vapid t=([\w-]+)\.([\w-]+)\.([\w-]+), k=([\w-]+)")


def decrypt(body: bytes, auth: bytes, private: ec.EllipticCurvePrivateKey) -> bytes:
    """What a browser does with a message, written from RFC 8291 alone. Raises ValueError where it is not for it."""
    salt, point, sealed = body[:16], body[21 : 21 + body[20]], body[21 + body[20] :]
    own = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    secret = private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point))
    material = HKDF(hashes.SHA256(), 32, auth, b"WebPush: info\0" + own + point).derive(secret)
    key = HKDF(hashes.SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(material)
    nonce = HKDF(hashes.SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(material)
    try:
        return AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0").removesuffix(b"\2")
    except InvalidTag:
        raise ValueError("not for this browser") from None


@dataclass
class Shown:
    """A message that the service took, as its browser read it."""

    browser: str
    said: dict[str, str]
    headers: dict[str, str]


@dataclass
class FakePush:
    """`answers` are what it says to the next messages, in turn: a status, or `cut` (it takes the message, and the line
    breaks before it says so), or `hang`. Whatever it took is in `ledger`, whether it said so or not."""

    url: str = ""
    ledger: list[Shown] = field(default_factory=list)
    answers: list[int | str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _browsers: dict[str, tuple[ec.EllipticCurvePrivateKey, bytes, str]] = field(default_factory=dict)

    def subscribe(self, application_key: str) -> Subscription:
        """A browser that lets the holder of this key write to it."""
        name, private, auth = secrets.token_urlsafe(9), ec.generate_private_key(CURVE), secrets.token_bytes(16)
        self._browsers[name] = (private, auth, application_key)
        point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return Subscription(f"{self.url}/{name}", point, auth)

    def unsubscribe(self, subscription: Subscription) -> None:
        del self._browsers[subscription.endpoint.rpartition("/")[2]]

    async def take(self, request: web.Request) -> web.StreamResponse:
        name, body = request.match_info["browser"], await request.read()
        answer = self.answers.pop(0) if self.answers else 201
        if isinstance(answer, int) and answer != 201:
            return web.Response(status=answer, headers={"Retry-After": "2"})
        if name not in self._browsers:
            return web.Response(status=410)
        private, auth, key = self._browsers[name]
        if problem := self._problem(request, key):
            self.refused.append(problem)
            return web.Response(status=403, text=problem)
        shown = Shown(name, json.loads(decrypt(body, auth, private)), dict(request.headers))
        if answer == "hang":
            await asyncio.sleep(3600)
        self.ledger.append(shown)
        if answer == "cut":
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=201)

    def _problem(self, request: web.Request, key: str) -> str:
        """What a push service would object to (RFC 8030, RFC 8292)."""
        found = SIGNED.fullmatch(request.headers.get("Authorization", ""))
        if found is None:
            return "not signed"
        head, claims, signature, point = found.groups()
        if point != key:
            return "signed with a key that the browser was not subscribed to"
        raw = unbase64(signature)
        der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        public = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, unbase64(point))
        try:
            public.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return "signature wrong"
        if json.loads(unbase64(claims))["aud"] != f"{urlsplit(self.url).scheme}://{urlsplit(self.url).netloc}":
            return "for somebody else"
        if request.headers.get("Content-Encoding") != "aes128gcm" or not request.headers.get("TTL", "").isdecimal():
            return "headers wrong"
        if re.fullmatch(r"[\w-]{1,32}", request.headers.get("Topic", "x")) is None:
            return "topic wrong"
        return ""


@contextlib.asynccontextmanager
async def running_push() -> AsyncIterator[FakePush]:
    """The service on a port of this machine."""
    fake, app = FakePush(), web.Application()
    app.router.add_post("/{browser}", fake.take)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        await runner.cleanup()
