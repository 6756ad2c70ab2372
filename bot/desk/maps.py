"""What a page with a map needs: where its tiles come from, and that the browser may fetch them from there."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from bot.kernel.web_keys import IMAGES_FROM, SETTINGS

#: Named where the shipped borders are shown.
BORDERS_ARE_FROM = "Natural Earth"


def with_map(request: web.Request) -> dict[str, Any]:
    """For the template of a page with a map. The page may show pictures from the operator's tiles, and no other."""
    settings = request.app[SETTINGS]
    if not settings.map_tiles_url:
        return {"map_tiles": "", "map_credit": BORDERS_ARE_FROM}
    parts = urlsplit(settings.map_tiles_url)
    request[IMAGES_FROM] = f"{parts.scheme}://{parts.netloc}"
    return {"map_tiles": settings.map_tiles_url, "map_credit": settings.map_tiles_credit}
