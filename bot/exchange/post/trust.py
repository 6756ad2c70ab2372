"""What we say to partners about keys: a new one of ours, and one of another partner's that we trust no more.

None of these letters is about a child: they pass no gate, and the desk may ask for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.engine import Connection

from bot.exchange.partners import service as partner_service
from bot.exchange.partners import store as partners
from bot.exchange.partners.keys import Identity, fingerprint, same_fingerprint, write_card
from bot.exchange.partners.store import Doubt
from bot.exchange.post.model import KEY_CARD, KEY_DOUBTED, KEY_REVOKED
from bot.exchange.post.service import known_partner, write_own
from bot.kernel.crypto import Vault


def announce_key(tx: Connection, vault: Vault, identity: Identity, *, by: str, at: datetime) -> int:
    """A new pair of ours, and a letter about it to every partner whose channel is open. Returns how many letters.

    Those letters are signed with the pair before, which every partner goes on believing until it has the new one.
    """
    earlier = partner_service.current_own_key(tx, vault, at)
    pair = partner_service.rotate_own_key(tx, vault, by=by, at=at)
    card = {"kid": pair.kid, "card": write_card(pair, identity)}
    told = 0
    for partner in partners.everyone(tx, vault):
        if partner.our_kid is None:
            partners.set_our_kid(tx, partner.id, earlier.kid)
        if partner.why_closed(at) is None:
            write_own(tx, vault, partner, KEY_CARD, card, in_reply_to=None, actor=by, at=at)
            told += 1
    return told


def revoke(tx: Connection, vault: Vault, partner_id: str, kid: str | None, *, by: str, at: datetime) -> tuple[int, int]:
    """Trust a key of a partner no more, or none of its keys where `kid` is None, and say so to every other partner
    whose channel is open: who of them exchanges with it, we cannot know. Returns how many keys, and how many were told.

    It is our word and no more: there, two admins decide.
    """
    partner = known_partner(tx, vault, partner_id)
    gone, ended = partner_service.revoke_keys(tx, vault, partner_id, kid, by=by, at=at)
    _say_it_is_over(tx, vault, ended, actor=by, at=at)
    told = 0
    for other in partners.everyone(tx, vault):
        if gone and partner.deployment and other.id != partner_id and other.why_closed(at) is None:
            body = {"deployment": partner.deployment, "keys": gone}
            write_own(tx, vault, other, KEY_REVOKED, body, in_reply_to=None, actor=by, at=at)
            told += 1
    return len(gone), told


def close(tx: Connection, vault: Vault, partner_id: str, *, by: str, at: datetime) -> None:
    """Nothing passes any more to a partner or from it. Its word on the keys of others counts no more either: who was
    told that we send nothing because of it hears that this is over."""
    ended = partner_service.close_partner(tx, vault, partner_id, by=by, at=at)
    _say_it_is_over(tx, vault, ended, actor=by, at=at)


def sign(tx: Connection, vault: Vault, partner_id: str, *, heard: str, officer_id: str, at: datetime) -> int:
    """An admin has called a partner and compared: its contact where it has no keys, a key in doubt, or a new one.
    Returns how many more admins are needed. What was heard says which key is meant: one in doubt stops no other.

    The caller has proven that the officer is who it says. Raises CannotSign.
    """
    partner, named = known_partner(tx, vault, partner_id), {"heard": heard, "officer_id": officer_id}
    if partner.by_link:
        return partner_service.sign_contact(tx, vault, partner_id, **named, at=at)
    sound = [each for each in partner.keys if not each.doubted]
    heard_sound = any(same_fingerprint(heard, fingerprint(each.sign_public, each.seal_public)) for each in sound)
    if len(sound) < len(partner.keys) and not heard_sound:
        return keep_doubted(tx, vault, partner_id, **named, at=at)
    missing = partner_service.sign_key(tx, vault, partner_id, **named, at=at)[1]
    doubted = partners.ever_doubted(tx, partner_id)
    if doubted and not missing:  # whatever became of the one before, there is a key to seal for
        _say_settled(tx, vault, partner_id, doubted, actor=officer_id, at=at)
    return missing


def keep_doubted(tx: Connection, vault: Vault, partner_id: str, *, heard: str, officer_id: str, at: datetime) -> int:
    """An admin has called a partner one of whose keys another one calls revoked, and trusts it on. Returns how many
    more admins are needed; with the last the partner hears that it is settled. Raises CannotSign."""
    named = {"heard": heard, "officer_id": officer_id}
    missing = partner_service.keep_doubted(tx, vault, partner_id, **named, at=at)
    if not missing:
        _say_settled(tx, vault, partner_id, (), actor=officer_id, at=at)
    return missing


def _say_it_is_over(tx: Connection, vault: Vault, ended: Iterable[Doubt], *, actor: str, at: datetime) -> None:
    """Whoever's keys were in doubt was told that we send nothing. Of a key of our own we were told, and tell nobody."""
    in_doubt: dict[str, set[str]] = {}
    for doubt in ended:
        if doubt.partner_id != doubt.said_by:
            in_doubt.setdefault(doubt.partner_id, set()).add(doubt.kid)
    for owner_id, kids in in_doubt.items():
        _say_settled(tx, vault, owner_id, kids, actor=actor, at=at)


def _say_settled(tx: Connection, vault: Vault, owner_id: str, kids: Iterable[str], *, actor: str, at: datetime) -> None:
    """Where there is a key to seal for again, its owner hears that the doubt is settled: of all its keys, and of `kids`
    that are none any more."""
    sound, owner = partner_service.settled(tx, vault, owner_id, at), known_partner(tx, vault, owner_id)
    if sound and owner.closed_at is None and not owner.by_link:
        body = {"keys": sorted({*sound, *kids}), "by": "", "settled": True}
        write_own(tx, vault, owner, KEY_DOUBTED, body, in_reply_to=None, actor=actor, at=at)
