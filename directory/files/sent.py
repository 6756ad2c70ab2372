"""A file that somebody sent to the desk: kept in the database, looked through, then taken in or put away.

It waits in the database and not on a disk, so that any server may go on with it.
"""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy.engine import Connection

from directory import store
from directory.files import spreadsheet
from directory.files.commands import GIVEN_UP_AFTER, check_rows, kept_mapping, take_rows
from directory.files.importing import Became, ImportReport, Outcome
from directory.files.letters import as_utf_8
from directory.files.opening import Format, format_of, open_rows, sheets_not_read, titles_in
from directory.files.unreadable import UnreadableFile
from directory.store import Import, ImportState, Transactions
from directory.words import Kept, because, keep_reason, reason_of

#: What can be sent through a browser; the command takes more.
MOST_BYTES: Final = 16 * 1024 * 1024
#: So many rows of each kind are told of one by one.
MOST_TOLD: Final = 100
#: A file that nobody goes on with is forgotten after so long.
FORGOTTEN_AFTER: Final = timedelta(days=1)

#: What is said of a file when looking through it failed through no fault of the file.
BROKE_OFF: Final = because("looking through it broke off; try again")

WAITING = (ImportState.SENT, ImportState.CHECKED)


class Telling:
    """Listens to what becomes of the rows, and keeps what an editor wants to see of it."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._rows: list[tuple[Kept, str, str, list[Kept]]] = []

    def __call__(self, outcome: Outcome) -> None:
        became = outcome.became.value
        self._counts[became] += 1
        if outcome.became is not Became.SAME and self._counts[became] <= MOST_TOLD:
            whys = [keep_reason(why) for why in outcome.whys]
            self._rows.append((keep_reason(outcome.where), became, outcome.name, whys))

    def told(self) -> dict[str, Any]:
        return {**{one.value: self._counts[one.value] for one in Became}, "rows": self._rows}


async def keep_file(
    database: Transactions, content: bytes, *, name: str, by: str, at: datetime, letters: str | None = None
) -> str:
    """Keep a file that was sent. Returns the id of its import. Raises UnreadableFile where it is of no known kind.

    A flat table is kept in UTF-8. Lines that are not in it are read in `letters`: whoever looks at the rows sees
    whether these were the right ones.
    """
    if not content:
        raise UnreadableFile(because("no file was chosen, or it is empty"))
    content = await asyncio.to_thread(_in_utf8, content, letters)
    with _on_disk(content) as path:
        titles = await asyncio.to_thread(titles_in, path)
    import_id = str(uuid.uuid4())

    def keep(tx: Connection) -> None:
        store.add_import(tx, import_id, name=name, by=by, at=at, state=ImportState.SENT)
        store.put_pieces(tx, import_id, content)
        if titles is not None:
            guessed = kept_mapping(tx, titles, {})
            columns = {title: guessed.get(title, spreadsheet.NOT_READ) for title in titles if title}
            store.move_import(tx, import_id, before=WAITING, state=ImportState.SENT, at=at, columns=columns)

    await database.write(keep)
    return import_id


async def begin_check(
    database: Transactions, import_id: str, *, columns: Mapping[str, str] | None, at: datetime
) -> bool:
    """Claim a file for `check_file`. False when it is not waiting: another has it, or it is over.

    One that was being looked through when its server died is taken up again.
    """

    def begin(tx: Connection) -> bool:
        also = {} if columns is None else {"columns": dict(columns)}
        dead = store.silent_imports(tx, [ImportState.CHECKING], since=at - GIVEN_UP_AFTER)
        before = [*WAITING, ImportState.CHECKING] if import_id in dead else WAITING
        return store.move_import(tx, import_id, before=before, state=ImportState.CHECKING, at=at, told=None, **also)

    return await database.write(begin)


async def check_file(database: Transactions, import_id: str) -> None:
    """Look through a file that `begin_check` claimed, and keep what would become of its rows."""
    sent, telling = await _sent(database, import_id), Telling()
    told: dict[str, Any]
    state = ImportState.CHECKED
    try:
        with _on_disk(await database.read(partial(store.get_pieces, import_id=import_id))) as path:
            left = await asyncio.to_thread(sheets_not_read, path)
            await check_rows(database, open_rows(path, mapping=sent.columns), listener=telling)
        told = {**telling.told(), "left": left}
    except UnreadableFile as error:
        told, state = {"unreadable": keep_reason(reason_of(error))}, ImportState.SENT
    except BaseException:  # a fault of ours: nobody waits for a look that has ended
        await _move(database, import_id, ImportState.CHECKING, ImportState.SENT, {"unreadable": keep_reason(BROKE_OFF)})
        raise
    await _move(database, import_id, ImportState.CHECKING, state, told)


async def begin_take(database: Transactions, import_id: str, *, at: datetime) -> bool:
    """Claim a checked file, of which no row was rejected, for `take_file`. False when it is none."""

    def begin(tx: Connection) -> bool:
        sent = store.get_import(tx, import_id)
        if sent is None or not sent.told or sent.told.get("rejected", 1):
            return False
        return store.move_import(tx, import_id, before=[ImportState.CHECKED], state=ImportState.TAKING, at=at, taken=0)

    return await database.write(begin)


async def take_file(database: Transactions, import_id: str, *, by: str) -> ImportReport:
    """Take in a file that `begin_take` claimed: wholly, or nothing of it. Its columns are known the next time."""
    sent, at = await _sent(database, import_id), datetime.now(UTC)
    checked = ImportReport(**{one.value: (sent.told or {}).get(one.value, 0) for one in Became})
    with _on_disk(await database.read(partial(store.get_pieces, import_id=import_id))) as path:
        rows = open_rows(path, mapping=sent.columns)
        report = await take_rows(database, rows, checked, import_id=import_id, by=by, at=at)
    if report.rejected:
        rejections = report.rejections[:MOST_TOLD]
        told = {
            **(sent.told or {}),
            "refused": [{"where": keep_reason(where), "why": keep_reason(why)} for where, why in rejections],
        }
        await _move(database, import_id, ImportState.REFUSED, ImportState.REFUSED, told)
    elif sent.columns is not None:
        await database.write(partial(_keep_columns, columns=sent.columns, by=by, at=at))
    return report


async def put_away(database: Transactions, import_id: str) -> bool:
    """Forget a file that waits, or one that is over. False while something is done with it."""
    idle = (*WAITING, ImportState.DONE, ImportState.REFUSED)

    def forget(tx: Connection) -> bool:
        sent = store.get_import(tx, import_id)
        if sent is None or sent.state not in idle:
            return False
        store.delete_import(tx, import_id)
        return True

    return await database.write(forget)


async def forget_waiting(database: Transactions, *, at: datetime) -> None:
    """Put away the files that nobody goes on with."""
    states = (*WAITING, ImportState.CHECKING)
    for import_id in await database.read(partial(store.silent_imports, states=states, since=at - FORGOTTEN_AFTER)):
        await database.write(partial(store.delete_import, import_id=import_id))


async def _sent(database: Transactions, import_id: str) -> Import:
    sent = await database.read(partial(store.get_import, import_id=import_id))
    if sent is None:
        raise KeyError(import_id)
    return sent


async def _move(
    database: Transactions, import_id: str, before: ImportState, state: ImportState, told: Mapping[str, Any]
) -> None:
    at = datetime.now(UTC)
    await database.write(
        lambda tx: store.move_import(tx, import_id, before=[before], state=state, at=at, told=dict(told))
    )


def _keep_columns(tx: Connection, columns: Mapping[str, str], by: str, at: datetime) -> None:
    titles = list(columns)
    store.put_mapping(tx, spreadsheet.mapping_id(titles), titles=titles, mapping=columns, by=by, at=at)


def _in_utf8(content: bytes, letters: str | None) -> bytes:
    with _on_disk(content) as path:
        return as_utf_8(path, letters) if format_of(path) is Format.CSV else content


@contextmanager
def _on_disk(content: bytes) -> Iterator[Path]:
    """Its readers want a path: some seek, and none reads all of it into memory. Only we can read the file."""
    with tempfile.NamedTemporaryFile(prefix="waymark-import-") as file:
        file.write(content)
        file.flush()
        yield Path(file.name)
