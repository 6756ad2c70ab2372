"""Partners: added from a description and a key file, trusted when two admins have signed, changed, revoked, closed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from bot.exchange.partners import keys, store
from bot.exchange.partners.keys import KeyCard, OwnKey
from bot.exchange.partners.model import (
    OVERLAP,
    SIGNATURES_NEEDED,
    FocalPoint,
    KeyState,
    Partner,
    PartnerKey,
    Signature,
    doubted_among,
    holds_up,
)
from bot.exchange.partners.names import look_the_same, nearest, plain_name, skeleton
from bot.exchange.partners.store import Doubt
from bot.kernel import audit
from bot.kernel.access import Role
from bot.kernel.crypto import Vault
from bot.kernel.officers import get_officer


class PartnerLooksAlike(Exception):
    """Another partner has this name, or one that looks the same. `other` is its name."""

    def __init__(self, other: str) -> None:
        super().__init__(other)
        self.other = other


class KeyRefused(Exception):
    """The key cannot be added: it is known already, it is another deployment's, or it is our own."""


class PartnerIsClosed(Exception):
    """The channel was closed: nothing of the partner is changed any more."""


class NobodyToCall(Exception):
    """A focal point has a name and a phone number: an officer calls when a child is waiting."""


class CannotSign(Exception):
    """The signature does not count; the text says why."""


class LetInByTheOther(CannotSign):
    """One of the two let the other in a short while ago: they may be one person."""


class LetInLately(Exception):
    """Somebody at the desk let this admin in a short while ago: it may be a thief of a session who acts, in the name of
    an account made for that. Only what must be quick is open to them: revoking."""


#: Who adds an admin, or makes a sign-in link for one, could act and sign as both. Whoever was shut out by it has so
#: long to notice. What the command line does is not asked: whoever has the server has its keys.
LET_IN = timedelta(days=7)
_LETS_IN = ("officer.add", "officer.link")


# Whom to call when nobody answers


def name_focal_point(tx: Connection, vault: Vault, point: FocalPoint, *, by: str, at: datetime) -> None:
    """From now on officers are told to call this one when an answer from its country is overdue; the one before is
    forgotten. Raises NobodyToCall."""
    if not point.contact.name or not any(each.isdigit() for each in point.contact.phone):
        raise NobodyToCall
    store.set_focal_point(tx, point)
    audit.append(tx, vault, at=at, actor=by, act="exchange.focal_point", object=f"country:{point.country}")


# Our own keys


class NoKeyYet(Exception):
    """We have no pair of our own. The server makes one when it starts."""


def current_own_key(tx: Connection, vault: Vault, at: datetime) -> OwnKey:
    """Our newest pair; made now, where there is none."""
    try:
        return newest_own_key(tx, vault, at)
    except NoKeyYet:
        known = store.own_keys(tx, vault)
        pair = keys.make_pair(deployment=known[0].deployment if known else None, at=at)
        _keep_pair(tx, vault, pair, by="system:exchange", at=at)
        return next(key for key in store.own_keys(tx, vault) if key.kid == pair.kid)


def newest_own_key(tx: Connection, vault: Vault, at: datetime) -> OwnKey:
    """Our newest pair. Reads only. Raises NoKeyYet."""
    newest = next((key for key in store.own_keys(tx, vault) if key.opens(at)), None)
    if newest is None:
        raise NoKeyYet
    return newest


def own_key_for(tx: Connection, vault: Vault, partner: Partner, at: datetime) -> OwnKey:
    """The pair to sign with for this partner: the newest that it is known to hold, or else our newest. Reads only.

    While a new pair is announced, a partner that has not heard of it yet goes on getting letters it can read.
    Raises NoKeyYet.
    """
    held = next((key for key in store.own_keys(tx, vault) if key.kid == partner.our_kid and key.opens(at)), None)
    return held or newest_own_key(tx, vault, at)


def speak_with_newest_key(tx: Connection, vault: Vault, partner_id: str, at: datetime) -> None:
    """A partner does not believe the pair we signed with any more: from now on it hears the newest."""
    store.set_our_kid(tx, partner_id, newest_own_key(tx, vault, at).kid)


def own_key_is_old(tx: Connection, vault: Vault, at: datetime) -> bool:
    """Whether it is time for a new pair."""
    try:
        return at - newest_own_key(tx, vault, at).made_at >= keys.ROTATED_AFTER
    except NoKeyYet:
        return False


