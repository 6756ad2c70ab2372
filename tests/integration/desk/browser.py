"""A browser without scripts, for the desk over HTTP."""

from __future__ import annotations

import re
from html import unescape

from aiohttp import ClientResponse, FormData
from aiohttp.test_utils import TestClient


class Browser:
    """One browser at the desk: follows redirects, keeps cookies, fills in the hidden fields of forms."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        self.page = ""
        self.status = 0

    async def go(self, path: str) -> str:
        return await self._read(await self._client.get(path))

    async def send(self, action: str, **fields: str) -> str:
        """Send the form of the present page whose action is `action`, with its hidden fields."""
        forms = re.findall(r'<form[^>]*method="post".*?</form>', self.page, re.S)
        form = next(found for found in forms if f'action="{action}"' in found)
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
        return await self.post(action, **{name: unescape(value) for name, value in hidden.items()}, **fields)

    async def post(self, path: str, **fields: str | list[str]) -> str:
        """Send a form. A list is a field that is there several times."""
        pairs = [
            (name, one) for name, value in fields.items() for one in (value if isinstance(value, list) else [value])
        ]
        return await self._read(await self._client.post(path, data=pairs, headers={"Sec-Fetch-Site": "same-origin"}))

    async def upload(self, path: str, content: bytes, **fields: str) -> str:
        """Send a form with a file in its field `file`."""
        data = FormData(fields)
        data.add_field("file", content, filename="file", content_type="application/octet-stream")
        return await self._read(await self._client.post(path, data=data, headers={"Sec-Fetch-Site": "same-origin"}))

    async def _read(self, answer: ClientResponse) -> str:
        self.page, self.status, self.path = await answer.text(), answer.status, answer.url.path
        self.headers = answer.headers
        return self.page
