"""What a file says of a partner: its name and country, whom it reports to, what was agreed and what may pass."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

import yaml

from bot.exchange.partners.endpoint import EndpointRefused, plain_endpoint
from bot.exchange.partners.model import AgreedTime, Agreement, Contact, Partner, PartnerKind

TEMPLATE = """\
# Who a partner is, for: ./waymark partner add THIS_FILE THEIR_KEY_FILE
# Two admins sign under what stands here, so change it with care: ./waymark partner change NAME THIS_FILE
name: Tunis Child Protection
country: TN                      # ISO 3166
kind: ngo                        # authority, ngo, international (UN, Red Cross) or deployment (another helpline)
reports_to: unknown              # to which states' authorities it belongs or reports: [TN], [] for none, or unknown
competence: [info_child]         # the requests it can act on
area: ""                         # where in the country; empty for everywhere
languages: [ar, fr]
contacts:                        # whom you call to compare the fingerprint: a number you know from elsewhere
  - {name: Leila B., phone: "+216 71 000 000", email: leila@example.org, languages: [ar, fr]}
agreement:                       # outside its dates nothing passes
  reference: MoU 2026-14
  purposes: [child_protection]
  data_classes: [identity, family]
  retention_days: 90
  valid_from: 2026-01-01
  valid_to: 2027-01-01           # the first day on which it does not hold any more
  times:                         # how soon they answer, where that was agreed, and where it stands; may be left out
    info_child: {days: 14, source: "MoU 2026-14, art. 5"}
may_send: [info_child]           # requests we may send to them
may_receive: [info_child]        # requests they may send to us
reach: push                      # push: to the address in their key file; fetch: they cannot reach us, so we also
                                 # fetch theirs there; wait: we cannot reach them, they fetch from us or get a file;
                                 # link: they have no Waymark, and the first contact with a phone and an e-mail gets
                                 # a link by e-mail and a code by phone
"""

_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_COUNTRY = re.compile(r"[A-Z]{2}")
#: Plain enough for the header of a mail: no spaces, no line ends, no quotes.
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_FIELDS = frozenset(
    {
        *("name", "country", "kind", "reports_to", "competence", "area", "languages", "contacts"),
        *("agreement", "may_send", "may_receive", "reach", "endpoint"),
    }
)
LONGEST_FILE = 64 * 1024
#: Of days: an answer later than in a year helps no child.
LONGEST_TIME = 366
LONGEST_SOURCE = 200


class DescriptionWrong(ValueError):
    """The file cannot be used as it is. `problems` holds a sentence for each thing to put right."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read_description(text: str, *, partner_id: str) -> Partner:
    """The partner a file describes, without keys. Raises DescriptionWrong with every problem there is."""
    try:
        given = yaml.safe_load(text) if len(text) <= LONGEST_FILE else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise DescriptionWrong([f"line {mark.line + 1 if mark else '?'} is no YAML"]) from None
    if not isinstance(given, dict):
        raise DescriptionWrong(["the file holds no description; begin with: ./waymark partner template"])
    return described(given, partner_id=partner_id)


def described(given: Mapping[str, Any], *, partner_id: str) -> Partner:
    """The partner that these fields describe, as a file holds them, without keys. Raises DescriptionWrong; each problem
    begins with the name of its field."""
    read = _Reading(given)
    partner = Partner(
        id=partner_id,
        name=read.text("name"),
        country=read.one("country", _COUNTRY, "two letters, as in TN"),
        kind=read.kind(),
        reports_to=read.reports_to(),
        competence=read.codes("competence"),
        area=read.text("area", or_empty=True),
        contacts=read.contacts(),
        languages=tuple(read.list("languages", _LANGUAGE, "codes of languages, as in [ar, fr]")),
        agreement=read.agreement(),
        may_send=read.codes("may_send"),
        may_receive=read.codes("may_receive"),
        endpoint=read.endpoint(),
        fetch=given.get("reach", "push") == "fetch",
        by_link=given.get("reach") == "link",
    )
    if given.get("reach", "push") not in ("push", "fetch", "wait", "link"):
        read.problems.append("reach must be push, fetch, wait or link")
    if partner.by_link and partner.link_contact is None:
        read.problems.append("who is reached by link needs a contact with both a phone and an e-mail")
    if partner.by_link and (partner.endpoint or partner.may_receive):
        read.problems.append("who is reached by link has no endpoint and sends us no requests: leave them out")
    for unknown in sorted(str(name) for name in given.keys() - _FIELDS):
        read.problems.append(f"there is no field {unknown!r}")
    if read.problems:
        raise DescriptionWrong(read.problems)
    return partner


def waits(text: str) -> bool:
    """Whether the file says that the partner cannot be reached, so that its own address is not to be used."""
    return bool(yaml.safe_load(text).get("reach") == "wait")


