"""The register of partners on the desk: who they are, what was agreed, which keys are theirs, and who signed for it.

The same use cases as `./waymark partner`. What is said here of a partner carries nothing until two admins have called
it, each by themselves, and compared the digits.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from msgspec.structs import replace
from multidict import MultiDict
from sqlalchemy.engine import Connection

from bot.cases.consent import CLASSES
from bot.desk.exchange import countries_of
from bot.desk.frame import go_to, hand_of, show
from bot.desk.proving import NOT_PROVEN, prove, proves_by
from bot.exchange.partners import keys, store
from bot.exchange.partners import service as partners
from bot.exchange.partners.description import DescriptionWrong, described
from bot.exchange.partners.endpoint import EndpointRefused, plain_endpoint
from bot.exchange.partners.keys import Identity, KeyCard, NotAKeyFile
from bot.exchange.partners.model import Partner, PartnerKind
from bot.exchange.partners.names import NameRefused
from bot.exchange.partners.service import (
    CannotSign,
    KeyRefused,
    LetInByTheOther,
    LetInLately,
    PartnerIsClosed,
    PartnerLooksAlike,
)
from bot.exchange.post import trust
from bot.exchange.post.watch import WARNED_BEFORE, refused_lately
from bot.exchange.refusals import REFUSALS, ChannelClosed, Refused
from bot.exchange.requests import sending
from bot.exchange.requests.model import Incomplete
from bot.exchange.requests.types import REQUEST_TYPES
from bot.kernel import audit
from bot.kernel.access import Permission
from bot.kernel.ids import new_id
from bot.kernel.uploads import uploaded
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, LANGUAGE, OFFICER, SETTINGS, SIGNALS, VAULT
from bot.kernel.words import N_

routes = Routes()

KINDS = {
    PartnerKind.AUTHORITY: N_("authority"),
    PartnerKind.NGO: N_("organisation"),
    PartnerKind.INTERNATIONAL: N_("international body (UN, Red Cross)"),
    PartnerKind.DEPLOYMENT: N_("another helpline with Waymark"),
}
REACHES = {
    "push": N_("To the address in its key file"),
    "fetch": N_("It cannot reach us: we fetch its letters there too"),
    "wait": N_("We cannot reach it: it fetches its letters here, or gets a file"),
    "link": N_("It has no Waymark: a link by e-mail and a code by phone"),
}
PURPOSES = {
    sending.PURPOSE: N_("child protection"),
    sending.REFUGEE_PROTECTION: N_("protection of refugees (its mandate)"),
    sending.FAMILY_LINKS: N_("family links (its mandate)"),
}
KEY_STATES = {
    "unverified": N_("not signed by two admins yet"),
    "early": N_("not in force yet"),
    "verified": N_("verified"),
    "expired": N_("too old"),
    "revoked": N_("revoked"),
    "tampered": N_("changed by somebody who may not"),
}
PROBLEMS = {
    "described": N_("Something is missing or cannot be so. Nothing was changed: look at what is marked."),
    "alike": N_("A partner with a name much like this is known already: {other}. If it is another one, say so below."),
    "same_name": N_(
        "A partner whose name looks the same is known already: {other}. Give this one a name that says which it is."
    ),
    "name": N_("This name cannot stand here: it is too long, hides characters or mixes scripts."),
    "no_key_file": N_("This is no key file, or somebody changed it. Ask the partner for it again."),
    "endpoint": N_("The address in the key file cannot be used. Write another, or choose that it waits for us."),
    "key": N_("This key cannot be taken: it is known already, it is our own, or it is another installation's."),
    **NOT_PROVEN,
    "not_signed": N_(
        "Not signed. These are not the digits or the address that are kept, or you have signed already. Call them once "
        "more; if it still differs, do not trust the file."
    ),
    "let_in": N_(
        "Not signed. One of you two added the other, or made a sign-in link for them, in the last seven days. Let "
        "another admin sign, or wait."
    ),
    "let_in_lately": N_(
        "Nothing was changed. Somebody at the desk added you, or made a sign-in link for you, in the last seven days. "
        "Let another admin do it, or wait."
    ),
    "closed": N_("The channel to {partner} was closed."),
    "sure": N_("Nothing was changed: tick that you are sure."),
}
#: For a letter that a rule of then kept out.
NOT_ALLOWED = N_("What was agreed with them did not allow it then.")
MOST_CONTACTS = 10
EVERY_KEY = "all"
KEY_FILE_CAP = keys.LONGEST_KEY_FILE + 64 * 1024


class _Wrong(Exception):
    """Nothing was changed; `code` is one of `PROBLEMS`."""

    def __init__(self, code: str, *, fields: frozenset[str] = frozenset(), **named: str) -> None:
        super().__init__(code)
        self.code, self.fields, self.named = code, fields, named


# Looking


@routes.get("/desk/exchange/partners", name="partners", allow=Permission.PARTNERS_READ)
async def show_partners(request: web.Request) -> web.StreamResponse:
    """Every partner, whether anything may pass, and our own digits for whoever calls us."""
    return await _register_screen(request)


async def _register_screen(request: web.Request, *, wrong: _Wrong | None = None) -> web.Response:
    vault, at = request.app[VAULT], request.app[CLOCK].now()

    def read(tx: Connection) -> dict[str, Any]:
        own = partners.current_own_key(tx, vault, at)
        doubted = store.doubts_about(tx, [key.kid for key in store.own_keys(tx, vault)])
        everyone = store.everyone(tx, vault)
        return {
            "everyone": everyone,
            "closed": {each.id: each.why_unreachable(at) for each in everyone},
            "soon": at + WARNED_BEFORE,
            "own": keys.fingerprint(own.sign_public, own.seal_public),
            "own_since": own.made_at,
            "doubted_by": [each for each in everyone if each.id in {doubt.said_by for doubt in doubted}],
            **_words(request, wrong),
        }

    status = 409 if wrong else 200
    return await show(request, "desk/partners.html", read, here="exchange", writes=True, status=status)


@routes.get("/desk/exchange/partners/{id}", name="partner", allow=Permission.PARTNERS_READ)
async def show_partner(request: web.Request) -> web.StreamResponse:
    return await _partner_screen(request)


async def _partner_screen(request: web.Request, *, wrong: _Wrong | None = None) -> web.Response:
    vault, at, partner_id = request.app[VAULT], request.app[CLOCK].now(), request.match_info["id"]

    def read(tx: Connection) -> dict[str, Any]:
        partner = _known(tx, request, partner_id)
        every = {each.id: each for each in store.everyone(tx, vault)}
        return {
            "partner": partner,
            "closed": partner.why_unreachable(at),
            "fingerprints": {key.kid: keys.fingerprint(key.sign_public, key.seal_public) for key in partner.keys},
            "states": {key.kid: KEY_STATES[key.state(at)] for key in partner.keys},
            "doubts": store.doubts_about(tx, [key.kid for key in partner.keys]),
            "every": every,
            "refused": [(row.at, _why_refused(row, partner, at)) for row in refused_lately(tx, partner.id)],
            "at": at,
            **_words(request, wrong),
        }

    return await show(request, "desk/partner.html", read, here="exchange", status=409 if wrong else 200)


def _why_refused(row: audit.AuditRow, partner: Partner, at: datetime) -> Refused:
    """What a code says to a human: a rule that closed the channel says it as it stands now."""
    code, now = str(row.facts.get("why")), partner.why_closed(at)
    if now is not None and now.code == code:
        return now
    known = REFUSALS.get(code)
    return known() if known is not None else ChannelClosed(code, NOT_ALLOWED)


def _words(request: web.Request, wrong: _Wrong | None) -> dict[str, Any]:
    return {
        "proves_by": proves_by(request[OFFICER]),
        "kinds": KINDS,
        "reaches": REACHES,
        "purposes": PURPOSES,
        "classes": {code.removeprefix("data:"): title for code, title in CLASSES.items()},
        "types": REQUEST_TYPES,
        "problem": PROBLEMS[wrong.code] if wrong else None,
        "named": wrong.named if wrong else {},
        "wrong": wrong.fields if wrong else frozenset(),
    }


def _known(tx: Connection, request: web.Request, partner_id: str) -> Partner:
    partner = store.get(tx, partner_id, request.app[VAULT])
    if partner is None:
        raise web.HTTPNotFound
    return partner


# Describing


@routes.get("/desk/exchange/partners/new", name="new_partner", allow=Permission.PARTNERS_EDIT)
async def new_partner(request: web.Request) -> web.StreamResponse:
    return await _form_screen(request, None, MultiDict())


@routes.get("/desk/exchange/partners/{id}/change", name="change_partner", allow=Permission.PARTNERS_EDIT)
async def change_form(request: web.Request) -> web.StreamResponse:
    partner_id = request.match_info["id"]
    partner = await request.app[DATABASE].read(lambda tx: _known(tx, request, partner_id))
    return await _form_screen(request, partner, _typed(partner))


async def _form_screen(
    request: web.Request, partner: Partner | None, typed: MultiDict[str], *, wrong: _Wrong | None = None
) -> web.Response:
    def read(_tx: Connection) -> dict[str, Any]:
        contacts = sum(f"contact_name-{number}" in typed for number in range(MOST_CONTACTS))
        return {"partner": partner, "typed": typed, "contacts": max(2, contacts), **_words(request, wrong)}

    return await show(request, "desk/partner_edit.html", read, here="exchange", status=409 if wrong else 200)


@routes.post(
    "/desk/exchange/partners/new",
    name="new_partner",
    allow=Permission.PARTNERS_EDIT,
    body_cap=KEY_FILE_CAP,
    files=True,
)
async def add(request: web.Request) -> web.StreamResponse:
    """A partner from what the form says and, if it is there, its key file. Nothing passes yet."""
    fields, hand = await form(request), hand_of(request)
    raw = uploaded(request, "file")

    def work(tx: Connection) -> str:
        partner, card = _described(fields, new_id(), request[LANGUAGE]), _card(raw) if raw else None
        if card is not None and partner.endpoint is None and fields.get("reach") != "wait":
            partner = replace(partner, endpoint=_endpoint(card))
        alike = partners.look_alikes(tx, partner.name)
        if alike and not fields.get("sure"):
            raise _Wrong("alike", fields=frozenset({"sure"}), other=", ".join(alike))
        partners.add_partner(tx, hand.vault, partner, by=hand.officer.id, at=hand.at)
        if card is not None:
            partners.add_key(tx, hand.vault, partner.id, card, by=hand.officer.id, at=hand.at)
        return partner.id

    try:
        partner_id = await _write(request, work)
    except _Wrong as wrong:
        return await _form_screen(request, None, fields, wrong=wrong)
    return go_to(request, "partner", id=partner_id, notice="saved")


@routes.post("/desk/exchange/partners/{id}/change", name="change_partner", allow=Permission.PARTNERS_EDIT)
async def change(request: web.Request) -> web.StreamResponse:
    """Say something else of a partner, having proven again who one is; then two admins sign again."""
    fields, hand, partner_id = await form(request), hand_of(request), request.match_info["id"]
    known = await request.app[DATABASE].read(lambda tx: _known(tx, request, partner_id))

    def work(tx: Connection) -> None:
        now = _known(tx, request, partner_id)
        endpoint = said.endpoint or (None if said.by_link or fields.get("reach") == "wait" else now.endpoint)
        kept = {"deployment": now.deployment, "our_kid": now.our_kid, "keys": now.keys, "closed_at": now.closed_at}
        changed = replace(said, endpoint=endpoint, **kept)
        partners.change_partner(tx, hand.vault, changed, by=hand.officer.id, at=hand.at)

    try:
        said = _described(fields, partner_id, request[LANGUAGE])  # first: a code is spent on nothing that cannot be
        await _proven(request, fields)
        await _write(request, work)
    except _Wrong as wrong:
        return await _form_screen(request, known, fields, wrong=wrong)
    return go_to(request, "partner", id=partner_id, notice="saved")


def _described(fields: MultiDict[str], partner_id: str, language: str) -> Partner:
    """The partner that a form describes, through the same reading as a file. Raises _Wrong."""
    given: dict[str, Any] = {
        "name": fields.get("name", ""),
        "country": fields.get("country", "").strip().upper(),
        "kind": fields.get("kind", ""),
        "competence": fields.getall("competence", []),
        "area": fields.get("area", ""),
        "languages": _listed(fields.get("languages", "")),
        "contacts": _contacts(fields),
        "may_send": fields.getall("may_send", []),
        "may_receive": fields.getall("may_receive", []),
        "reach": fields.get("reach", ""),
    }
    try:
        reports = {"none": [], "unknown": "unknown"}.get(
            fields.get("reports", ""), sorted(countries_of(fields.get("reports_to", ""), language))
        )
    except Incomplete:
        reports = []
    if reports or fields.get("reports") == "none":
        given["reports_to"] = reports
    if fields.get("endpoint", "").strip():
        given["endpoint"] = fields["endpoint"].strip()
    if fields.get("valid_from") or fields.get("valid_to"):
        given["agreement"] = _agreement(fields)
    try:
        return described(given, partner_id=partner_id)
    except DescriptionWrong as error:
        named = frozenset(word.strip(":") for problem in error.problems for word in problem.split()[:2])
        raise _Wrong("described", fields=named) from None


def _agreement(fields: MultiDict[str]) -> dict[str, Any]:
    days = fields.get("retention_days", "").strip()
    times = {
        key: {"days": int(said) if said.isdecimal() else said, "source": fields.get(f"time_source-{key}", "")}
        for key in REQUEST_TYPES
        if (said := fields.get(f"time_days-{key}", "").strip())
    }
    return {
        "reference": fields.get("reference", ""),
        "purposes": fields.getall("purposes", []),
        "data_classes": fields.getall("data_classes", []),
        "retention_days": int(days) if days.isdecimal() else days,
        "valid_from": _day(fields.get("valid_from", "")),
        "valid_to": _day(fields.get("valid_to", "")),
        "times": times,
    }


def _day(said: str) -> date | str:
    try:
        return date.fromisoformat(said)
    except ValueError:
        return said


def _listed(said: str) -> list[str]:
    return said.replace(",", " ").replace("،", " ").split()


def _contacts(fields: MultiDict[str]) -> list[dict[str, Any]]:
    found = []
    for number in range(MOST_CONTACTS):
        said: dict[str, Any] = {
            name: fields.get(f"contact_{name}-{number}", "").strip() for name in ("name", "phone", "email")
        }
        if any(said.values()):
            found.append({**said, "languages": _listed(fields.get(f"contact_languages-{number}", ""))})
    return found


def _typed(partner: Partner) -> MultiDict[str]:
    """The fields of the form as they would have to be typed to describe this partner as it is described now."""
    wait = partner.endpoint is None and not partner.by_link
    reach = "link" if partner.by_link else "fetch" if partner.fetch else "wait" if wait else "push"
    typed = MultiDict(
        name=partner.name,
        country=partner.country,
        kind=partner.kind.value,
        area=partner.area,
        languages=", ".join(partner.languages),
        reach=reach,
        endpoint=partner.endpoint or "",
        reports="unknown" if partner.reports_to is None else "some" if partner.reports_to else "none",
        reports_to=", ".join(sorted(partner.reports_to or ())),
    )
    for name in ("competence", "may_send", "may_receive"):
        for code in sorted(getattr(partner, name)):
            typed.add(name, code)
    for number, contact in enumerate(partner.contacts[:MOST_CONTACTS]):
        for name in ("name", "phone", "email"):
            typed[f"contact_{name}-{number}"] = getattr(contact, name)
        typed[f"contact_languages-{number}"] = ", ".join(contact.languages)
    agreement = partner.agreement
    if agreement is not None:
        typed["reference"], typed["retention_days"] = agreement.reference, str(agreement.retention_days)
        typed["valid_from"], typed["valid_to"] = f"{agreement.valid_from:%Y-%m-%d}", f"{agreement.valid_to:%Y-%m-%d}"
        for name in ("purposes", "data_classes"):
            for code in sorted(getattr(agreement, name)):
                typed.add(name, code)
        for key, each in agreement.times.items():
            typed[f"time_days-{key}"], typed[f"time_source-{key}"] = str(each.days), each.source
    return typed


# Keys


@routes.post(
    "/desk/exchange/partners/{id}/key",
    name="take_partner_key",
    allow=Permission.PARTNERS_EDIT,
    body_cap=KEY_FILE_CAP,
    files=True,
)
async def take_key(request: web.Request) -> web.StreamResponse:
    """Another key file: one that the verified key vouches for needs no phone call."""
    await form(request)
    raw, hand, partner_id = uploaded(request, "file"), hand_of(request), request.match_info["id"]

    def work(tx: Connection) -> None:
        _known(tx, request, partner_id)
        partners.add_key(tx, hand.vault, partner_id, _card(raw), by=hand.officer.id, at=hand.at)

    return await _acted(request, work)


@routes.post("/desk/exchange/partners/{id}/sign", name="sign_partner", allow=Permission.PARTNERS_EDIT)
async def sign(request: web.Request) -> web.StreamResponse:
    """An admin, who proves again who they are, has called and compared: a new key, a key in doubt, or the contact of a
    partner without one."""
    fields, hand, partner_id = await form(request), hand_of(request), request.match_info["id"]
    heard = fields.get("heard", "")[:300]

    def work(tx: Connection) -> None:
        _known(tx, request, partner_id)
        trust.sign(tx, hand.vault, partner_id, heard=heard, officer_id=hand.officer.id, at=hand.at)

    return await _acted(request, work, proof=fields)


@routes.post("/desk/exchange/partners/{id}/revoke", name="revoke_partner", allow=Permission.PARTNERS_EDIT)
async def revoke(request: web.Request) -> web.StreamResponse:
    """Trust one of its keys no more, or none of them, at once, and say so to the other partners. An admin proves again
    who they are, and waits for nothing else."""
    fields, hand, partner_id = await form(request), hand_of(request), request.match_info["id"]
    partner = await request.app[DATABASE].read(lambda tx: _known(tx, request, partner_id))
    said = fields.get("key", "")
    if not fields.get("sure"):
        return await _partner_screen(request, wrong=_Wrong("sure"))
    if said not in (EVERY_KEY, *(key.kid for key in partner.keys)):
        return await _partner_screen(request, wrong=_Wrong("described", fields=frozenset({"key"})))

    def work(tx: Connection) -> None:
        trust.revoke(tx, hand.vault, partner_id, None if said == EVERY_KEY else said, by=hand.officer.id, at=hand.at)

    return await _acted(request, work, proof=fields)


@routes.post("/desk/exchange/partners/{id}/close", name="close_partner", allow=Permission.PARTNERS_EDIT)
async def close(request: web.Request) -> web.StreamResponse:
    """End the channel to a partner for good, at once, links too. An admin proves again who they are."""
    fields, hand, partner_id = await form(request), hand_of(request), request.match_info["id"]
    await request.app[DATABASE].read(lambda tx: _known(tx, request, partner_id))
    if not fields.get("sure"):
        return await _partner_screen(request, wrong=_Wrong("sure"))

    def work(tx: Connection) -> None:
        trust.close(tx, hand.vault, partner_id, by=hand.officer.id, at=hand.at)

    return await _acted(request, work, proof=fields)


@routes.post("/desk/exchange/partners/rotate", name="rotate_own_key", allow=Permission.PARTNERS_EDIT)
async def rotate(request: web.Request) -> web.StreamResponse:
    """A new pair of our own, announced to every partner, once an admin has proven again who they are."""
    fields, hand, settings = await form(request), hand_of(request), request.app[SETTINGS]
    if not fields.get("sure"):
        return go_to(request, "partners", notice="incomplete")
    name = settings.exchange_name or urlsplit(settings.public_url).netloc
    identity = Identity(name, settings.country, settings.public_url)

    def work(tx: Connection) -> int:
        return trust.announce_key(tx, hand.vault, identity, by=hand.officer.id, at=hand.at)

    try:
        await _proven(request, fields)
        await _write(request, work)
    except _Wrong as wrong:
        return await _register_screen(request, wrong=wrong)
    return go_to(request, "partners", notice="saved")


# What everything above stands on


def _card(raw: bytes) -> KeyCard:
    try:
        return keys.read_card(raw)
    except NotAKeyFile:
        raise _Wrong("no_key_file", fields=frozenset({"key_file"})) from None


def _endpoint(card: KeyCard) -> str:
    try:
        return plain_endpoint(card.endpoint)
    except EndpointRefused:
        raise _Wrong("endpoint", fields=frozenset({"endpoint"})) from None


async def _proven(request: web.Request, fields: MultiDict[str]) -> None:
    """Raises _Wrong where who acts has not shown again who they are."""
    wrong = await prove(request, fields)
    if wrong is not None:
        raise _Wrong(wrong)


async def _acted(request: web.Request, work: Any, *, proof: MultiDict[str] | None = None) -> web.Response:
    """Do it, once `proof` shows who acts, where that is asked for; then the partner's page."""
    try:
        if proof is not None:
            await _proven(request, proof)
        await _write(request, work)
    except _Wrong as wrong:
        return await _partner_screen(request, wrong=wrong)
    return go_to(request, "partner", id=request.match_info["id"], notice="saved")


async def _write(request: web.Request, work: Any) -> Any:
    """Do it in one transaction, and wake whoever sends. Raises _Wrong."""
    try:
        done = await request.app[DATABASE].write(work)
    except PartnerLooksAlike as error:
        raise _Wrong("same_name", fields=frozenset({"name"}), other=error.other) from None
    except NameRefused:
        raise _Wrong("name", fields=frozenset({"name"})) from None
    except KeyRefused:
        raise _Wrong("key", fields=frozenset({"key_file"})) from None
    except PartnerIsClosed as error:
        raise _Wrong("closed", partner=str(error)) from None
    except LetInByTheOther:
        raise _Wrong("let_in") from None
    except LetInLately:
        raise _Wrong("let_in_lately") from None
    except CannotSign:
        raise _Wrong("not_signed") from None
    request.app[SIGNALS].wake("exchange", "post")
    return done
