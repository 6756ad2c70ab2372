"""The whole program as a real server, for tests that look at every screen of it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from bot.kernel.web import RULES, Route
from tests.browser.desk_server import DeskServer
from tests.integration.app.program import serving, settings_for
from tests.peers.push import running_push
from tests.peers.translation import running_translation

PUSH_KEY = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="


class WholeServer(DeskServer):
    """Web chat, desk, links and bot over their real composition root, with the demonstration in an empty database."""

    async def _start(self) -> None:
        self._open = contextlib.AsyncExitStack()
        machine = await self._open.enter_async_context(running_translation())
        self.push = await self._open.enter_async_context(running_push())
        settings = settings_for(
            Path(self._folder.name),
            translate_url=machine.url,
            push_key=PUSH_KEY,
            push_services=self.push.url,
        )
        helpline = await self._open.enter_async_context(serving(settings))
        self.port, self.app = helpline.settings.port, helpline.app
        self.database, self.vault, self.signals = helpline.database, helpline.vault, helpline.waymark.signals

    async def _stop(self) -> None:
        await self._open.aclose()

    @property
    def routes(self) -> list[Route]:
        """Every line of the route table, each once."""
        return list({(route.method, route.path): route for route in self.app[RULES].values()}.values())
