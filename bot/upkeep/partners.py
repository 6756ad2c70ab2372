"""Looking after the partners of the exchange: one use case a command of `./waymark partner`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.exchange.partners import keys, store
from bot.exchange.partners import service as partners
from bot.exchange.partners.description import DescriptionWrong, read_description, waits
from bot.exchange.partners.endpoint import EndpointRefused, plain_endpoint
from bot.exchange.partners.keys import KeyCard, NotAKeyFile, read_card, write_card
from bot.exchange.partners.model import Contact, FocalPoint, KeyState, Partner, PartnerKey
from bot.exchange.partners.names import NameRefused
from bot.exchange.partners.service import CannotSign, KeyRefused, PartnerIsClosed, PartnerLooksAlike
from bot.exchange.partners.store import Doubt
from bot.exchange.post import service as post
from bot.exchange.post import store as letters
from bot.exchange.post import trust
from bot.exchange.post.files import MOST_LETTERS, NotALetterFile, read_letters, write_letters
from bot.exchange.post.intake import Intake
from bot.exchange.post.model import RECEIPT, LetterStopped, ReceiptState
from bot.exchange.post.watch import refused_lately
from bot.exchange.refusals import ChannelClosed, TooLarge
from bot.exchange.requests.intake import RequestIntake
from bot.exchange.requests.sending import RequestGatekeeper
from bot.foreground import CannotDo
from bot.kernel import officers
from bot.kernel.clock import SystemClock
from bot.kernel.crypto import Erased, Vault
from bot.kernel.ids import new_id
from bot.kernel.live import Signals
from bot.kernel.settings import Settings
from bot.offices import own_identity
from bot.upkeep.installation import COMMAND, installation

T = TypeVar("T")

READ_OURS = "./waymark partner fingerprint"
HOW_TO_CALL = (
    "Call them on a number you know from elsewhere. They spell their e-mail address, you write down what you hear.\n"
    "Then each of two admins says so:\n"
    "  ./waymark partner sign {name!r} --as SIGN_IN_NAME"
)
HOW_TO_COMPARE = (
    "Call them on a number you know from elsewhere, not from the key file. They read the ten groups of their own key\n"
    "({how}), you compare. Then each of two admins says so:\n"
    "  ./waymark partner sign {name!r} --as SIGN_IN_NAME"
)


class Imported(Struct, frozen=True):
    """How it went with a file of letters."""

    says: list[str]
    well: bool


async def add(settings: Settings, description: Path, key_file: Path | None, *, sure: bool) -> str:
    """A partner from its description and, if it is there, its key file. Raises CannotDo."""
    text = _read(description)
    described = _described(text, new_id())
    card = _card(key_file) if key_file is not None else None
    if card is not None and described.endpoint is None and not waits(text):
        described = replace(described, endpoint=_endpoint(card))
    at = SystemClock().now()

    def work(tx: Connection, vault: Vault) -> Partner:
        alike = partners.look_alikes(tx, described.name)
        if alike and not sure:
            raise CannotDo(
                f"“{described.name}” could be taken for {' or '.join(f'“{name}”' for name in alike)}, which is a "
                "partner already. If it is really another one, say so with --yes"
            )
        added = partners.add_partner(tx, vault, described, by=COMMAND, at=at)
        if card is not None:
            partners.add_key(tx, vault, added.id, card, by=COMMAND, at=at)
        return added

    partner = await _write(settings, work)
    said = f"{partner.name} is added."
    if partner.by_link:
        if card is not None:
            raise CannotDo("a partner that is reached by link has no key file; leave it out")
        return f"{said} Nothing is shown to it yet.\n{_to_call(partner.name)}"
    if card is None:
        return f"{said} Its key file is still missing: ./waymark partner key {partner.name!r} FILE"
    return f"{said} Nothing passes yet.\n{_to_compare(partner.name)}"


async def take_key(settings: Settings, name: str, key_file: Path) -> str:
    """Another key file of a partner: one that its verified key vouches for needs no phone call. Raises CannotDo."""
    card, at = _card(key_file), SystemClock().now()

    def work(tx: Connection, vault: Vault) -> PartnerKey:
        partner = _named(tx, vault, name)
        return partners.add_key(tx, vault, partner.id, card, by=COMMAND, at=at)

    key = await _write(settings, work)
    if key.vouched_by is not None:
        return f"The key is taken in: the key of {name} before it vouches for it. That one holds for 30 days more."
    return f"The key is taken in and carries nothing yet.\n{_to_compare(name)}"


async def change(settings: Settings, name: str, description: Path) -> str:
    """Say something else of a partner; then two admins sign again. Raises CannotDo."""
    text, at = _read(description), SystemClock().now()

    def work(tx: Connection, vault: Vault) -> Partner:
        known = _named(tx, vault, name)
        described = _described(text, known.id)
        endpoint = described.endpoint or (None if waits(text) or described.by_link else known.endpoint)
        said = replace(
            described,
            endpoint=endpoint,
            deployment=known.deployment,
            our_kid=known.our_kid,
            keys=known.keys,
            closed_at=known.closed_at,
        )
        return partners.change_partner(tx, vault, said, by=COMMAND, at=at)

    changed = await _write(settings, work)
    to_do = _to_call(changed.name) if changed.by_link else _to_compare(changed.name)
    return f"{changed.name} is changed, and nothing passes before two admins have signed again.\n{to_do}"


async def sign(settings: Settings, name: str, sign_in_name: str, password: str, heard: str) -> str:
    """An admin, who proves who they are by their password, has compared the fingerprint. Raises CannotDo."""
    at = SystemClock().now()
    async with installation(settings) as (database, vault):
        found = await database.read(lambda tx: officers.password_hash_of(tx, sign_in_name))
        if not officers.password_fits(found[1] if found else None, password) or found is None:
            raise CannotDo(
                "the name or the password is wrong. An admin without a password sets one at the desk first, on the "
                "page “My account”"
            )
        officer_id = found[0]

        def work(tx: Connection) -> int:
            who = _named(tx, vault, name).id
            return trust.sign(tx, vault, who, heard=heard, officer_id=officer_id, at=at)

        try:
            missing = await database.write(work)
        except CannotSign as error:
            raise CannotDo(str(error)) from None
        closed = (await database.read(lambda tx: _named(tx, vault, name))).why_unreachable(at)
    if missing:
        return "Signed. One more admin calls and signs before anything passes."
    if closed is not None:
        return f"Signed by two admins. Nothing passes all the same: {closed.says}"
    return f"Signed by two admins: {name} may get and send what was agreed, from now on."


async def fingerprint(settings: Settings, name: str | None) -> str:
    """The groups to compare: our own, or those of a partner's keys. Raises CannotDo."""
    at = SystemClock().now()
    async with installation(settings) as (database, vault):
        if name is None:
            own = await database.write(lambda tx: partners.current_own_key(tx, vault, at))
            return "Our own key. Read this to the partner who calls you:\n" + _groups(
                keys.fingerprint(own.sign_public, own.seal_public)
            )
        partner = await database.read(lambda tx: _named(tx, vault, name))
    if not partner.keys:
        return f"{partner.name} has no key yet."
    return "\n".join(
        f"{key.state(at)}, since {key.added_at:%Y-%m-%d}:\n"
        + _groups(keys.fingerprint(key.sign_public, key.seal_public))
        for key in partner.keys
    )


