"""The server: the Bot API under `/bot<token>/`, files under `/file/bot<token>/`, and `/control/` for the test."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import random
import re
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.peers.telegram import control
from tests.peers.telegram.faults import DELIVERED, Fault, Faults
from tests.peers.telegram.keyboards import LONGEST_CAPTION, Refused, bad_request, checked_markup, checked_text
from tests.peers.telegram.ledger import Ledger

TOKEN = "700100200:AAFakeFakeFakeFakeFakeFakeFakeFake_01"
USERNAME = "waymark_test_bot"
NOT_GIVEN_UNASKED = {"chat_member", "message_reaction", "message_reaction_count"}
LONGEST_POLL = 50.0
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
STATUS = {Fault.TOO_MANY: 429, Fault.SERVER_ERROR: 502, Fault.BAD_HTML: 502}
GARBLED = ('{"ok":tru', '{"ok":true}', "[]", "null", "", '{"ok":true,"result":{}}', '{"ok":true,"result":7}')
MEDIA = ("photo", "document", "voice")
LARGEST_UPLOAD = 50 * 1024 * 1024
Params = dict[str, Any]
Sent = list[dict[str, Any]]


class FakeTelegram:
    """One bot's Telegram. Its methods are what people and the network do; the bot itself only has HTTP."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        token: str = TOKEN,
        faults: Faults | None = None,
        retry_seconds: float = 1.0,
        webhook_timeout: float = 60.0,
    ) -> None:
        self.ledger = ledger
        self.token = token
        self.faults = faults or Faults()
        self.url = ""
        self.actions: list[tuple[int, str]] = []  # what a chat said the bot was doing: "typing"
        self._retry_seconds = retry_seconds
        self._webhook_timeout = webhook_timeout
        self._poll = 0  # the number of the newest getUpdates; an older one that still waits gets 409
        self._waiting_polls = 0
        self._news = asyncio.Event()  # set, and replaced, whenever an update or a delivery was recorded
        self._closing = asyncio.Event()
        self._tries: dict[int, tuple[int, float]] = {}
        self._in_flight: set[int | None] = set()
        self._posts: set[asyncio.Task[None]] = set()
        self._methods: dict[str, Callable[[Params, Fault | None], Any]] = {
            name.removeprefix("api_").lower(): getattr(self, name) for name in dir(self) if name.startswith("api_")
        }

    def app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_UPLOAD)
        app.router.add_route("*", "/bot{token}/{method}", self._answer)
        app.router.add_get("/file/bot{token}/{path:.+}", self._download)
        control.add_routes(app, self)
        app.cleanup_ctx.append(self._webhooks)
        app.on_shutdown.append(self._close)
        return app

    async def _close(self, _app: web.Application) -> None:
        self._closing.set()
        self.tell()

    # what people do

    def say(self, chat_id: int, text: str | None = None, **content: Any) -> dict[str, int]:
        """A person writes. `content` is any part of a Bot API message, or `group`, `edit`, `name`, `language`."""
        update = self._message_update(chat_id, text, content)
        kind = "edited_message" if "edited_message" in update else "message"
        update_id = self.put(kind, chat_id, update)
        return {"update_id": update_id, "message_id": update[kind]["message_id"]}

    def _message_update(self, chat_id: int, text: str | None, content: dict[str, Any]) -> dict[str, Any]:
        name, language = content.pop("name", "Sam"), content.pop("language", "en")
        edit, group = content.pop("edit", None), content.pop("group", chat_id < 0)
        self.ledger.meet(chat_id, "group" if group else "private")
        chat = {"id": chat_id, "type": "group", "title": "Road"} if group else person(chat_id, name)
        sender = {"id": 55 if group else chat_id, "is_bot": False, "first_name": name, "language_code": language}
        now = int(time.time())
        message: dict[str, Any] = {
            "message_id": edit or self.ledger.next_message_id(),
            "from": sender,
            "chat": chat,
            "date": content.pop("date", now),
            **content,
        }
        if text is not None:
            message["text"] = text
            if command := re.match(r"/[A-Za-z0-9_]+(@\w+)?", text):
                message["entities"] = [{"type": "bot_command", "offset": 0, "length": command.end()}]
        if edit is None:
            self.ledger.set(f"said:{chat_id}:{message['message_id']}", now)
            return {"message": message}
        message["date"] = self.ledger.setting(f"said:{chat_id}:{edit}", now)
        return {"edited_message": {**message, "edit_date": now}}

    def tap(self, chat_id: int, message_id: int, button: str | int = 0, *, data: str | None = None) -> str:
        """A person presses a button of a message, named by its title or its index. Returns the tap's id."""
        message = self.ledger.message(chat_id, message_id)
        if message is None:
            raise LookupError(f"no message {message_id} in chat {chat_id}")
        if data is None:
            buttons = [b for row in message.get("reply_markup", {}).get("inline_keyboard", []) for b in row]
            pressed = buttons[button] if isinstance(button, int) else next(b for b in buttons if b["text"] == button)
            data = pressed["callback_data"]
        tap_id = str(random.getrandbits(62))
        self.ledger.add_tap(tap_id, chat_id)
        sender = {"id": chat_id, "is_bot": False, "first_name": "Sam", "language_code": "en"}
        query = {"id": tap_id, "from": sender, "message": message, "chat_instance": "-1", "data": data}
        self.put("callback_query", chat_id, {"callback_query": query})
        return tap_id

    def put(self, kind: str, chat_id: int | None, update: dict[str, Any]) -> int:
        """Queue an update, unless the bot did not ask for its kind."""
        allowed = self.ledger.setting("allowed_updates") or []
        if (allowed and kind not in allowed) or (not allowed and kind in NOT_GIVEN_UNASKED):
            return 0
        update_id = self.ledger.add_update(kind, chat_id, update)
        self.tell()
        return update_id

    def add_file(self, content: bytes, suffix: str) -> str:
        """A file of a person, to be named as `file_id` in a voice message, photo or document."""
        file_id = f"F{random.getrandbits(80):020x}"
        self.ledger.add_file(file_id, f"files/{file_id}.{suffix}", content)
        return file_id

    # what tests watch

    def tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def until(self, happened: Callable[[], bool], timeout: float = 60.0) -> bool:
        """Wait for something to be true of the ledger. False when it did not become so in time."""
        deadline = asyncio.get_running_loop().time() + timeout
        while not happened():
            news = self._news
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0 or self._closing.is_set():
                return happened()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await news.wait()
        return True

    async def wait_for_sent(
        self, count: int, chat_id: int | None = None, timeout: float = 60.0
    ) -> list[dict[str, Any]]:
        """What was delivered, once there are at least `count`."""
        if not await self.until(lambda: self.ledger.count_sent(chat_id) >= count, timeout):
            raise AssertionError(f"{self.ledger.count_sent(chat_id)} messages delivered, not {count}")
        return self.ledger.sent(chat_id)

    async def wait_until_confirmed(self, timeout: float = 60.0) -> None:
        """Wait until no update is left waiting."""
        if not await self.until(lambda: self.ledger.count_waiting() == 0, timeout):
            raise AssertionError(f"{self.ledger.count_waiting()} updates are not confirmed")

    async def wait_for_poll(self, timeout: float = 60.0) -> None:
        """Wait until a bot is waiting in a long poll."""
        if not await self.until(lambda: self._waiting_polls > 0, timeout):
            raise AssertionError("nobody polls")

    # the API

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        method = self._methods.get(name.lower())
        if request.match_info["token"] != self.token:
            return error(Refused(401, "Unauthorized"))
        if method is None:
            return error(Refused(404, "Not Found"))
        params = await read_params(request)
        chat_id = whole(params.get("chat_id"))
        shown = {key: value if isinstance(value, str) else str(value) for key, value in params.items()}
        call = self.ledger.record_call(name, chat_id, {k: v for k, v in shown.items() if k not in MEDIA})
        if (wait := self._quiet_for(name, chat_id)) > 0:
            self.ledger.settle_call(call, status=429, fault=None, too_early=True)
            return error(too_many(wait))
        fault = self.faults.next(name, chat_id)
        if fault is not None and fault not in DELIVERED:
            return await self._fail(request, fault, call, chat_id)
        try:
            result = method(params, fault)
            if asyncio.iscoroutine(result):
                result = await result
        except Refused as refused:
            self.ledger.settle_call(call, status=refused.code, fault=None)
            return error(refused)
        self.tell()
        if fault is not None:
            return await self._fail(request, fault, call, chat_id, {"ok": True, "result": result})
        self.ledger.settle_call(call, status=200, fault=None)
        return web.json_response({"ok": True, "result": result})

    def _quiet_for(self, method: str, chat_id: int | None) -> float:
        """After a 429 a chat takes nothing until its time is over; other chats are not concerned."""
        chat = None if chat_id is None or not method.startswith(("send", "edit")) else self.ledger.chat(chat_id)
        return 0.0 if chat is None else float(chat["quiet_until"]) - time.time()

    async def _fail(
        self, request: web.Request, fault: Fault, call: int, chat_id: int | None, answer: dict[str, Any] | None = None
    ) -> web.StreamResponse:
        """Do what the fault says. `answer` is what the bot would have heard of a delivered message."""
        self.ledger.settle_call(call, status=STATUS.get(fault), fault=fault)
        if fault is Fault.TOO_MANY:
            if chat_id is not None:
                self.ledger.change_chat(chat_id, quiet_until=time.time() + self.faults.retry_after)
            return error(too_many(self.faults.retry_after))
        if fault is Fault.SERVER_ERROR:
            return error(Refused(502, "Bad Gateway"))
        if fault is Fault.BAD_HTML:
            return web.Response(status=502, text="<html><h1>502 Bad Gateway</h1></html>", content_type="text/html")
        if fault is Fault.GARBLE:
            return web.Response(text=GARBLED[call % len(GARBLED)])
        if fault in {Fault.HANG, Fault.HANG_AFTER}:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.faults.hang_seconds):
                    await self._closing.wait()
        if fault is Fault.TRUNCATE:
            body = json.dumps(answer).encode()
            response = web.StreamResponse(headers={"Content-Length": str(len(body))})
            await response.prepare(request)
            await response.write(body[: len(body) // 2])
        if request.transport is not None:
            request.transport.abort() if fault is Fault.DROP else request.transport.close()
        return web.Response(status=499)

    async def _download(self, request: web.Request) -> web.Response:
        found = self.ledger.file(path=request.match_info["path"])
        if request.match_info["token"] != self.token or found is None:
            return error(Refused(404, "Not Found"))
        return web.Response(body=found["content"], content_type="application/octet-stream")

    def api_getMe(self, _params: Params, _fault: Fault | None) -> dict[str, Any]:
        return {**self._me(), "can_join_groups": True, "can_read_all_group_messages": False}

    def _me(self) -> dict[str, Any]:
        return {"id": int(self.token.split(":")[0]), "is_bot": True, "first_name": "Waymark", "username": USERNAME}

    async def api_getUpdates(self, params: Params, _fault: Fault | None) -> list[dict[str, Any]]:
        if self.ledger.setting("webhook"):
            raise Refused(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        self._remember_allowed(params)
        offset, limit = whole(params.get("offset")) or 0, whole(params.get("limit")) or 100
        timeout = min(float(whole(params.get("timeout")) or 0), LONGEST_POLL)
        self._poll += 1
        mine = self._poll
        self.tell()  # whoever waits in an older call learns that it is over
        if offset > 0:
            self.ledger.confirm_below(offset)
        elif offset < 0:
            self.ledger.confirm_all_but_last(-offset)
        self._waiting_polls += 1
        self.tell()
        try:
            await self.until(lambda: mine != self._poll or self.ledger.count_waiting() > 0, timeout)
        finally:
            self._waiting_polls -= 1
        if mine != self._poll:
            raise Refused(
                409,
                "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
            )
        rows = self.ledger.waiting_updates(max(1, min(limit, 100)))
        self.ledger.mark_given([row["position"] for row in rows])
        return [json.loads(row["body"]) for row in rows]

    def _remember_allowed(self, params: Params) -> None:
        if "allowed_updates" in params:
            allowed = params["allowed_updates"]
            self.ledger.set("allowed_updates", json.loads(allowed) if isinstance(allowed, str) else allowed)

    def api_setWebhook(self, params: Params, _fault: Fault | None) -> bool:
        url = str(params.get("url", ""))
        if not url:
            return self.api_deleteWebhook(params, None)
        if not url.startswith(("https://", "http://")):
            raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
        secret = str(params.get("secret_token", ""))
        if secret and not SECRET.fullmatch(secret):
            raise bad_request("secret token contains unallowed characters")
        self._remember_allowed(params)
        if params.get("drop_pending_updates") in {"true", True}:
            self.ledger.confirm_all_but_last(0)
        connections = max(1, min(whole(params.get("max_connections")) or 40, 100))
        self.ledger.set("webhook", {"url": url, "secret": secret, "connections": connections})
        self.ledger.set("webhook_error", None)
        self._tries.clear()
        self._poll += 1
        return True

    def api_deleteWebhook(self, params: Params, _fault: Fault | None) -> bool:
        if params.get("drop_pending_updates") in {"true", True}:
            self.ledger.confirm_all_but_last(0)
        self.ledger.set("webhook", None)
        return True

    def api_getWebhookInfo(self, _params: Params, _fault: Fault | None) -> dict[str, Any]:
        hook = self.ledger.setting("webhook") or {}
        info: dict[str, Any] = {
            "url": hook.get("url", ""),
            "has_custom_certificate": False,
            "pending_update_count": self.ledger.count_waiting(),
        }
        if hook:
            info["max_connections"] = hook["connections"]
        if allowed := self.ledger.setting("allowed_updates"):
            info["allowed_updates"] = allowed
        return {**info, **(self.ledger.setting("webhook_error") or {})}

    def api_sendMessage(self, params: Params, fault: Fault | None) -> dict[str, Any]:
        if params.get("parse_mode"):
            raise bad_request("can't parse entities: this peer reads plain text only")
        return self._deliver("sendMessage", params, {"text": checked_text(params.get("text"))}, fault)

    def api_sendLocation(self, params: Params, fault: Fault | None) -> dict[str, Any]:
        return self._deliver("sendLocation", params, {"location": checked_location(params)}, fault)

    def api_sendVenue(self, params: Params, fault: Fault | None) -> dict[str, Any]:
        location = checked_location(params)
        title, address = str(params.get("title", "")).strip(), str(params.get("address", "")).strip()
        if not title or not address:
            raise bad_request("venue title and address must be non-empty")
        venue = {"location": location, "title": title, "address": address}
        return self._deliver("sendVenue", params, {"venue": venue, "location": location}, fault)

    def api_sendPhoto(self, params: Params, fault: Fault | None) -> dict[str, Any]:
        return self._send_file("photo", params, fault)

    def api_sendDocument(self, params: Params, fault: Fault | None) -> dict[str, Any]:
        return self._send_file("document", params, fault)

    def api_sendVoice(self, params: Params, fault: Fault | None) -> dict[str, Any]:
        return self._send_file("voice", params, fault)

    def _send_file(self, kind: str, params: Params, fault: Fault | None) -> dict[str, Any]:
        content = params.get(kind)
        if isinstance(content, str) and content.startswith("attach://"):
            content = params.get(content.removeprefix("attach://"))
        if isinstance(content, bytes):
            if not content:
                raise bad_request("file must be non-empty")
            file_id, size = self.add_file(content, kind), len(content)
        else:
            known = self.ledger.file(file_id=str(content))
            if known is None:
                raise bad_request("wrong file identifier/HTTP URL specified")
            file_id, size = known["file_id"], len(known["content"])
        described: dict[str, Any] = {"file_id": file_id, "file_unique_id": file_id, "file_size": size}
        if kind == "photo":
            body: dict[str, Any] = {"photo": [{**described, "width": 320, "height": 320}]}
        else:
            body = {kind: {**described, "duration": 1} if kind == "voice" else described}
        caption = checked_text(params.get("caption", ""), longest=LONGEST_CAPTION, may_be_empty=True)
        return self._deliver(
            f"send{kind.title()}", params, {**body, **({"caption": caption} if caption else {})}, fault
        )

    def _deliver(self, method: str, params: Params, body: dict[str, Any], fault: Fault | None) -> dict[str, Any]:
        chat = self._open_chat(params)
        markup = checked_markup(params.get("reply_markup"))
        message = {"chat": chat, "from": self._me(), **body}
        if markup and "inline_keyboard" in markup:
            message["reply_markup"] = markup
        return self.ledger.deliver(chat["id"], method, message, fault)

    def _open_chat(self, params: Params) -> dict[str, Any]:
        chat_id = whole(params.get("chat_id"))
        chat = None if chat_id is None else self.ledger.chat(chat_id)
        if chat is None or chat_id is None:
            raise bad_request("chat not found")
        if chat["blocked"]:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        if chat["gone"]:
            raise Refused(403, "Forbidden: bot is not a member of the group chat")
        return {"id": chat_id, "type": "group", "title": "Road"} if chat["kind"] == "group" else person(chat_id, "Sam")

    def api_sendChatAction(self, params: Params, _fault: Fault | None) -> bool:
        chat = self._open_chat(params)
        if not params.get("action"):
            raise bad_request("wrong parameter action in request")
        self.actions.append((chat["id"], str(params["action"])))
        return True

    def _edited(self, params: Params) -> tuple[int, dict[str, Any]]:
        chat = self._open_chat(params)
        message_id = whole(params.get("message_id")) or 0
        message = self.ledger.message(chat["id"], message_id)
        if message is None:
            raise bad_request("message to edit not found")
        return message_id, message

    def _change(self, message_id: int, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
        if before == after:
            raise bad_request("message is not modified")
        after = {**after, "edit_date": int(time.time())}
        self.ledger.change_message(message_id, after)
        return after

    def api_editMessageText(self, params: Params, _fault: Fault | None) -> dict[str, Any]:
        message_id, before = self._edited(params)
        markup = checked_markup(params.get("reply_markup"))
        after = {key: value for key, value in before.items() if key != "reply_markup"}
        after["text"] = checked_text(params.get("text"))
        return self._change(message_id, before, {**after, **({"reply_markup": markup} if markup else {})})

    def api_editMessageReplyMarkup(self, params: Params, _fault: Fault | None) -> dict[str, Any]:
        message_id, before = self._edited(params)
        markup = checked_markup(params.get("reply_markup"))
        after = {key: value for key, value in before.items() if key != "reply_markup"}
        return self._change(message_id, before, {**after, **({"reply_markup": markup} if markup else {})})

    def api_deleteMessage(self, params: Params, _fault: Fault | None) -> bool:
        message_id, _message = self._edited(params)
        self.ledger.mark_message(message_id, deleted=True)
        return True

    def api_setMessageReaction(self, params: Params, _fault: Fault | None) -> bool:
        self._open_chat(params)
        self.ledger.mark_message(whole(params.get("message_id")) or 0, reaction=str(params.get("reaction", "")))
        return True

    def api_answerCallbackQuery(self, params: Params, _fault: Fault | None) -> bool:
        if not self.ledger.answer_tap(str(params.get("callback_query_id", ""))):
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        return True

    def api_leaveChat(self, params: Params, _fault: Fault | None) -> bool:
        chat = self._open_chat(params)
        if chat["type"] == "private":
            raise bad_request("chat member status can't be changed in private chats")
        self.ledger.change_chat(chat["id"], gone=1)
        return True

    def api_getFile(self, params: Params, _fault: Fault | None) -> dict[str, Any]:
        found = self.ledger.file(file_id=str(params.get("file_id", "")))
        if found is None:
            raise bad_request("wrong file_id or the file is temporarily unavailable")
        size = len(found["content"])
        return {
            "file_id": found["file_id"],
            "file_unique_id": found["file_id"],
            "file_size": size,
            "file_path": found["path"],
        }

    def api_setMyCommands(self, params: Params, _fault: Fault | None) -> bool:
        self.ledger.set("commands", json.loads(params.get("commands") or "[]"))
        return True

    def api_getMyCommands(self, _params: Params, _fault: Fault | None) -> Any:
        return self.ledger.setting("commands", [])

    # webhooks

    async def _webhooks(self, _app: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._webhook_timeout)) as session:
            task = asyncio.create_task(self._deliver_updates(session))
            yield
            for running in (task, *self._posts):
                running.cancel()
            await asyncio.gather(task, *self._posts, return_exceptions=True)

    async def _deliver_updates(self, session: aiohttp.ClientSession) -> None:
        while not self._closing.is_set():
            news = self._news
            wait = self._start_posts(session)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await news.wait()

    def _start_posts(self, session: aiohttp.ClientSession) -> float | None:
        """Post the oldest waiting update of every chat that is due. Returns when to look again."""
        hook = self.ledger.setting("webhook")
        if not hook:
            return None
        seen: set[int | None] = set()
        now, next_look = time.monotonic(), None
        for row in self.ledger.waiting_updates(500):
            chat_id = row["chat_id"]
            if chat_id in self._in_flight or chat_id in seen:
                continue
            seen.add(chat_id)
            due = self._tries.get(row["position"], (0, 0.0))[1]
            if due > now:
                next_look = min(due - now, next_look or due - now)
            elif len(self._in_flight) < hook["connections"]:
                self._in_flight.add(chat_id)
                task = asyncio.create_task(self._post(session, hook, row["position"], chat_id, row["body"]))
                self._posts.add(task)
                task.add_done_callback(self._posts.discard)
        return next_look

    async def _post(
        self, session: aiohttp.ClientSession, hook: dict[str, Any], position: int, chat_id: int | None, body: str
    ) -> None:
        headers = {"Content-Type": "application/json"}
        if hook["secret"]:
            headers["X-Telegram-Bot-Api-Secret-Token"] = hook["secret"]
        self.ledger.mark_given([position])
        problem = ""
        try:
            async with session.post(hook["url"], data=body.encode(), headers=headers, allow_redirects=False) as answer:
                if not 200 <= answer.status < 300:
                    problem = f"Wrong response from the webhook: {answer.status} {answer.reason}"
        except (aiohttp.ClientError, TimeoutError):
            problem = "Connection failed"
        if problem:
            tries = self._tries.get(position, (0, 0.0))[0] + 1
            self._tries[position] = (tries, time.monotonic() + min(60.0, self._retry_seconds * 2 ** (tries - 1)))
            self.ledger.set("webhook_error", {"last_error_date": int(time.time()), "last_error_message": problem})
        else:
            self._tries.pop(position, None)
            self.ledger.confirm(position)
        self._in_flight.discard(chat_id)
        self.tell()


def person(chat_id: int | None, name: str) -> dict[str, Any]:
    return {"id": chat_id, "type": "private", "first_name": name}


def whole(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


def checked_location(params: Params) -> dict[str, float]:
    try:
        latitude, longitude = float(params["latitude"]), float(params["longitude"])
    except (KeyError, ValueError):
        raise bad_request("latitude and longitude must be numbers") from None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise bad_request("wrong location")
    return {"latitude": latitude, "longitude": longitude}


def too_many(seconds: float) -> Refused:
    whole_seconds = max(1, math.ceil(seconds))
    return Refused(429, f"Too Many Requests: retry after {whole_seconds}", {"retry_after": whole_seconds})


def error(refused: Refused) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": refused.code, "description": refused.description}
    if refused.parameters:
        body["parameters"] = refused.parameters
    return web.json_response(body, status=refused.code)


async def read_params(request: web.Request) -> Params:
    """Parameters from the query, a form, a multipart form with files, or JSON, as the real server takes them."""
    params: Params = dict(request.query)
    if request.content_type == "application/json":
        body = await request.json()
        return {**params, **body} if isinstance(body, dict) else params
    for key, value in (await request.post()).items():
        params[key] = value.file.read() if isinstance(value, web.FileField) else value
    return params


@contextlib.asynccontextmanager
async def running_telegram(ledger: Path, *, port: int = 0, **options: Any) -> AsyncIterator[FakeTelegram]:
    """The server on loopback, inside this process, for one test. `url` is what WAYMARK_TELEGRAM_API_URL wants."""
    book = Ledger(ledger)
    telegram = FakeTelegram(book, **options)
    runner = web.AppRunner(telegram.app(), shutdown_timeout=0.2, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        telegram.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield telegram
    finally:
        await runner.cleanup()
        book.close()
