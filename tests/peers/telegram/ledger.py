"""What the fake Telegram remembers, in a SQLite file: it survives `kill -9` of the bot and of the fake itself."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS updates(
    position INTEGER PRIMARY KEY AUTOINCREMENT, update_id INTEGER NOT NULL, kind TEXT NOT NULL, chat_id INTEGER,
    body TEXT NOT NULL, made_at REAL NOT NULL, given INTEGER NOT NULL DEFAULT 0, confirmed_at REAL);
CREATE INDEX IF NOT EXISTS waiting ON updates(update_id) WHERE confirmed_at IS NULL;
CREATE TABLE IF NOT EXISTS calls(
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, method TEXT NOT NULL, chat_id INTEGER,
    params TEXT NOT NULL, status INTEGER, fault TEXT, too_early INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS messages(
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, message_id INTEGER NOT NULL UNIQUE,
    chat_id INTEGER NOT NULL, method TEXT NOT NULL, body TEXT NOT NULL, fault TEXT, edits INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0, reaction TEXT);
CREATE INDEX IF NOT EXISTS by_chat ON messages(chat_id, seq);
CREATE TABLE IF NOT EXISTS taps(id TEXT PRIMARY KEY, chat_id INTEGER NOT NULL, answered INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS chats(
    chat_id INTEGER PRIMARY KEY, kind TEXT NOT NULL DEFAULT 'private', blocked INTEGER NOT NULL DEFAULT 0,
    gone INTEGER NOT NULL DEFAULT 0, quiet_until REAL NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS files(file_id TEXT PRIMARY KEY, path TEXT NOT NULL UNIQUE, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS settings(name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
FIRST_UPDATE_ID = 712_000_001
FIRST_MESSAGE_ID = 101
KEPT_SECONDS = 24 * 3600  # Telegram forgets updates that nobody fetched for a day


class Ledger:
    """Every method is one committed transaction. The file may be read by others while the server runs."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        # Written to the operating system at each commit: enough to survive a killed process.
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        self._db.close()

    # settings and counters

    def setting(self, name: str, default: Any = None) -> Any:
        row = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return default if row is None else json.loads(row["value"])

    def set(self, name: str, value: Any) -> None:
        self._db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, json.dumps(value)))

    def _next(self, counter: str, first: int) -> int:
        value = int(self.setting(counter, first))
        self.set(counter, value + 1)
        return value

    def next_message_id(self) -> int:
        return self._next("next_message_id", FIRST_MESSAGE_ID)

    def continue_update_ids_at(self, update_id: int) -> None:
        """Jump ahead, or start again lower: after a quiet week Telegram picks the next id at random."""
        self.set("next_update_id", update_id)

    # updates

    def add_update(self, kind: str, chat_id: int | None, content: dict[str, Any]) -> int:
        self._db.execute("BEGIN IMMEDIATE")
        update_id = content.get("update_id") or self._next("next_update_id", FIRST_UPDATE_ID)
        body = json.dumps({"update_id": update_id, **content}, ensure_ascii=False)
        self._db.execute(
            "INSERT INTO updates(update_id, kind, chat_id, body, made_at) VALUES (?, ?, ?, ?, ?)",
            (update_id, kind, chat_id, body, time.time()),
        )
        self._db.execute("COMMIT")
        return int(update_id)

    def waiting_updates(self, limit: int = 100) -> list[sqlite3.Row]:
        """Not confirmed yet, oldest id first."""
        return self._db.execute(
            "SELECT * FROM updates WHERE confirmed_at IS NULL AND made_at > ? ORDER BY update_id LIMIT ?",
            (time.time() - KEPT_SECONDS, limit),
        ).fetchall()

    def count_waiting(self) -> int:
        row = self._db.execute("SELECT count(*) AS n FROM updates WHERE confirmed_at IS NULL").fetchone()
        return int(row["n"])

    def mark_given(self, positions: list[int]) -> None:
        self._db.executemany("UPDATE updates SET given = given + 1 WHERE position = ?", [(p,) for p in positions])

    def confirm_below(self, update_id: int) -> None:
        self._db.execute(
            "UPDATE updates SET confirmed_at = ? WHERE confirmed_at IS NULL AND update_id < ?", (time.time(), update_id)
        )

    def confirm_all_but_last(self, kept: int) -> None:
        self._db.execute(
            "UPDATE updates SET confirmed_at = ? WHERE confirmed_at IS NULL AND position NOT IN "
            "(SELECT position FROM updates WHERE confirmed_at IS NULL ORDER BY update_id DESC LIMIT ?)",
            (time.time(), kept),
        )

    def confirm(self, position: int) -> None:
        self._db.execute("UPDATE updates SET confirmed_at = ? WHERE position = ?", (time.time(), position))

    def all_updates(self) -> list[dict[str, Any]]:
        return [dict(row) for row in self._db.execute("SELECT * FROM updates ORDER BY position")]

    # chats

    def meet(self, chat_id: int, kind: str = "private") -> None:
        """The person opened the chat, or the bot was added to the group."""
        self._db.execute("INSERT INTO chats(chat_id, kind) VALUES (?, ?) ON CONFLICT DO NOTHING", (chat_id, kind))

    def chat(self, chat_id: int) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute("SELECT * FROM chats WHERE chat_id = ?", (chat_id,)).fetchone()
        return row

    def change_chat(self, chat_id: int, **values: Any) -> None:
        for name, value in values.items():
            self._db.execute(f"UPDATE chats SET {name} = ? WHERE chat_id = ?", (value, chat_id))

    # what the bot did

    def record_call(self, method: str, chat_id: int | None, params: dict[str, Any]) -> int:
        cursor = self._db.execute(
            "INSERT INTO calls(at, method, chat_id, params) VALUES (?, ?, ?, ?)",
            (time.time(), method, chat_id, json.dumps(params, ensure_ascii=False)),
        )
        return int(cursor.lastrowid or 0)

    def settle_call(self, seq: int, *, status: int | None, fault: str | None, too_early: bool = False) -> None:
        self._db.execute(
            "UPDATE calls SET status = ?, fault = ?, too_early = ? WHERE seq = ?", (status, fault, too_early, seq)
        )

    def calls(self, method: str | None = None) -> list[dict[str, Any]]:
        rows = self._db.execute("SELECT * FROM calls WHERE ? IS NULL OR method = ? ORDER BY seq", (method, method))
        return [{**dict(row), "params": json.loads(row["params"])} for row in rows]

    def deliver(self, chat_id: int, method: str, body: dict[str, Any], fault: str | None) -> dict[str, Any]:
        """The message is with the person from here on, whatever becomes of the answer."""
        self._db.execute("BEGIN IMMEDIATE")
        message_id = self.next_message_id()
        message = {"message_id": message_id, "date": int(time.time()), **body}
        self._db.execute(
            "INSERT INTO messages(at, message_id, chat_id, method, body, fault) VALUES (?, ?, ?, ?, ?, ?)",
            (time.time(), message_id, chat_id, method, json.dumps(message, ensure_ascii=False), fault),
        )
        self._db.execute("COMMIT")
        return message

    def message(self, chat_id: int, message_id: int) -> dict[str, Any] | None:
        row = self._db.execute(
            "SELECT body FROM messages WHERE chat_id = ? AND message_id = ? AND NOT deleted", (chat_id, message_id)
        ).fetchone()
        return None if row is None else dict(json.loads(row["body"]))

    def change_message(self, message_id: int, body: dict[str, Any]) -> None:
        self._db.execute(
            "UPDATE messages SET body = ?, edits = edits + 1 WHERE message_id = ?",
            (json.dumps(body, ensure_ascii=False), message_id),
        )

    def mark_message(self, message_id: int, *, deleted: bool = False, reaction: str | None = None) -> None:
        self._db.execute(
            "UPDATE messages SET deleted = deleted OR ?, reaction = coalesce(?, reaction) WHERE message_id = ?",
            (deleted, reaction, message_id),
        )

    def sent(self, chat_id: int | None = None, after: int = 0) -> list[dict[str, Any]]:
        """Delivered messages in order, each with the fault that hid its delivery from the bot, if one did."""
        rows = self._db.execute(
            "SELECT * FROM messages WHERE seq > ? AND (? IS NULL OR chat_id = ?) ORDER BY seq",
            (after, chat_id, chat_id),
        )
        found = []
        for row in rows:
            body = json.loads(row["body"])
            found.append({**dict(row), "body": body, "text": body.get("text") or body.get("caption") or ""})
        return found

    def count_sent(self, chat_id: int | None) -> int:
        row = self._db.execute(
            "SELECT count(*) AS n FROM messages WHERE ? IS NULL OR chat_id = ?", (chat_id, chat_id)
        ).fetchone()
        return int(row["n"])

    def add_tap(self, tap_id: str, chat_id: int) -> None:
        self._db.execute("INSERT INTO taps(id, chat_id) VALUES (?, ?)", (tap_id, chat_id))

    def answer_tap(self, tap_id: str) -> bool:
        """False when there is no such tap."""
        return self._db.execute("UPDATE taps SET answered = answered + 1 WHERE id = ?", (tap_id,)).rowcount == 1

    def taps(self) -> list[dict[str, Any]]:
        return [dict(row) for row in self._db.execute("SELECT * FROM taps ORDER BY rowid")]

    def add_file(self, file_id: str, path: str, content: bytes) -> None:
        self._db.execute("INSERT INTO files VALUES (?, ?, ?)", (file_id, path, content))

    def file(self, *, file_id: str = "", path: str = "") -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute(
            "SELECT * FROM files WHERE file_id = ? OR path = ?", (file_id, path)
        ).fetchone()
        return row