async def name_focal_point(
    settings: Settings, country: str, person: str, phone: str, email: str, name: str | None
) -> str:
    """Whom to call in a country when nobody else answers. Raises CannotDo."""
    code, who, number = country.strip().upper(), person.strip(), phone.strip()
    if not re.fullmatch("[A-Z]{2}", code):
        raise CannotDo(f"{country!r} is no country. Write two letters, such as TN.")
    at = SystemClock().now()
    async with installation(settings) as (database, vault):

        def work(tx: Connection) -> None:
            partner = _named(tx, vault, name) if name else None
            point = FocalPoint(code, Contact(who, number, email.strip()), partner.id if partner else None)
            partners.name_focal_point(tx, vault, point, by=COMMAND, at=at)

        try:
            await database.write(work)
        except partners.NobodyToCall as error:
            raise CannotDo(
                "A focal point has a name and a phone number: an officer calls when a child is waiting."
            ) from error
    return f"Officers are told to call {who}, {number}, when an answer from {code} is overdue."


async def our_key_file(settings: Settings) -> str:
    """Our own key file, for a partner."""
    at = SystemClock().now()
    async with installation(settings) as (database, vault):
        own = await database.write(lambda tx: partners.current_own_key(tx, vault, at))
    return write_card(own, own_identity(settings))


