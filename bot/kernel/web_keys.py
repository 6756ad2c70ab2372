"""What a web handler finds in the application and in its request, and under which name."""

from __future__ import annotations

import asyncio

from aiohttp import web

from bot.kernel.clock import Clock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from bot.kernel.live import Signals
from bot.kernel.officers import Officer
from bot.kernel.sessions import Session
from bot.kernel.settings import Settings
from bot.kernel.words import Words

SETTINGS: web.AppKey[Settings] = web.AppKey("settings")
DATABASE: web.AppKey[Database] = web.AppKey("database")
VAULT: web.AppKey[Vault] = web.AppKey("vault")
CLOCK: web.AppKey[Clock] = web.AppKey("clock")
SIGNALS: web.AppKey[Signals] = web.AppKey("signals")
WORDS: web.AppKey[Words] = web.AppKey("words")
CLOSING: web.AppKey[asyncio.Event] = web.AppKey("closing")

#: The officer and the session are there on every route that asks for a permission; elsewhere use `request.get`.
OFFICER: web.RequestKey[Officer] = web.RequestKey("officer")
SESSION: web.RequestKey[Session] = web.RequestKey("session")
LANGUAGE: web.RequestKey[str] = web.RequestKey("language")
REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id")
STREAMING: web.RequestKey[bool] = web.RequestKey("streaming")
#: Another origin from which this page shows pictures: one out of the settings, never one that a request named.
IMAGES_FROM: web.RequestKey[str] = web.RequestKey("images_from")
