"""Held adults whom the words of a request name: a hold is not gone round by writing a name where nobody was chosen.

Where the words say with whom, or to whom, the child goes, a sure name blocks. A likely one, and any name inside a text,
stops the request until two people have said of it that the child does not go with this adult: a text may warn of him,
and another may bear his name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from bot.cases.model import Case
from bot.cases.names import Alike, compare, mentioned
from bot.exchange.holds import claimants, dossier_access, free_to_move
from bot.exchange.holds.model import HeldByName, HeldLikely
from bot.exchange.requests.attachments import store as files
from bot.exchange.requests.attachments.model import State
from bot.exchange.requests.naming import store
from bot.exchange.requests.types import FIELDS, Input, RequestType
from bot.kernel.crypto import DataKey, Vault

#: The names of the child and of the parents: nobody goes with them by being named there.
_OF_THE_FAMILY = frozenset({"names", "parents", "birth"})
DECISION = "decision"
#: Beside the fields: what our files are said to show. What a file was called on a disk never leaves.
TITLES = "titles"


def named(
    tx: Connection, vault: Vault, case: Case, type_: RequestType, body: Mapping[str, Any], *, chosen: str | None
) -> dict[str, tuple[Alike, tuple[str, ...]]]:
    """The adults of a case with whom its child may not be moved and whom the words of a request name: how surely, and
    in which fields. By dossier. Nobody, for a request that sends the child nowhere.

    `chosen` is the adult whom `holds.require_free_to_move` let pass: they may bear the name of another.
    """
    if not type_.who_takes_child:
        return {}
    blocked, adults = free_to_move.may_not_move(tx, case.id), claimants.adults_of(tx, vault, case)
    free = [adult.name for adult in adults if adult.dossier.id == chosen and chosen not in blocked]
    found: dict[str, tuple[Alike, tuple[str, ...]]] = {}
    for adult in adults:
        if adult.dossier.id not in blocked or not adult.name:
            continue
        likes: dict[str, Alike] = {
            key: how
            for key, words in _words_of(type_, body).items()
            if (how := _how(type_, key, words, adult.name, free)) is not Alike.NO
        }
        if Alike.SURE in likes.values() and not type_.moves_child:
            likes = _of_namesakes(tx, vault, case, adult.dossier.id, likes, _words_of(type_, body))
        if likes:
            found[adult.dossier.id] = (max(likes.values()), tuple(likes))
    return found


def _how(type_: RequestType, key: str, words: str, name: str, free: list[str]) -> Alike:
    if key not in type_.who_takes_child:
        return mentioned(words, name)
    if any(compare(words, other) is Alike.SURE for other in free):
        return Alike.NO
    return compare(words, name)


def _of_namesakes(
    tx: Connection, vault: Vault, case: Case, dossier_id: str, likes: Mapping[str, Alike], words: Mapping[str, str]
) -> dict[str, Alike]:
    """A guardian is named and never chosen: no dossier is opened on a guardian. Where two bodies say that this name is
    another person's, it is likely and no more, and two people still say why the child does not go with the adult."""
    key = dossier_access.key_of_case(tx, vault, case)
    return {
        field: Alike.LIKELY if how is Alike.SURE and free_to_move.is_another(tx, key, dossier_id, words[field]) else how
        for field, how in likes.items()
    }


def _words_of(type_: RequestType, body: Mapping[str, Any]) -> dict[str, str]:
    fields = body.get("fields", {})
    told = {
        key: str(fields[key])
        for key in (*type_.tells, *type_.may_tell)
        if fields.get(key) and key not in _OF_THE_FAMILY and FIELDS[key].input in (Input.LINE, Input.WORDS)
    }
    decision = f"{body.get(DECISION, '')} {body.get('decision_translated', '')}"
    return {**told, DECISION: decision, TITLES: "\n".join(body.get(TITLES, ()))}


def with_titles(tx: Connection, key: DataKey, request_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """What a request says, with the titles of the files of ours that go or went with it."""
    ours = (file for file in files.of_request(tx, key, request_id) if file.ours and file.state is not State.GONE)
    return {**body, TITLES: [file.title for file in ours if file.title]}


def require_nobody_surely_named(
    tx: Connection, vault: Vault, case: Case, type_: RequestType, body: Mapping[str, Any], *, chosen: str | None
) -> None:
    """Raises HeldByName: before a draft is kept."""
    for how, _ in named(tx, vault, case, type_, body, chosen=chosen).values():
        if how is Alike.SURE:
            raise HeldByName(case.id)


def require_nobody_named(
    tx: Connection,
    vault: Vault,
    case: Case,
    request_id: str,
    type_: RequestType,
    body: Mapping[str, Any],
    *,
    chosen: str | None,
) -> None:
    """Raises HeldByName, and HeldLikely while two people have not said of each who is likely named that the child does
    not go with them."""
    found = named(tx, vault, case, type_, body, chosen=chosen)
    if any(how is Alike.SURE for how, _ in found.values()):
        raise HeldByName(case.id)
    said = store.said_of(tx, request_id)
    if any(dossier_id not in said or said[dossier_id].second_id is None for dossier_id in found):
        raise HeldLikely(case.id)


def is_anybody_mentioned(tx: Connection, vault: Vault, case: Case, type_: RequestType, *texts: str) -> bool:
    """Whether words beside a request that ends with the child going to, or with, somebody may name such an adult."""
    if not type_.who_takes_child:
        return False
    names = free_to_move.ClaimingAdults().in_doubt(tx, vault, case)
    return any(mentioned(text, name) is not Alike.NO for text in texts for name in names)