async def list_partners(settings: Settings) -> list[str]:
    """Every partner, whether anything may pass, and what waits."""
    at = SystemClock().now()
    async with installation(settings) as (database, vault):
        everyone = await database.read(lambda tx: store.everyone(tx, vault))
        counted = await database.read(lambda tx: {each.id: letters.count_letters(tx, each.id) for each in everyone})
        missing = {gap.partner_id for gap in await database.read(letters.gaps)}
    lines = []
    for each in everyone:
        closed, count = each.why_unreachable(at), counted[each.id]
        notes = [f"{count['waiting']} waiting"] if count.get("waiting") else []
        undelivered = count.get(ReceiptState.UNDELIVERED, 0) + count.get(ReceiptState.CLOSED, 0)
        notes += [f"{undelivered} never delivered"] if undelivered else []
        notes += ["letters of theirs are missing"] if each.id in missing else []
        state = "open" if closed is None else closed.code
        lines.append(f"{each.country}  {each.name:<40} {state:<18} {', '.join(notes)}".rstrip())
    return lines or ["There are no partners yet. Begin with: ./waymark partner template"]


async def show(settings: Settings, name: str) -> list[str]:
    """All that is known of one partner. Raises CannotDo."""
    at = SystemClock().now()
    async with installation(settings) as (database, vault):
        partner = await database.read(lambda tx: _named(tx, vault, name))
        count = await database.read(lambda tx: letters.count_letters(tx, partner.id))
        missing = await database.read(lambda tx: letters.gaps(tx, partner.id))
        refused = await database.read(lambda tx: refused_lately(tx, partner.id))
        doubts = await database.read(lambda tx: store.doubts_about(tx, [key.kid for key in partner.keys]))
        names = {each.id: each.name for each in await database.read(lambda tx: store.everyone(tx, vault))}
    closed = partner.why_unreachable(at)
    reports = "nobody knows" if partner.reports_to is None else ", ".join(sorted(partner.reports_to)) or "to none"
    lines = [
        f"{partner.name} ({partner.kind}, {partner.country}{f', {partner.area}' if partner.area else ''})",
        f"  channel      {'open' if closed is None else closed.says}",
        f"  reports to   {reports}",
        f"  reached      {_reached(partner)}",
        f"  may be sent  {', '.join(sorted(partner.may_send)) or 'nothing'}",
        f"  may send us  {', '.join(sorted(partner.may_receive)) or 'nothing'}",
        *_agreement_lines(partner),
        *(f"  contact      {_contact_line(each)}" for each in partner.contacts),
        *(f"  key          {_key_line(key, at)}" for key in partner.keys),
        *(f"  in doubt     {_doubt_line(each, names)}" for each in doubts),
        f"  letters      {', '.join(f'{number} {state}' for state, number in sorted(count.items())) or 'none yet'}",
    ]
    lines += [
        f"  missing      letters {gap.first} to {gap.last}, since {gap.noticed_at:%Y-%m-%d %H:%M}" for gap in missing
    ]
    lines += [f"  refused      {row.at:%Y-%m-%d %H:%M} {row.facts.get('why')}" for row in refused]
    return lines


async def rotate(settings: Settings) -> str:
    """A new pair of our own, announced to every partner."""
    at, identity = SystemClock().now(), own_identity(settings)

    def work(tx: Connection, vault: Vault) -> int:
        return trust.announce_key(tx, vault, identity, by=COMMAND, at=at)

    told = await _write(settings, work)
    return (
        f"A new key is made. {told} partners are told by a letter that the old key signs; both hold for 30 days.\n"
        "Give the new key file by hand to those that get no letters: ./waymark partner export --key FILE"
    )


async def revoke(settings: Settings, name: str | None, *, own: bool, sure: bool, key: str | None = None) -> str:
    """Take trust back at once: from a partner's keys or the one whose id begins with `key`, or from our own. Raises
    CannotDo."""
    at = SystemClock().now()
    if own:
        if not sure:
            raise CannotDo(
                "this destroys our own keys, and every partner has to compare a new fingerprint by phone. If our keys "
                "may be in strange hands, say so with --yes"
            )
        await _write(settings, lambda tx, vault: partners.revoke_own_keys(tx, vault, by=COMMAND, at=at))
        return "Our keys are destroyed and a new pair is made. Call every partner, and give them the new key file."
    if name is None:
        raise CannotDo("name the partner whose keys are revoked, or give --own for our own")

    def work(tx: Connection, vault: Vault) -> tuple[int, int]:
        partner = _named(tx, vault, name)
        return trust.revoke(tx, vault, partner.id, _kid(partner, key) if key else None, by=COMMAND, at=at)

    count, told = await _write(settings, work)
    return (
        f"{count} keys of {name} are revoked. From now on nothing goes to them and nothing of theirs is believed.\n"
        f"{told} other partners are told; what they do is for two admins there to decide."
    )


