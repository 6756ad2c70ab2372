"""What a human should look at in the exchange, for `./waymark doctor`."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from bot.exchange.partners import store as partners
from bot.exchange.partners.model import Partner
from bot.exchange.post import store
from bot.kernel import audit
from bot.kernel.crypto import Vault

#: Said before an agreement or a key runs out, so that there is time to renew it.
WARNED_BEFORE = timedelta(days=30)
#: Letters that overtook one another settle in minutes; after so long something is missing.
GAP_IS_ONE_AFTER = timedelta(hours=6)
#: A letter that waits for so long waits for a human.
WAITS_TOO_LONG = timedelta(days=2)
#: What the audit log calls it that a letter of a proven partner was not taken in.
LETTER_REFUSED = "exchange.letter_refused"


def look_at_exchange(tx: Connection, vault: Vault, at: datetime) -> list[str]:
    """A sentence for each thing that wants a human. Empty: all is well."""
    found = []
    old_gaps = {gap.partner_id for gap in store.gaps(tx) if at - gap.noticed_at >= GAP_IS_ONE_AFTER}
    for partner in partners.everyone(tx, vault):
        if partner.closed_at is not None:
            continue
        found += _about_channel(partner, at)
        waits = store.waiting_since(tx, partner.id)
        if waits is not None and at - waits >= WAITS_TOO_LONG:
            found.append(f"letters for {partner.name} wait since {waits:%Y-%m-%d}; call them")
        if partner.id in old_gaps:
            found.append(f"letters of {partner.name} are missing; ask them to send again what they sent")
    ours = {key.kid for key in partners.own_keys(tx, vault) if key.revoked_at is None}
    for doubt in partners.doubts_about(tx, sorted(ours)):
        who = partners.get(tx, doubt.said_by)
        found.append(
            f"{who.name if who else 'a partner'} was told, or says, that our key is revoked and sends us nothing; call "
            "them, and let two of their admins hear our fingerprint: ./waymark partner fingerprint"
        )
    stuck = store.not_handed_over(tx, before=at - GAP_IS_ONE_AFTER)
    if stuck:
        found.append(f"{stuck} letters came and could not be taken in; look at the log")
    return found


def _about_channel(partner: Partner, at: datetime) -> list[str]:
    closed = partner.why_unreachable(at)
    if closed is not None:
        return [closed.says]
    key, agreement = partner.key(at), partner.agreement
    assert agreement is not None
    ends_of_key = [] if key is None else [("key", key.not_after, "they announce a new one, or ask them for its file")]
    return [
        f"the {what} of {partner.name} runs out on {ends:%Y-%m-%d}; {todo}"
        for what, ends, todo in (
            ("agreement", agreement.valid_to, "renew it"),
            *ends_of_key,
        )
        if ends - at < WARNED_BEFORE
    ]


def refused_lately(tx: Connection, partner_id: str) -> list[audit.AuditRow]:
    """The last letters of a partner that were not taken in: when, and under which code."""
    acts = audit.read_log(tx, object=f"partner:{partner_id}", limit=50)
    return [row for row in acts if row.act == LETTER_REFUSED][:5]
