"""Pages: templates, the words in them, and the files they link to.

Templates escape everything, know the language of the request, and stop at an unknown name. Static files are read
when we start and carry a hash of their folder in their address, so that browsers may keep them for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import mimetypes
import os
import time
from collections.abc import Hashable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web
from babel.dates import format_timedelta
from jinja2.runtime import Context
from markupsafe import Markup, escape
from msgspec import Struct

from bot.kernel.access import Permission, may_enter
from bot.kernel.database import EPOCH
from bot.kernel.web_keys import CLOCK, LANGUAGE, OFFICER, REQUEST_ID, SESSION, WORDS
from bot.kernel.words import Words, direction, fill, source_form
from dialogues.kept import FOLDER
from directory.dates import written

TEMPLATES: web.AppKey[jinja2.Environment] = web.AppKey("templates")
STATIC: web.AppKey[StaticFiles] = web.AppKey("static")
PIECES: web.AppKey[Pieces] = web.AppKey("pieces")

KERNEL_TEMPLATES = Path(__file__).parent / "templates"
STATIC_ROUTE = "static"
FOR_EVER = "public, max-age=31536000, immutable"
RECENT = timedelta(days=6)
PIECES_KEPT_SECONDS = 60.0
COMPRESSED = {"text/css", "text/javascript", "image/svg+xml", "application/json", "text/plain"}


class _Rooms(jinja2.BaseLoader):
    """Templates by `room/name`. (A PrefixLoader would forget the room, and neighbours could not be found.)"""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self.rooms = {room: jinja2.FileSystemLoader(folder) for room, folder in folders.items()}

    def get_source(self, environment: jinja2.Environment, template: str) -> Any:
        room, _, name = template.partition("/")
        if room not in self.rooms:
            raise jinja2.TemplateNotFound(template)
        return self.rooms[room].get_source(environment, name)


class _Environment(jinja2.Environment):
    """A template names its neighbours without their room: `base.html` inside `desk/` is `desk/base.html`."""

    def join_path(self, template: str, parent: str) -> str:
        return template if "/" in template else f"{parent.rpartition('/')[0]}/{template}"


def make_templates(rooms: Mapping[str, Path], words: Words, more: Mapping[str, Any]) -> jinja2.Environment:
    """The environment of all rooms' templates; `desk/queue.html` is `queue.html` in the folder of `desk`."""
    environment = _Environment(
        loader=_Rooms({**rooms, "kernel": KERNEL_TEMPLATES}),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=_kept_code(),
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.newstyle_gettext = True  # type: ignore[attr-defined]
    environment.globals.update({**translators(words), "url": _url, "static": _static, "csrf_field": _csrf_field})
    environment.globals.update({"direction": direction, **more})
    environment.filters.update({"when": _when, "moment": _moment, "bdi": _bdi})
    return environment


class CompiledTemplates(jinja2.FileSystemBytecodeCache):
    """One file a template. What was compiled from another source, or by other rules, is replaced in its place."""

    def __init__(self, folder: Path, rules: str) -> None:
        super().__init__(str(folder), "template-%s.cache")
        self._rules = rules

    def get_source_checksum(self, source: str) -> str:
        return super().get_source_checksum(self._rules + source)


def _kept_code() -> jinja2.BytecodeCache | None:
    """Compiled templates, kept where the environment may be written: nobody waits for a page to be compiled twice."""
    with contextlib.suppress(OSError):
        FOLDER.mkdir(exist_ok=True)
        if os.access(FOLDER, os.W_OK):
            rules = hashlib.blake2b(Path(__file__).read_bytes(), digest_size=4).hexdigest()  # this module compiles
            return CompiledTemplates(FOLDER, rules)
    return None


def render(
    request: web.Request,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
    language: str | None = None,
) -> web.Response:
    """A page in the language of the request. A template without a room is looked for in every room, in order."""
    said_in = language or request.get(LANGUAGE, "en")
    html = render_text(request, template, context, language=said_in)
    return web.Response(text=html, status=status, content_type="text/html", headers={"Content-Language": said_in})


def render_text(
    request: web.Request, template: str, context: Mapping[str, Any] | None = None, *, language: str | None = None
) -> str:
    """The same as text: for a part of a page that a stream sends."""
    environment = request.app[TEMPLATES]
    said_in = language or request.get(LANGUAGE, "en")
    officer, session = request.get(OFFICER), request.get(SESSION)
    known = {
        "app": request.app,
        "request": request,
        "officer": officer,
        "csrf": session.csrf if session else "",
        "lang": said_in,
        "dir": direction(said_in),
        "languages": request.app[WORDS].languages,
        "now": request.app[CLOCK].now(),
        "request_id": request.get(REQUEST_ID, ""),
        "may": lambda permission: officer is not None and may_enter(officer, Permission(permission)),
    }
    return _find(environment, template).render({**known, **(context or {})})


def _find(environment: jinja2.Environment, template: str) -> jinja2.Template:
    if "/" in template:
        return environment.get_template(template)
    assert isinstance(environment.loader, _Rooms)
    return environment.select_template([f"{room}/{template}" for room in environment.loader.rooms])


def translators(words: Words) -> dict[str, Any]:
    """`_`, `gettext`, `ngettext` and what `{% trans %}` calls. Values are escaped, sentences are ours."""

    @jinja2.pass_context
    def gettext(context: Context, msgid: str, /, **named: object) -> Markup:
        return _filled(words.text(context["lang"], source_form(msgid)), named)

    @jinja2.pass_context
    def ngettext(context: Context, one: str, many: str, n: int, /, **named: object) -> Markup:
        return _filled(words.plural(context["lang"], source_form(one), source_form(many), n), {"n": n, **named})

    return {"_": gettext, "gettext": gettext, "ngettext": ngettext}


def _filled(sentence: str, named: Mapping[str, object]) -> Markup:
    escaped = str(escape(sentence))
    return Markup(fill(escaped, {name: escape(value) for name, value in named.items()}))  # noqa: S704


@jinja2.pass_context
def _url(context: Context, route: str, /, _query: Mapping[str, str] | None = None, **parts: object) -> str:
    """The address of a route by its name."""
    return _path(context["app"], route, _query, **parts)


def route_url(request: web.Request, route: str, query: Mapping[str, str] | None = None, /, **parts: object) -> str:
    """The path of a named route, for links and redirects."""
    return _path(request.app, route, query, **parts)


def see_other(
    request: web.Request, route: str, query: Mapping[str, str] | None = None, /, **parts: object
) -> web.Response:
    """After a form: go and look at a page, by its route name. Never at an address that somebody sent."""
    return web.Response(status=303, headers={"Location": route_url(request, route, query, **parts)})


def _path(app: web.Application, route: str, query: Mapping[str, str] | None, /, **parts: object) -> str:
    url = app.router[route].url_for(**{name: str(value) for name, value in parts.items()})
    return str(url.with_query(query) if query else url)


@jinja2.pass_context
def _static(context: Context, path: str) -> str:
    """The address of a static file: `static('desk/desk.css')`."""
    app: web.Application = context["app"]
    return app[STATIC].url(path)


@jinja2.pass_context
def _csrf_field(context: Context) -> Markup:
    """What every form of a signed-in officer must hold."""
    return Markup('<input type="hidden" name="csrf" value="{}">').format(context["csrf"])


@jinja2.pass_context
def _when(context: Context, value: datetime) -> Markup:
    """`3 minutes ago`, and the exact moment for machines and for the pointer; a date once it is a week old."""
    since = value - context["now"]
    if abs(since) < RECENT:
        said = format_timedelta(since, add_direction=True, locale=_locale(context["lang"]))
    else:
        said = written(value, "d MMM y", context["lang"])
    return _time_element(value, said)


@jinja2.pass_context
def _moment(context: Context, value: datetime, pattern: str = "d MMM, HH:mm") -> Markup:
    """Date and time in the language of the page, in UTC."""
    return _time_element(value, written(value, pattern, context["lang"]))


def _time_element(value: datetime, said: str) -> Markup:
    exact = value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{0}" title="{0}">{1}</time>').format(exact, said)


def _bdi(value: object) -> Markup:
    """Numbers, names and codes keep their own direction inside any sentence."""
    return Markup("<bdi>{}</bdi>").format(value)


def _locale(language: str) -> str:
    return language.replace("-", "_")


# Pieces that many screens show alike


class _Piece(Struct):
    html: Markup
    used_at: float


class Pieces:
    """HTML that was rendered for one screen and serves the next.

    Everything a piece's template is given is part of the name the piece is kept by: the request, the session and the
    officer are not among it, and a template that asks for them fails. So nobody can be shown a piece that was made
    from more than they were to be shown themselves. What was not asked for within a minute or so is forgotten.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], _Piece] = {}
        self._swept_at = time.monotonic()

    def html(
        self,
        app: web.Application,
        template: str,
        *,
        language: str,
        may: frozenset[Permission] = frozenset(),
        tools: Mapping[str, Any],
        **given: Hashable,
    ) -> Markup:
        """`template` over what is `given`, which must be values that never change.

        `tools` are functions that say the same for the same arguments: they alone are not part of the name.
        """
        now = time.monotonic()
        self._sweep(now)
        name = (template, language, may, *sorted(given.items(), key=lambda item: item[0]))
        piece = self._kept.get(name)
        if piece is None:
            piece = self._kept[name] = _Piece(self._render(app, template, language, may, tools, given), now)
        piece.used_at = now
        return piece.html

    @staticmethod
    def _render(
        app: web.Application,
        template: str,
        language: str,
        may: frozenset[Permission],
        tools: Mapping[str, Any],
        given: Mapping[str, Any],
    ) -> Markup:
        known = {"app": app, "lang": language, "dir": direction(language), "may": lambda each: Permission(each) in may}
        return Markup(app[TEMPLATES].get_template(template).render({**known, **tools, **given}))  # noqa: S704

    def _sweep(self, now: float) -> None:
        if now - self._swept_at < PIECES_KEPT_SECONDS / 2:
            return
        self._swept_at = now
        self._kept = {name: piece for name, piece in self._kept.items() if now - piece.used_at < PIECES_KEPT_SECONDS}


# Static files


class StaticFile(Struct, frozen=True):
    """One file, ready to be sent."""

    body: bytes
    content_type: str


class StaticFiles:
    """Every static file of every room, in memory: a path cannot lead out of what was read.

    A file is compressed when it is first asked for: all of them took 0.14 s of every start.
    """

    def __init__(self, rooms: Mapping[str, Path]) -> None:
        self._files: dict[str, StaticFile] = {}
        self._compressed: dict[str, bytes | None] = {}
        self._hashes: dict[str, str] = {}
        for room, folder in rooms.items():
            digest = hashlib.sha256()
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                name, body = path.relative_to(folder).as_posix(), path.read_bytes()
                digest.update(name.encode() + b"\0" + body)
                self._files[f"{room}/{name}"] = _static_file(name, body)
            self._hashes[room] = digest.hexdigest()[:16]

    def url(self, path: str) -> str:
        """The address of `room/name`. Raises KeyError: a page never links to a file that is not there."""
        if path not in self._files:
            raise KeyError(path)
        room, _, name = path.partition("/")
        return f"/static/{room}/{self._hashes[room]}/{name}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Serve one file. An address with an old hash still works and is not kept."""
        room = request.match_info["room"]
        path = f"{room}/{request.match_info['name']}"
        file = self._files.get(path)
        if file is None:
            raise web.HTTPNotFound
        fresh = request.match_info["hash"] == self._hashes[room]
        headers = {"Cache-Control": FOR_EVER if fresh else "no-cache", "Vary": "Accept-Encoding"}
        body = file.body
        if "gzip" in request.headers.get("Accept-Encoding", "") and (smaller := await self._smaller(path)):
            headers["Content-Encoding"], body = "gzip", smaller
        return web.Response(body=body, content_type=file.content_type, headers=headers, charset=_charset(file))

    async def _smaller(self, path: str) -> bytes | None:
        """The file in fewer bytes, or None where that cannot be."""
        if path not in self._compressed:
            self._compressed[path] = await asyncio.to_thread(_compressed, self._files[path])
        return self._compressed[path]


def _static_file(name: str, body: bytes) -> StaticFile:
    guessed = {".js": "text/javascript", ".woff2": "font/woff2", ".webmanifest": "application/manifest+json"}
    content_type = guessed.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return StaticFile(body, content_type)


def _compressed(file: StaticFile) -> bytes | None:
    if file.content_type not in COMPRESSED:
        return None
    smaller = gzip.compress(file.body, 9, mtime=int(EPOCH.timestamp()))
    return smaller if len(smaller) < len(file.body) else None


def _charset(file: StaticFile) -> str | None:
    return "utf-8" if file.content_type.startswith("text/") else None
