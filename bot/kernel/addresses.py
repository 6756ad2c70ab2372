"""Where a request comes from."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from aiohttp import web

from bot.kernel.web_keys import SETTINGS


def client_address(request: web.Request) -> str:
    """Where a request comes from, believing forwarded addresses only from trusted proxies. For limits, not for logs."""
    peer = request.remote or ""
    trusted = request.app[SETTINGS].trusted_proxies
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    while forwarded and _is_among(peer, trusted):
        peer = forwarded.pop()
    return peer


def _is_among(address: str, networks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)