class _Reading:
    """Reads field by field and remembers what is wrong."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given
        self.problems: list[str] = []

    def text(self, name: str, *, or_empty: bool = False) -> str:
        value = self.given.get(name, "")
        if not isinstance(value, str) or not (or_empty or value.strip()):
            self.problems.append(f"{name} must be text")
            return ""
        return value.strip()

    def one(self, name: str, form: re.Pattern[str], must: str) -> str:
        value = self.given.get(name)
        if value is False:  # YAML takes NO for a no
            value = "NO"
        if not isinstance(value, str) or not form.fullmatch(value):
            self.problems.append(f"{name} must be {must}")
            return ""
        return value

    def list(self, name: str, form: re.Pattern[str], must: str) -> list[str]:
        values = self.given.get(name, [])
        if not isinstance(values, list):
            self.problems.append(f"{name} must be {must}")
            return []
        values = ["NO" if value is False else value for value in values]
        if not all(isinstance(value, str) and form.fullmatch(value) for value in values):
            self.problems.append(f"{name} must be {must}")
            return []
        return values

    def codes(self, name: str) -> frozenset[str]:
        return frozenset(self.list(name, _CODE, "a list of codes, as in [info_child, verify_adult]"))

    def kind(self) -> PartnerKind:
        value = self.given.get("kind")
        if value not in set(PartnerKind):
            self.problems.append(f"kind must be one of: {', '.join(PartnerKind)}")
            return PartnerKind.NGO
        return PartnerKind(value)

    def reports_to(self) -> frozenset[str] | None:
        """It must be said, even when nobody knows: what is left out by mistake must not look like "to none"."""
        value = self.given.get("reports_to")
        if value == "unknown":
            return None
        if value is None:
            self.problems.append("reports_to must be given: a list of countries, [] for none, or unknown")
            return None
        return frozenset(self.list("reports_to", _COUNTRY, "a list of countries, as in [TN], or unknown"))

    def contacts(self) -> tuple[Contact, ...]:
        values = self.given.get("contacts", [])
        fields = {"name", "phone", "email", "languages"}
        if not isinstance(values, list) or not all(isinstance(each, dict) and each.keys() <= fields for each in values):
            self.problems.append("contacts must be a list, each with name, phone, email and languages")
            return ()
        found = []
        for each in values:
            named = {name: str(each.get(name) or "").strip() for name in ("name", "phone", "email")}
            if not named["name"] or not (named["phone"] or named["email"]):
                self.problems.append("every contact needs a name, and a phone or an e-mail")
            if named["email"] and not _EMAIL.fullmatch(named["email"]):
                self.problems.append(f"{named['email']!r} is no e-mail address")
            languages = each.get("languages") or []
            found.append(Contact(**named, languages=tuple(str(language) for language in languages)))
        return tuple(found)

    def agreement(self) -> Agreement | None:
        value = self.given.get("agreement")
        if value is None:
            return None
        fields = {"reference", "purposes", "data_classes", "retention_days", "valid_from", "valid_to", "times"}
        if not isinstance(value, dict) or value.keys() - fields:
            self.problems.append(f"agreement may have: {', '.join(sorted(fields))}")
            return None
        inner = _Reading(value)
        first, last = inner.day("valid_from"), inner.day("valid_to")
        days = value.get("retention_days")
        if not isinstance(days, int) or isinstance(days, bool) or days < 1:
            inner.problems.append("retention_days must be a number of days")
            days = 1
        if first >= last:
            inner.problems.append("valid_to must come after valid_from")
        agreement = Agreement(
            inner.codes("purposes"),
            inner.codes("data_classes"),
            days,
            first,
            last,
            str(value.get("reference") or ""),
            inner.times(),
        )
        self.problems += [f"agreement: {problem}" for problem in inner.problems]
        return agreement

    def times(self) -> dict[str, AgreedTime]:
        values = self.given.get("times") or {}
        if not isinstance(values, dict):
            self.problems.append("times must name request types, as in info_child: {days: 14, source: MoU art. 5}")
            return {}
        found = {}
        for key, value in values.items():
            days = value.get("days") if isinstance(value, dict) else None
            source = value.get("source") if isinstance(value, dict) else None
            if not isinstance(key, str) or not _CODE.fullmatch(key) or not isinstance(value, dict):
                self.problems.append(f"times: {key!r} is no request type with days and a source")
            elif value.keys() - {"days", "source"}:
                self.problems.append(f"times: {key} may have days and source")
            elif type(days) is not int or not 1 <= days <= LONGEST_TIME:
                self.problems.append(f"times: {key} needs days, from 1 to {LONGEST_TIME}")
            elif not isinstance(source, str) or not 0 < len(source.strip()) <= LONGEST_SOURCE:
                self.problems.append(f"times: {key} needs a source: where in the agreement it stands")
            else:
                found[key] = AgreedTime(days, source.strip())
        return found

    def day(self, name: str) -> datetime:
        value = self.given.get(name)
        if isinstance(value, date) and not isinstance(value, datetime):
            return datetime.combine(value, time(), UTC)
        self.problems.append(f"{name} must be a day, as in 2026-01-31")
        return datetime(2000, 1, 1, tzinfo=UTC)

    def endpoint(self) -> str | None:
        value = self.given.get("endpoint")
        if value is None:
            return None
        try:
            return plain_endpoint(str(value))
        except EndpointRefused as error:
            self.problems.append(f"endpoint: {error}")
            return None
