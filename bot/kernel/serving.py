"""What serves the application: it guards broken HTTP too."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from bot.kernel.security_headers import put_security_headers


class _GuardedHandler(RequestHandler):
    """Answers requests that are not even HTTP with our headers, and without repeating what was sent."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        said = HTTPStatus(status).phrase
        response = super().handle_error(request, status, exc, said)
        if isinstance(response, web.Response):
            response.content_type, response.text = "text/plain", said
        put_security_headers(response.headers, https=False)
        return response


class _GuardedServer(web.Server):
    """A server whose connections are `_GuardedHandler`s."""

    def __call__(self) -> RequestHandler:
        return _GuardedHandler(self, loop=self._loop, **self._kwargs)


class _GuardedRunner(web.AppRunner):
    """An AppRunner over a `_GuardedServer`."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        server.__class__ = _GuardedServer  # aiohttp has no place to say which class a connection is
        return server


def web_runner(app: web.Application, *, shutdown_timeout: float = 20.0) -> web.AppRunner:
    """What serves the application. There is no access log of aiohttp's: ours has no addresses and no queries."""
    return _GuardedRunner(app, access_log=None, shutdown_timeout=shutdown_timeout, keepalive_timeout=75.0)