def rotate_own_key(tx: Connection, vault: Vault, *, by: str, at: datetime) -> OwnKey:
    """A new pair, which the one before it vouches for; that one opens letters for 30 days more.

    The partners do not know of it yet: `bot.exchange.post.trust.announce_key` tells them. The caller has proven who
    acts, or is the program. Raises LetInLately.
    """
    _must_not_be_let_in_lately(tx, by, at)
    earlier = current_own_key(tx, vault, at)
    pair = keys.make_pair(deployment=earlier.deployment, at=at)
    pair = replace(pair, vouched=keys.vouch(earlier, pair))
    _keep_pair(tx, vault, pair, by=by, at=at)
    store.shorten_own_key(tx, earlier.kid, min(earlier.not_after, at + OVERLAP))
    return pair


def revoke_own_keys(tx: Connection, vault: Vault, *, by: str, at: datetime) -> OwnKey:
    """Our keys may be in strange hands: they are destroyed, and a new pair begins without anyone's word for it.

    Every partner has to compare its fingerprint by phone, as at the first time. Letters that were sealed for the old
    keys and not yet opened are lost to us; their senders are never told that they were stored, and send them again.
    """
    for key in store.own_keys(tx, vault):
        if key.revoked_at is None:
            store.revoke_own_key(tx, vault, key, at)
            _record(tx, vault, at, by, "exchange.own_key_revoked", f"key:{key.kid}")
    return current_own_key(tx, vault, at)


def _keep_pair(tx: Connection, vault: Vault, pair: OwnKey, *, by: str, at: datetime) -> None:
    store.add_own_key(tx, vault, pair)
    _record(tx, vault, at, by, "exchange.own_key_made", f"key:{pair.kid}")


# Partners


def look_alikes(tx: Connection, name: str) -> list[str]:
    """Partners whose names are near enough to be mistaken for this one: to be shown before it is added."""
    return nearest(name, [(other, skeleton(other)) for _, other, _ in store.skeletons(tx)])


def add_partner(tx: Connection, vault: Vault, partner: Partner, *, by: str, at: datetime) -> Partner:
    """A partner without a key, which therefore gets nothing yet.

    Raises NameRefused, and PartnerLooksAlike where the name could be taken for another's.
    """
    partner = replace(partner, name=plain_name(partner.name), keys=(), our_kid=None, deployment=None)
    _must_look_different(tx, partner)
    store.add(tx, partner, skeleton=skeleton(partner.name), at=at)
    _record(tx, vault, at, by, "exchange.partner_added", f"partner:{partner.id}", country=partner.country)
    return partner


def change_partner(tx: Connection, vault: Vault, partner: Partner, *, by: str, at: datetime) -> Partner:
    """Say something else of a partner: then two admins sign again, for it is that description they sign.

    Its key must have been compared by phone anew, too: who can change where letters go could change who reads them.
    Until then the channel is closed: the caller has proven who acts. Raises LetInLately, and PartnerIsClosed: a channel
    that was closed is not opened by describing it.
    """
    _must_not_be_let_in_lately(tx, by, at)
    if _known(tx, vault, partner.id).closed_at is not None:
        raise PartnerIsClosed(partner.name)
    partner = replace(partner, name=plain_name(partner.name))
    _must_look_different(tx, partner)
    store.save(tx, partner, skeleton=skeleton(partner.name))
    for key in partner.keys:
        store.save_key(tx, replace(key, signatures=(), vouched_by=None, vouch_mark=""))
    store.forget_contact_signatures(tx, partner.id)
    _record(tx, vault, at, by, "exchange.partner_changed", f"partner:{partner.id}")
    return _known(tx, vault, partner.id)


def close_partner(tx: Connection, vault: Vault, partner_id: str, *, by: str, at: datetime) -> list[Doubt]:
    """Nothing passes any more, in either direction, from now on. Returns the doubts that end with its word: whoever was
    told of one hears of that by `bot.exchange.post.trust.close`.

    A channel that was closed is not opened again: the caller has proven who acts. Raises LetInLately.
    """
    _must_not_be_let_in_lately(tx, by, at)
    partner = _known(tx, vault, partner_id)
    store.save(tx, replace(partner, closed_at=at), skeleton=skeleton(partner.name))
    _record(tx, vault, at, by, "exchange.partner_closed", f"partner:{partner.id}")
    return store.clear_doubts_of(tx, partner.id, at)  # its word counts no more


def _must_look_different(tx: Connection, partner: Partner) -> None:
    mine = skeleton(partner.name)
    for other_id, name, bare in store.skeletons(tx):
        # What was stored is of the day when it was named; which letters look alike may be known better since.
        if other_id != partner.id and (bare == mine or look_the_same(name, partner.name)):
            raise PartnerLooksAlike(name)


