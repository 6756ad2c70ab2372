"""The headers every answer carries, whatever it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from multidict import CIMultiDict

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
        "media-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # To other sites nothing is told. Not `no-referrer`: with it, browsers send `Origin: null` with our own forms,
    # and a phone too old for Sec-Fetch-Site could not be told from an attack.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self), payment=(), usb=(), browsing-topics=()",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Server": "waymark",
}
HSTS = "max-age=63072000; includeSubDomains"
#: The same, ready to be merged in one go: this happens at every answer.
_OVER_HTTP: Final = CIMultiDict(HEADERS)
_OVER_HTTPS: Final = CIMultiDict({**HEADERS, "Strict-Transport-Security": HSTS})


def put_security_headers(headers: CIMultiDict[str], *, https: bool, images_from: str = "") -> None:
    """The set every answer carries. Only how long it may be kept is the handler's choice, and for a page with a map
    of an operator's tiles the one origin they come from.
    """
    headers.update(_OVER_HTTPS if https else _OVER_HTTP)
    if images_from:
        policy = HEADERS["Content-Security-Policy"]
        headers["Content-Security-Policy"] = policy.replace("img-src 'self'", f"img-src 'self' {images_from}")
    headers.setdefault("Cache-Control", "no-store")
