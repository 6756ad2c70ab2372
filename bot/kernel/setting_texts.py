"""How the text of a setting becomes its value. A reader raises ValueError where the text is not usable."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from bot.kernel.crypto import MASTER_KEY_BYTES

#: How many private keys the curve P-256 has (FIPS 186-5).
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Secret(Struct, frozen=True):
    """A setting that no log line, traceback or error message shows."""

    value: str

    def __repr__(self) -> str:
        return "Secret(…)" if self.value else "Secret()"


class About(Struct, frozen=True):
    """What the documentation says of a setting, and how its text becomes its value.

    `read` raises ValueError where the text is not usable; then the sentence says what it `must` be, and what it is
    if it may be `shown`.
    """

    text: str
    must: str
    read: Callable[[str], Any]
    shown: bool = True


def one_of(*choices: str) -> Callable[[str], str]:
    known = {choice.casefold(): choice for choice in choices}

    def read(text: str) -> str:
        _require(text.casefold() in known)
        return known[text.casefold()]

    return read


def whole_number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        _require(text.isdecimal() and least <= int(text) <= most)
        return int(text)

    return read


def matching(pattern: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        _require(re.fullmatch(pattern, text) is not None)
        return text

    return read


def secret(read_text: Callable[[str], str]) -> Callable[[str], Secret]:
    return lambda text: Secret(read_text(text))


def database(text: str) -> str:
    scheme, _, rest = text.partition("://")
    if scheme == "sqlite":
        _require(rest.startswith("/") and len(rest) > 1 and ":memory:" not in rest)
        return text
    _require(scheme in {"postgresql", "postgres"} and bool(rest))
    return f"postgresql://{rest}"


def translation_server(text: str) -> str:
    """Words of children cross no open network in clear: a name without a dot is a neighbour in a private one."""
    parts = urlsplit(text.rstrip("/"))
    host = parts.hostname or ""
    _require(parts.scheme in {"http", "https"} and bool(host) and not parts.query and not parts.username)
    _require(parts.scheme == "https" or _needs_no_tls(host) or "." not in host)
    return text.rstrip("/")


def public_address(text: str) -> str:
    parts = urlsplit(text.rstrip("/"))
    _require(parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.path and not parts.query)
    _require(parts.scheme == "https" or _needs_no_tls(parts.hostname or ""))
    return text.rstrip("/")


def web_address(text: str) -> str:
    parts = urlsplit(text)
    _require(parts.scheme in {"http", "https"} and bool(parts.hostname))
    return text.rstrip("/")


def harmless_address(text: str) -> str:
    parts = urlsplit(text)
    _require(parts.scheme == "https" and bool(parts.hostname))
    return text


def map_tiles(text: str) -> str:
    """Only what can stand in a Content-Security-Policy as it is: one host, no user, nothing that ends the rule."""
    parts = urlsplit(text)
    _require(parts.scheme == "https" or (parts.scheme == "http" and _needs_no_tls(parts.hostname or "")))
    _require(re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?", parts.netloc) is not None)
    _require(all(f"{{{part}}}" in parts.path for part in "zxy") and not re.search(r"\s", text))
    return text


def mail_server(text: str) -> str:
    parts = urlsplit(text)
    _require(parts.scheme in {"smtp", "smtps"} and bool(parts.hostname))
    return text


def master_key(text: str) -> str:
    _require(decode_key(text) is not None)
    return text


def push_key(text: str) -> str:
    _require(re.fullmatch(r"[A-Za-z0-9+/_-]{43}=?", text) is not None)
    key = decode_key(text)
    _require(key is not None and 0 < int.from_bytes(key) < P256_ORDER)
    return text


def push_services(text: str) -> tuple[str, ...]:
    services = tuple(part.strip().rstrip("/") for part in text.split(",") if part.strip())
    for service in services:
        parts = urlsplit(service)
        if parts.scheme:
            _require(parts.scheme == "https" or (parts.scheme == "http" and _needs_no_tls(parts.hostname or "")))
            _require(bool(parts.hostname) and not parts.path and not parts.query and not parts.username)
        else:
            _require(re.fullmatch(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+", service) is not None)
    return services


#: ISO 3166-1, and XK, by which Kosovo is known everywhere. `UK` is none: whoever wrote it would be given no number.
_ALPHA_2 = (
    "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCR"
    "CUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHU"
    "IDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQ"
    "MRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSI"
    "SJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSXKYEYTZAZMZW"
)
COUNTRIES = frozenset(_ALPHA_2[at : at + 2] for at in range(0, len(_ALPHA_2), 2))


def country(text: str) -> str:
    _require(text.upper() in COUNTRIES)
    return text.upper()


def networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def _require(holds: bool) -> None:
    if not holds:
        raise ValueError("not usable")


def _needs_no_tls(host: str) -> bool:
    return host in {"localhost", "127.0.0.1", "::1"} or host.endswith((".localhost", ".onion"))


def decode_key(text: str) -> bytes | None:
    text = text.strip()
    if re.fullmatch(r"[0-9a-fA-F]{64}", text):
        return bytes.fromhex(text)
    try:
        padded = text.translate(str.maketrans("-_", "+/")) + "=" * (-len(text) % 4)
        key = base64.b64decode(padded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == MASTER_KEY_BYTES else None