# Their keys


def add_key(tx: Connection, vault: Vault, partner_id: str, card: KeyCard, *, by: str, at: datetime) -> PartnerKey:
    """Take in a key file. The key is unverified and carries nothing, unless a verified key of theirs vouches for it.

    Raises KeyRefused.
    """
    partner = _known(tx, vault, partner_id)
    if partner.by_link:
        raise KeyRefused("This partner reads behind a link. If it has Waymark now, change its description first.")
    if any(own.kid == card.kid or own.deployment == card.deployment for own in store.own_keys(tx, vault)):
        raise KeyRefused("This is our own key file. Give it to the partner, and ask for theirs.")
    if partner.deployment not in (None, card.deployment):
        raise KeyRefused(
            f"This key file is of another installation than the one known as {partner.name}. Call them before "
            "anything else. If they really began anew, close this partner and add a new one."
        )
    if partner.deployment is None:
        partner = _name_deployment(tx, partner, card)
    key = PartnerKey(card.kid, partner.id, card.sign_public, card.seal_public, card.not_before, card.not_after, at)
    voucher = next((key for key in partner.keys if key.kid == card.vouched_by), None)
    vouched = (
        voucher is not None
        and voucher.state(at) is KeyState.VERIFIED
        and keys.is_vouched(card, by_public=voucher.sign_public)
    )
    if vouched and voucher is not None:
        mark = store.vouch_mark(vault, partner, key, voucher.kid)
        key = replace(key, vouched_by=voucher.kid, vouch_mark=mark)
    try:
        with tx.begin_nested():
            store.add_key(tx, key)
    except IntegrityError:
        raise KeyRefused("This key is known already.") from None
    if vouched and voucher is not None:
        _shorten(tx, vault, partner, voucher, at)
    facts = {"partner": partner.id, "vouched_by": key.vouched_by}
    _record(tx, vault, at, by, "exchange.key_added", f"key:{key.kid}", **facts)
    return key


def _name_deployment(tx: Connection, partner: Partner, card: KeyCard) -> Partner:
    named = replace(partner, deployment=card.deployment)
    try:
        with tx.begin_nested():
            store.save(tx, named, skeleton=skeleton(named.name))
    except IntegrityError:
        raise KeyRefused("This key file belongs to another partner that is known already.") from None
    return named


def _shorten(tx: Connection, vault: Vault, partner: Partner, voucher: PartnerKey, at: datetime) -> None:
    """The key before still proves letters for the overlap. Its marks are over its dates, so they are written anew."""
    shorter = replace(voucher, not_after=min(voucher.not_after, at + OVERLAP))
    signatures = tuple(
        replace(each, mark=store.signature_mark(vault, partner, shorter, each.officer_id, each.at))
        for each in shorter.signatures
    )
    by = shorter.vouched_by
    mark = store.vouch_mark(vault, partner, shorter, by) if by is not None else ""
    store.save_key(tx, replace(shorter, signatures=signatures, vouch_mark=mark))


def sign_key(
    tx: Connection, vault: Vault, partner_id: str, *, heard: str, officer_id: str, at: datetime
) -> tuple[PartnerKey, int]:
    """An admin's word: "I called them, and these are the digits they read to me". Returns the key and how many more
    admins are needed before anything may pass.

    The caller has proven that the officer is who it says, by password. Raises CannotSign.
    """
    partner = _known(tx, vault, partner_id)
    _require_admin(tx, officer_id)
    waiting = [key for key in partner.keys if key.state(at) is KeyState.UNVERIFIED]
    if not waiting:
        raise CannotSign(f"No key of {partner.name} waits for a signature.")
    key = next((k for k in waiting if keys.same_fingerprint(heard, keys.fingerprint(*_halves(k)))), None)
    if key is None:
        raise CannotSign(
            f"These are not the digits of any key of {partner.name} that waits. Compare them once more on the phone; "
            "if they still differ, do not trust the key file: somebody may have changed it."
        )
    if any(signature.officer_id == officer_id for signature in key.signatures):
        raise CannotSign("You have signed this key already. Another admin has to call and compare for themselves.")
    _require_two_people(tx, officer_id, (each.officer_id for each in key.signatures), at)
    signed = _with_signature(tx, vault, partner, key, officer_id, at)
    return signed, _missing(each.officer_id for each in signed.signatures)


