"""Where a partner's letters are pushed: TLS, and nothing but a server's root."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

LONGEST = 300


class EndpointRefused(ValueError):
    """Letters do not go there; the text says why."""


def plain_endpoint(address: str) -> str:
    """The address as it is kept, without a slash at its end. Raises EndpointRefused."""
    parts = urlsplit(address.strip())
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise EndpointRefused(f"{address!r} is no address of a server.") from None
    if not host or parts.path.strip("/") or parts.query or parts.fragment or parts.username or len(address) > LONGEST:
        raise EndpointRefused(f"{address!r} must be the root of a server: https:// and its name, no more.")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise EndpointRefused(f"{address!r} must begin with https://. Plain http:// is for this machine alone.")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{f':{port}' if port else ''}"


def is_loopback(host: str) -> bool:
    """Whether this is the machine itself, by its address or as `localhost`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