async def close(settings: Settings, name: str, *, sure: bool) -> str:
    """Close the channel to a partner for good. Raises CannotDo."""
    if not sure:
        raise CannotDo("a channel that was closed is not opened again; if that is what you want, say so with --yes")
    at = SystemClock().now()

    def work(tx: Connection, vault: Vault) -> Partner:
        partner = _named(tx, vault, name)
        trust.close(tx, vault, partner.id, by=COMMAND, at=at)
        return partner

    partner = await _write(settings, work)
    return f"The channel to {partner.name} is closed. Nothing goes to it any more, and nothing of it is taken in."


async def export_letters(settings: Settings, name: str, to: Path) -> str:
    """What waits for a partner, as a file. It waits on until the partner confirms. Raises CannotDo."""
    at = SystemClock().now()
    async with installation(settings) as (database, vault):
        stopped: list[tuple[str, str]] = []

        def work(tx: Connection) -> list[bytes]:
            partner = _named(tx, vault, name)
            closed = partner.why_closed(at)
            if closed is not None:
                raise CannotDo(closed.says)
            found = []
            for letter in letters.waiting_letters(tx, partner.id, limit=MOST_LETTERS):
                try:
                    found.append(post.sealed(tx, vault, RequestGatekeeper(vault), letter, at).raw)
                except LetterStopped as why:
                    stopped.append((letter.id, why.code))
                except (ChannelClosed, Erased, TooLarge):
                    continue
            return found

        envelopes = await database.read(work)
        for envelope_id, code in stopped:
            await database.write(partial(_shut, vault=vault, envelope_id=envelope_id, code=code, at=at))
    if not envelopes:
        return f"Nothing waits for {name}."
    _write_file(to, write_letters(envelopes))
    return (
        f"{len(envelopes)} letters for {name} are in {to}. Only they can open them. They wait here on until "
        "the partner's own file confirms them."
    )


def _shut(tx: Connection, *, vault: Vault, envelope_id: str, code: str, at: datetime) -> None:
    post.shut(tx, vault, RequestIntake(vault), envelope_id, code, at)


async def import_letters(settings: Settings, file: Path) -> Imported:
    """Take in a file of letters: each is stored, or refused with a reason. Our word for them goes out with the next
    letters. Raises CannotDo."""
    envelopes = _envelopes_in(file)
    clock = SystemClock()
    says, well = [], True
    async with installation(settings) as (database, vault):
        intake = Intake(database, vault, clock, Signals(), None)
        for number, raw in enumerate(envelopes, 1):
            taken = await intake.take(raw)
            if taken.refusal is not None:
                well = False
                says.append(f"letter {number} is not taken in: {taken.refusal.says}")
                continue
            if taken.new and taken.partner_id is not None and taken.envelope_id is not None:
                who, which = taken.partner_id, taken.envelope_id
                await database.write(lambda tx, who=who, which=which: _confirm(tx, vault, who, which, clock.now()))  # type: ignore[misc]
            says.append(f"letter {number} is {'stored' if taken.new else 'here already'}")
    return Imported([*says, f"{len(envelopes)} letters were read."], well)


def _confirm(tx: Connection, vault: Vault, partner_id: str, envelope_id: str, at: datetime) -> None:
    """By a file nobody can answer at once: our word is a letter of its own. There is none for such words themselves."""
    row = letters.received(tx, partner_id, envelope_id)
    if row is not None and row.kind != RECEIPT:
        post.report(
            tx,
            vault,
            partner_id=partner_id,
            envelope_id=envelope_id,
            state=ReceiptState.STORED,
            actor=COMMAND,
            at=at,
        )


# How it is said


def _to_compare(name: str) -> str:
    return HOW_TO_COMPARE.format(how=READ_OURS, name=name)


def _to_call(name: str) -> str:
    return HOW_TO_CALL.format(name=name)


def _groups(groups: Sequence[str]) -> str:
    half = len(groups) // 2
    return f"  {'  '.join(groups[:half])}\n  {'  '.join(groups[half:])}"


def _reached(partner: Partner) -> str:
    if partner.by_link:
        callers = {each.officer_id for each in partner.contact_signatures}
        return f"behind a link; {len(callers)} admins have called its contact"
    if partner.endpoint is None:
        return "not by us: they fetch, or get a file"
    return f"{partner.endpoint}{' (and we fetch theirs there)' if partner.fetch else ''}"