def _with_signature(
    tx: Connection, vault: Vault, partner: Partner, key: PartnerKey, officer_id: str, at: datetime
) -> PartnerKey:
    signature = Signature(officer_id, at, store.signature_mark(vault, partner, key, officer_id, at))
    signed = replace(key, signatures=(*key.signatures, signature))
    store.save_key(tx, signed)
    _record(tx, vault, at, officer_id, "exchange.key_signed", f"key:{key.kid}", partner=partner.id)
    return signed


def sign_contact(tx: Connection, vault: Vault, partner_id: str, *, heard: str, officer_id: str, at: datetime) -> int:
    """An admin's word for a partner without Waymark: "I called them on a number I know from elsewhere, and this is the
    e-mail address they spelled to me". Returns how many more admins are needed before anything may be shown.

    The caller has proven that the officer is who it says, by password. Raises CannotSign.
    """
    partner = _known(tx, vault, partner_id)
    _require_admin(tx, officer_id)
    contact = partner.link_contact
    if not partner.by_link or contact is None:
        raise CannotSign(f"{partner.name} has no contact with an e-mail address and a phone that could be called.")
    if "".join(heard.split()).casefold() != contact.email.casefold():
        raise CannotSign(
            f"This is not the e-mail address that is kept for {partner.name}. Have it spelled to you once more; if it "
            "still differs, do not trust it: somebody may have changed it."
        )
    _require_two_people(tx, officer_id, (each.officer_id for each in partner.contact_signatures), at)
    try:
        with tx.begin_nested():
            store.add_contact_signature(tx, vault, partner, officer_id, at)
    except IntegrityError:
        raise CannotSign("You have signed already. Another admin has to call them for themselves.") from None
    _record(tx, vault, at, officer_id, "exchange.contact_signed", f"partner:{partner.id}")
    signed = _known(tx, vault, partner_id).contact_signatures
    return _missing(each.officer_id for each in signed)


def _require_admin(tx: Connection, officer_id: str) -> None:
    officer = get_officer(tx, officer_id)
    if officer is None or not officer.active or Role.ADMIN not in officer.roles:
        raise CannotSign("Only an active admin can sign for a partner.")


def _require_two_people(tx: Connection, officer_id: str, signers: Iterable[str], at: datetime) -> None:
    """Raises LetInByTheOther where one of those who signed let this admin in of late, or was let in by them."""

    others = set(signers) - {officer_id}
    if others & _let_in_by(tx, officer_id, at) or any(officer_id in _let_in_by(tx, other, at) for other in others):
        raise LetInByTheOther(
            f"One of you two added the other, or made a sign-in link for them, in the last {LET_IN.days} days. Let "
            "another admin sign, or wait; whoever runs the server can make links that do not count."
        )


def _let_in_by(tx: Connection, officer_id: str, at: datetime) -> frozenset[str]:
    """Who at the desk added this officer, or made them a sign-in link, of late."""
    return audit.actors_of(tx, f"officer:{officer_id}", _LETS_IN, since=at - LET_IN)


def _must_not_be_let_in_lately(tx: Connection, by: str, at: datetime) -> None:
    if _let_in_by(tx, by, at):
        raise LetInLately


def revoke_keys(
    tx: Connection, vault: Vault, partner_id: str, kid: str | None, *, by: str, at: datetime
) -> tuple[list[str], list[Doubt]]:
    """At once, nothing is sealed for this key and nothing is believed from it: or from any of the partner's, where
    `kid` is None. Keys that only it vouched for go with it, and what the partner said of the keys of others counts no
    more once none of its own does. Returns which were revoked, and the doubts that end with them.

    The caller has proven who acts. That is all: a key that was stolen does harm as long as it is believed.
    """
    partner = _known(tx, vault, partner_id)
    gone = doubted_among(partner.keys, [key.kid for key in partner.keys if kid is None or key.kid == kid])
    revoked = []
    for key in partner.keys:
        if key.kid in gone and key.revoked_at is None:
            store.save_key(tx, replace(key, revoked_at=at))
            _record(tx, vault, at, by, "exchange.key_revoked", f"key:{key.kid}", partner=partner.id)
            revoked.append(key.kid)
    ended = store.doubts_about(tx, revoked)
    for doubt in ended:
        store.save_doubt(tx, replace(doubt, cleared_at=at))  # decided: it was so
    if not any(key.state(at) is KeyState.VERIFIED for key in _known(tx, vault, partner_id).keys):
        ended += store.clear_doubts_of(tx, partner_id, at)
    return revoked, ended


# Keys that another partner says are revoked


