"""Primero files from the command line, with the rights of an officer and in the audit log under their name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sqlalchemy.engine import Connection

from bot.cases import store as case_store
from bot.cases.hand import Hand
from bot.cases.intake import AlreadyOpen
from bot.cases.model import CaseError, MayBeFeared
from bot.cases.primero import service
from bot.cases.primero.model import LONGEST_FILE, CannotRead, map_of
from bot.exchange.requests.kept_from import KeptFrom
from bot.foreground import CannotDo
from bot.kernel.clock import SystemClock
from bot.kernel.crypto import Vault
from bot.kernel.officers import find_officer
from bot.kernel.settings import Settings
from bot.kernel.words import Words
from bot.upkeep.installation import installation

READ_ERRORS = {
    "too_large": "it is larger than 1 MB",
    "no_json": "it is no JSON",
    "how_many": "it holds no record, or more than 20",
    "no_cases": "what is in it are no cases",
}


def _hand(tx: Connection, vault: Vault, sign_in_name: str) -> Hand:
    officer = find_officer(tx, sign_in_name)
    if officer is None or not officer.active:
        raise CannotDo(f"nobody signs in as {sign_in_name}; `user list` shows who does")
    return Hand(officer, vault, Words.load(), SystemClock().now())


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """A file that only its owner reads. It is taken away again where nothing comes into it. Raises CannotDo."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CannotDo(f"{path} cannot be written ({error.strerror}); nothing is overwritten") from None
    try:
        with os.fdopen(handle, "wb") as target:
            yield target
    except BaseException:
        path.unlink()
        raise


def _content(path: Path) -> bytes:
    with path.open("rb") as source:
        return source.read(LONGEST_FILE + 1)


async def write_file(settings: Settings, number: str, file: Path, sign_in_name: str) -> str:
    """Write a case as a Primero file, on the one consent there is for it. Raises CannotDo."""
    fields = map_of(settings.data_dir)
    async with installation(settings) as (database, vault):

        def work(tx: Connection) -> service.Written:
            hand = _hand(tx, vault, sign_in_name)
            case_id = case_store.id_of_number(tx, number.strip().upper()) or number.strip()
            return service.hand_over(
                tx,
                hand,
                case_id,
                None,
                fields=fields,
                own_country=settings.country,
                adults=KeptFrom(settings.country),
            )

        try:
            with _new_file(file) as target:  # made first: what stands in the ledger as given must not be lost
                made = await database.write(work)
                target.write(made.content)
        except service.NoConsent:
            raise CannotDo("there is no consent in force to hand this case over; record it at the desk") from None
        except MayBeFeared:
            raise CannotDo("they may belong to a country the child fears; ask by a request across borders") from None
        except CaseError:
            raise CannotDo(f"{sign_in_name} does not hold a case {number} that can be handed over") from None
    left = f" Not sent: {', '.join(made.left_out)}." if made.left_out else ""
    return f"{file}: {', '.join(made.items)}.{left}"


async def take_in(settings: Settings, file: Path, sign_in_name: str, *, another_person: bool) -> str:
    """Open a case for each record of a Primero file, or none. Raises CannotDo."""
    fields, content = map_of(settings.data_dir), _content(file)
    async with installation(settings) as (database, vault):
        try:
            cases = await database.write(
                lambda tx: service.bring(
                    tx, _hand(tx, vault, sign_in_name), content, fields=fields, another_person=another_person
                )
            )
        except CannotRead as error:
            raise CannotDo(f"{file} cannot be taken in: {READ_ERRORS[error.code]}") from None
        except AlreadyOpen as error:
            raise CannotDo(
                f"case {error} may be about the same person; look at it, and if it is another, add --another-person"
            ) from None
        except CaseError:
            raise CannotDo(f"{sign_in_name} may not open cases") from None
    return f"In the queue: {', '.join(case.number for case in cases)}. Somebody has to look at what came."