def _agreement_lines(partner: Partner) -> list[str]:
    agreement = partner.agreement
    if agreement is None:
        return ["  agreement    none"]
    return [
        f"  agreement    {agreement.reference or 'without a reference'}, from {agreement.valid_from:%Y-%m-%d} to "
        f"{agreement.valid_to:%Y-%m-%d}, kept {agreement.retention_days} days",
        f"  purposes     {', '.join(sorted(agreement.purposes)) or 'none'}",
        f"  data         {', '.join(sorted(agreement.data_classes)) or 'none'}",
        *(
            f"  answers      {key} within {each.days} days ({each.source})"
            for key, each in sorted(agreement.times.items())
        ),
    ]


def _contact_line(contact: Contact) -> str:
    return ", ".join(part for part in (contact.name, contact.phone, contact.email) if part)


def _key_line(key: PartnerKey, at: datetime) -> str:
    state = key.state(at)
    signed = f", signed by {len(key.signatures)}" if state is KeyState.UNVERIFIED else ""
    vouched = ", vouched for by the key before" if key.vouched_by else ""
    return f"{state} until {key.not_after:%Y-%m-%d}{signed}{vouched}  {key.kid[:12]}…"


def _doubt_line(doubt: Doubt, names: Mapping[str, str]) -> str:
    called = f", {len(doubt.signatures)} of our admins called them since" if doubt.signatures else ""
    return f"{names[doubt.said_by]} says since {doubt.at:%Y-%m-%d} that {doubt.kid[:12]}… is revoked{called}"


# Files, names, errors


async def _write(settings: Settings, work: Callable[[Connection, Vault], T]) -> T:
    async with installation(settings) as (database, vault):
        try:
            return await database.write(lambda tx: work(tx, vault))
        except PartnerLooksAlike as error:
            raise CannotDo(
                f"a partner named “{error.other}” is known already, and this name looks the same. Two partners must "
                "not be taken for one another: if they are two, give this one a name that says which it is"
            ) from None
        except PartnerIsClosed as error:
            raise CannotDo(f"the channel to {error} was closed, and nothing of it is changed any more") from None
        except (NameRefused, KeyRefused, CannotSign) as error:
            raise CannotDo(str(error)) from None


def _named(tx: Connection, vault: Vault, name: str) -> Partner:
    """By its name, or by enough of it to mean one partner only."""
    everyone = store.everyone(tx, vault)
    found = [each for each in everyone if name in (each.name, each.id)] or [
        each for each in everyone if name.casefold() in each.name.casefold()
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise CannotDo(f"{name!r} may be {' or '.join(f'“{each.name}”' for each in found)}; say more of the name")
    raise CannotDo(f"there is no partner {name!r}; see: ./waymark partner list")


def _kid(partner: Partner, begins: str) -> str:
    found = [key.kid for key in partner.keys if key.kid.startswith(begins.rstrip("…"))]
    if len(found) != 1:
        raise CannotDo(f"{len(found)} keys of {partner.name} begin with {begins!r}; see: ./waymark partner show")
    return found[0]


def _described(text: str, partner_id: str) -> Partner:
    try:
        return read_description(text, partner_id=partner_id)
    except DescriptionWrong as error:
        problems = "\n".join(f"  - {problem}" for problem in error.problems)
        raise CannotDo(f"the description cannot be used:\n{problems}") from None


def _envelopes_in(file: Path) -> list[bytes]:
    try:
        return read_letters(file.read_bytes())
    except NotALetterFile:
        raise CannotDo(f"{file} holds no letters of a partner. Ask for it again") from None


def _card(key_file: Path) -> KeyCard:
    try:
        return read_card(key_file.read_bytes())
    except NotAKeyFile:
        raise CannotDo(f"{key_file} is no key file, or somebody changed it. Ask the partner for it again") from None


def _endpoint(card: KeyCard) -> str:
    try:
        return plain_endpoint(card.endpoint)
    except EndpointRefused as error:
        raise CannotDo(
            f"the address in the key file cannot be used: {error} Give another as `endpoint:` in the description, or "
            "`reach: wait` where they fetch their letters"
        ) from None


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise CannotDo(f"{file} is not text") from None


def _write_file(to: Path, text: str) -> None:
    """Never over a file that is there: it may be the only copy of something."""
    try:
        with to.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise CannotDo(f"{to} is there already; name another file") from None


async def export_key(settings: Settings, to: Path) -> str:
    """Our key file. Nothing in it is secret."""
    _write_file(to, await our_key_file(settings))
    return f"{to} may go to a partner by any way. What proves it is the fingerprint, by phone: {READ_OURS}"