def doubt_key(tx: Connection, vault: Vault, kid: str, *, of: str, said_by: Partner, at: datetime) -> Partner | None:
    """A partner says that a key of the deployment `of` is revoked. Until two admins here have decided, nothing is
    sealed for it; it is heard on. Returns whose key it is, where that is news.

    Said once by one partner of one key, it counts once: what two admins decided is not undone by saying it again.
    """
    owner = store.of_key(tx, vault, kid)
    if owner is None or owner.deployment != of or owner.closed_at is not None:
        return None
    key = next(each for each in owner.keys if each.kid == kid)
    if key.revoked_at is not None or not holds_up(owner.keys, kid, at):
        return None
    if not store.add_doubt(tx, Doubt(kid, said_by.id, owner.id, at)):
        return None
    _record(
        tx, vault, at, "system:exchange", "exchange.key_doubted", f"key:{kid}", partner=owner.id, said_by=said_by.id
    )
    return owner


def keep_doubted(tx: Connection, vault: Vault, partner_id: str, *, heard: str, officer_id: str, at: datetime) -> int:
    """An admin's word on a key in doubt: "I called them, they have lost nothing, and these are the digits they read to
    me". Returns how many more admins are needed; with the last it is `settled`.

    A key that was trusted on another's word alone falls with that one: so the same admins sign it by itself.
    The caller has proven that the officer is who it says, by password. Raises CannotSign.
    """
    partner = _known(tx, vault, partner_id)
    _require_admin(tx, officer_id)
    key = next(
        (
            each
            for each in partner.keys
            if each.doubted and keys.same_fingerprint(heard, keys.fingerprint(*_halves(each)))
        ),
        None,
    )
    if key is None:
        raise CannotSign(
            f"These are not the digits of any key of {partner.name} that is in doubt. Compare them once more on the "
            "phone; if they still differ, revoke its keys."
        )
    standing = store.doubts_about(tx, [key.kid])
    unsigned = [doubt for doubt in standing if officer_id not in {who for who, _ in doubt.signatures}]
    # A key that falls with the one before it, which its owner shows no more, has to stand by itself from now on.
    leans = not key.stands_alone
    unsigned_key = leans and officer_id not in {each.officer_id for each in key.signatures}
    if not unsigned and not unsigned_key:
        raise CannotSign("You have signed this key already. Another admin has to call and compare for themselves.")
    signers = {who for doubt in standing for who, _ in doubt.signatures} | {each.officer_id for each in key.signatures}
    _require_two_people(tx, officer_id, signers, at)
    lacking = [_sign_doubt(tx, doubt, officer_id, at) if doubt in unsigned else _lacks(doubt) for doubt in standing]
    if unsigned_key:
        key = _with_signature(tx, vault, partner, key, officer_id, at)
    if leans:
        lacking.append(_missing(each.officer_id for each in key.signatures))
    _record(tx, vault, at, officer_id, "exchange.doubt_signed", f"key:{key.kid}", partner=partner.id)
    return max(lacking)


def _sign_doubt(tx: Connection, doubt: Doubt, officer_id: str, at: datetime) -> int:
    """Returns how many more admins are needed; with the last it is cleared."""
    signed = replace(doubt, signatures=(*doubt.signatures, (officer_id, at)))
    lacks = _lacks(signed)
    store.save_doubt(tx, signed if lacks else replace(signed, cleared_at=at))
    return lacks


def _lacks(doubt: Doubt) -> int:
    return _missing(who for who, _ in doubt.signatures)


def _missing(signers: Iterable[str]) -> int:
    return max(0, SIGNATURES_NEEDED - len(set(signers)))


def settled(tx: Connection, vault: Vault, partner_id: str, at: datetime) -> list[str]:
    """Something was decided on a doubt: those that hold nothing up any more are cleared. Returns the keys of which the
    partner may be told that it is settled: none, while it still has no key to seal for."""
    partner = _known(tx, vault, partner_id)
    if partner.key(at) is None:
        return []
    for doubt in store.doubts_about(tx, [key.kid for key in partner.keys if not holds_up(partner.keys, key.kid, at)]):
        store.save_doubt(tx, replace(doubt, cleared_at=at))
    return [key.kid for key in partner.keys if key.revoked_at is None]


def _halves(key: PartnerKey) -> tuple[bytes, bytes]:
    return key.sign_public, key.seal_public


def _known(tx: Connection, vault: Vault, partner_id: str) -> Partner:
    partner = store.get(tx, partner_id, vault)
    if partner is None:
        raise LookupError("no such partner")
    return partner


def _record(tx: Connection, vault: Vault, at: datetime, by: str, act: str, what: str, **facts: str | None) -> None:
    audit.append(tx, vault, at=at, actor=by, act=act, object=what, facts=facts)
