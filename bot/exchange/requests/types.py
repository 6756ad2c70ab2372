"""The fifteen requests one country can make of another about a child: what each tells, asks, rests on, and by when.

Reviewed data. A type tells as little as the question needs: what is not among its `tells` cannot be sent, what is not
among its `asks` cannot be answered. Every time limit carries its source; `confirmed` is False where nobody has read the
law itself, and the desk says so. Nothing here is legal advice.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from bot.kernel.words import N_


class Input(StrEnum):
    """How a field is filled in."""

    LINE = "line"
    WORDS = "words"
    YEAR = "year"
    DAY = "day"
    CHOICE = "choice"


LONGEST: Mapping[Input, int] = MappingProxyType(
    {Input.LINE: 200, Input.WORDS: 4000, Input.YEAR: 4, Input.DAY: 10, Input.CHOICE: 20}
)

YES_NO: Mapping[str, str] = MappingProxyType({"yes": N_("yes"), "no": N_("no"), "unknown": N_("not known")})
TIES: Mapping[str, str] = MappingProxyType(
    {
        "parent": N_("parent"),
        "sibling": N_("brother or sister"),
        "grandparent": N_("grandparent"),
        "uncle_aunt": N_("uncle or aunt"),
        "cousin": N_("cousin"),
        "spouse": N_("husband or wife"),
        "friend": N_("friend of the family"),
        "none": N_("no tie"),
        "unclear": N_("unclear"),
    }
)


class Field(Struct, frozen=True):
    """One thing a request may tell."""

    key: str
    title: str
    input: Input = Input.LINE
    choices: Mapping[str, str] | None = None


def _fields(*fields: Field) -> Mapping[str, Field]:
    return MappingProxyType({field.key: field for field in fields})


FIELDS: Mapping[str, Field] = _fields(
    Field("birth_year", N_("Year of birth"), Input.YEAR),
    Field("birth", N_("Date and place of birth")),
    Field("names", N_("Names in their own script, and nicknames")),
    Field("parents", N_("Names of the parents")),
    Field("address", N_("Last address there")),
    Field("adult_name", N_("Name of the adult")),
    Field("adult_document", N_("The adult's document: kind and number")),
    Field("claimed_tie", N_("The tie the adult claims"), Input.CHOICE, TIES),
    Field("proof", N_("Proof that was shown"), Input.WORDS),
    Field("last_seen", N_("Where and when they were last seen"), Input.WORDS),
    Field("secret_question", N_("A question only the family can answer")),
    Field("safe_contact", N_("A safe way to reach us")),
    Field("carer_name", N_("Name of the person who would care for the child")),
    Field("carer_address", N_("Where that person lives")),
    Field("carer_tie", N_("Their tie to the child"), Input.CHOICE, TIES),
    Field("carer_agrees", N_("The relative agrees in writing"), Input.CHOICE, YES_NO),
    Field("reasons", N_("Why this would be best for the child"), Input.WORDS),
    Field("report", N_("Report on the child"), Input.WORDS),
    Field("proofs", N_("List of the proofs"), Input.WORDS),
    Field("bia", N_("A best interests assessment is done"), Input.CHOICE, YES_NO),
    Field("bid", N_("A best interests determination is done"), Input.CHOICE, YES_NO),
    Field("escort", N_("Who travels with the child")),
    Field("receiver", N_("Who receives the child")),
    Field("arrival", N_("Planned arrival"), Input.DAY),
    Field("description", N_("What the child looks like and wears"), Input.WORDS),
    Field("route", N_("Route and vehicle")),
    Field("seen_at", N_("When this was seen")),
    Field("risk", N_("The danger"), Input.WORDS),
    Field("phone", N_("Number to call, day and night")),
    Field("summary", N_("Needs, risks and plan"), Input.WORDS),
    Field("conditions", N_("Illnesses and conditions, or why none are listed"), Input.WORDS),
    Field("medicines", N_("Medicines by their international name, or why none are listed"), Input.WORDS),
    Field("allergies", N_("Allergies, or why none are listed"), Input.WORDS),
    Field("vaccines", N_("Vaccinations"), Input.WORDS),
    Field("schooling", N_("Years at school and last grade")),
    Field("school", N_("The last school")),
    Field("teaching_language", N_("Language of teaching")),
    Field("subjects", N_("Subjects and levels"), Input.WORDS),
    Field("certificates", N_("Certificates seen"), Input.WORDS),
    Field("offence", N_("The offence")),
    Field("evidence_wanted", N_("The evidence that is needed"), Input.WORDS),
    Field("order", N_("The order and who made it")),
    Field("next_hearing", N_("Next hearing"), Input.DAY),
)


class Question(Struct, frozen=True):
    """One thing a request may ask."""

    key: str
    title: str


def _questions(*questions: Question) -> Mapping[str, Question]:
    return MappingProxyType({question.key: question for question in questions})


QUESTIONS: Mapping[str, Question] = _questions(
    Question("who_cared", N_("Who cared for the child, and how?")),
    Question("harm", N_("What harm or danger is known?")),
    Question("services", N_("Which services knew the child?")),
    Question("identity", N_("Is the adult who they say they are?")),
    Question("tie", N_("Is the tie true?")),
    Question("permission", N_("Did the parents give permission, and how was it checked?")),
    Question("adult_risk", N_("Is any danger from the adult known?")),
    Question("family_found", N_("Was the family found? Do not say where.")),
    Question("family_wish", N_("Does the family wish to be in contact?")),
    Question("secret_answer", N_("What did the family answer to the question only they can answer?")),
    Question("household", N_("Who lives in the home, and on what?")),
    Question("carer_able", N_("Is the person able and willing to care for the child?")),
    Question("carer_risk", N_("What speaks against it?")),
    Question("state_consent", N_("Do your authorities consent?")),
    Question("conditions_of_stay", N_("Under which conditions?")),
    Question("charge", N_("Do you take charge of the child?")),
    Question("transfer_plan", N_("How, when and to whom is the child handed over?")),
    Question("reception", N_("Who receives the child, and what care is ready?")),
    Question("done", N_("What was done?")),
    Question("child_safe", N_("Is the child found and safe?")),
    Question("case_worker", N_("Who is the case worker there?")),
    Question("arrived", N_("Did the child arrive, and who saw them?")),
    Question("next_doctor", N_("Which doctor goes on with the care?")),
    Question("record", N_("What does the record say?")),
    Question("record_genuine", N_("Is the document genuine?")),
    Question("evidence", N_("Which evidence can be given, and how?")),
    Question("guardian", N_("Who is guardian there, and from when?")),
    Question("lawyer", N_("Does the lawyer go on, or who follows?")),
    Question("hand_over", N_("Do you have the child's file, and will you hand it over to us?")),
)


class Span(Struct, frozen=True):
    """A time limit as law counts it: hours, days, or months of the calendar."""

    hours: int = 0
    days: int = 0
    months: int = 0

    def after(self, at: datetime) -> datetime:
        """The moment the limit ends. A month ends on the same day, or on the last day of a shorter month."""
        month = at.month - 1 + self.months
        year, month = at.year + month // 12, month % 12 + 1
        day = min(at.day, calendar.monthrange(year, month)[1])
        return at.replace(year=year, month=month, day=day) + timedelta(hours=self.hours, days=self.days)


class Basis(StrEnum):
    """What a time limit rests on."""

    LAW = "law"
    AGREEMENT = "agreement"  # with this partner, for this pair of countries
    PRACTICE = "practice"


class Limit(Struct, frozen=True):
    """By when an answer is due."""

    key: str
    title: str
    span: Span
    basis: Basis
    source: str
    confirmed: bool


class Answers(StrEnum):
    """What kind of body may answer."""

    CENTRAL_AUTHORITY = "central_authority"
    CHILD_PROTECTION = "child_protection"
    SOCIAL_SERVICE = "social_service"
    RED_CROSS = "red_cross"
    UNHCR = "unhcr"
    IOM = "iom"
    POLICE = "police"
    ASYLUM_UNIT = "asylum_unit"
    HEALTH = "health"
    SCHOOL = "school"
    REGISTRY = "registry"
    JUSTICE = "justice"
    GUARDIANSHIP = "guardianship"
    HELPLINE = "helpline"


BODIES: Mapping[Answers, str] = MappingProxyType(
    {
        Answers.CENTRAL_AUTHORITY: N_("Central Authority"),
        Answers.CHILD_PROTECTION: N_("child protection service"),
        Answers.SOCIAL_SERVICE: N_("International Social Service"),
        Answers.RED_CROSS: N_("Red Cross or Red Crescent"),
        Answers.UNHCR: N_("UNHCR"),
        Answers.IOM: N_("IOM"),
        Answers.POLICE: N_("police"),
        Answers.ASYLUM_UNIT: N_("asylum authority"),
        Answers.HEALTH: N_("clinic or doctor"),
        Answers.SCHOOL: N_("school or recognition centre"),
        Answers.REGISTRY: N_("civil registry"),
        Answers.JUSTICE: N_("prosecutor or court"),
        Answers.GUARDIANSHIP: N_("guardianship body"),
        Answers.HELPLINE: N_("child helpline or missing-child line"),
    }
)


class RequestType(Struct, frozen=True):
    """One of the fifteen. `tells` is required, `may_tell` is not; nothing else can be told."""

    key: str
    title: str
    tells: tuple[str, ...]
    may_tell: tuple[str, ...]
    asks: tuple[str, ...]
    law: tuple[str, ...]  # as cited, not translated
    answered_by: tuple[Answers, ...]
    limits: tuple[Limit, ...]  # the usual one first
    safeguard: str
    moves_child: bool = False  # it ends in the child going with, or to, an adult
    entrusts_child: bool = False  # it ends in an adult who answers for the child
    one_person: bool = False  # minutes count: whoever drafts it may approve it
    made_for_asylum: bool = False
    asks_relatives: bool = False  # relatives are looked for: nothing is told of them before they agree
    may_ask: tuple[str, ...] = ()  # asked only where somebody chooses it
    data: tuple[str, ...] = ("identity", "family")  # classes of data, as agreements with partners name them

    @property
    def askable(self) -> tuple[str, ...]:
        """Every question a request of this type may ask."""
        return (*self.asks, *self.may_ask)

    @property
    def who_takes_child(self) -> tuple[str, ...]:
        """The fields that say with whom, or to whom, the child goes. Where a home is only looked at, none."""
        if not (self.moves_child or self.entrusts_child):
            return ()
        return tuple(key for key in (*self.tells, *self.may_tell) if key in {"carer_name", "receiver", "escort"})

    def limit(self, key: str) -> Limit:
        """The limit of that name; the usual one for a name that is none of this type's."""
        return next((limit for limit in self.limits if limit.key == key), self.limits[0])


_USUAL, _URGENT = N_("usual"), N_("urgent")


def _practice(source: str, span: Span, urgent: Span | None = None) -> tuple[Limit, ...]:
    """Limits nobody has read in a law: asked for, and said to be so, in the reader's language, for it cites nothing."""
    usual = Limit("usual", _USUAL, span, Basis.PRACTICE, source, confirmed=False)
    if urgent is None:
        return (usual,)
    return (usual, Limit("urgent", _URGENT, urgent, Basis.PRACTICE, source, confirmed=False))


_AMMR = "Regulation (EU) 2024/1351, arts 39-40"
_AMMR_45 = "Regulation (EU) 2024/1351, art. 45"
_H96 = "Hague Child Protection Convention 1996"
_RFL = "ICRC, Restoring Family Links Strategy 2020-2025"
_CMG = "Inter-agency Guidelines for Case Management and Child Protection 2014"

_ALL = (
    RequestType(
        "info_child",
        N_("Information about a child"),
        tells=("birth_year", "names", "parents"),
        may_tell=("birth", "address"),
        asks=("who_cared", "harm", "services"),
        may_ask=("hand_over",),
        law=(f"{_H96}, arts 31, 34", "CRC, art. 19"),
        answered_by=(Answers.CENTRAL_AUTHORITY, Answers.SOCIAL_SERVICE, Answers.CHILD_PROTECTION),
        limits=_practice(N_("no treaty sets days; asked for by custom"), Span(days=30), Span(hours=72)),
        safeguard=N_("Nothing is passed on if that could endanger the child or the family."),
    ),
    RequestType(
        "verify_adult",
        N_("Verify an adult who claims a child"),
        tells=("birth_year", "adult_name", "claimed_tie"),
        may_tell=("adult_document", "proof", "parents"),
        asks=("identity", "tie", "permission", "adult_risk"),
        law=("CRC, arts 11, 35", f"{_H96}, art. 34"),
        answered_by=(
            Answers.CENTRAL_AUTHORITY,
            Answers.SOCIAL_SERVICE,
            Answers.CHILD_PROTECTION,
            Answers.POLICE,
        ),
        limits=_practice(N_("before any transfer; the hold stands until then"), Span(days=14), Span(hours=72)),
        safeguard=N_("Child and adult are heard apart. The hold stands until an answer or a decision."),
    ),
    RequestType(
        "family_trace",
        N_("Search for the family"),
        tells=("birth_year", "names", "last_seen", "safe_contact"),
        may_tell=("parents", "secret_question"),
        asks=("family_found", "family_wish", "secret_answer"),
        law=(_RFL, "CRC, arts 9-10, 22"),
        answered_by=(Answers.RED_CROSS, Answers.UNHCR, Answers.SOCIAL_SERVICE),
        limits=_practice(
            N_("no promise can be made; an example of 7-10 days (EUTF/IOM, Ethiopia 2019)"), Span(days=60)
        ),
        safeguard=N_("No place is told on either side. Each side is verified apart."),
        asks_relatives=True,
    ),
    RequestType(
        "home_study",
        N_("Look at a home and a carer"),
        tells=("birth_year", "carer_name", "carer_address", "carer_tie"),
        may_tell=("reasons",),
        asks=("household", "carer_able", "carer_risk"),
        law=(f"{_H96}, arts 33-34",),
        answered_by=(Answers.SOCIAL_SERVICE, Answers.CHILD_PROTECTION, Answers.CENTRAL_AUTHORITY),
        limits=_practice(N_("4-8 weeks are usual"), Span(days=56), Span(days=28)),
        safeguard=N_("Part of the visit is unannounced. The child's own view is heard."),
    ),
    RequestType(
        "placement_abroad",
        N_("Place a child with a carer abroad"),
        tells=("birth_year", "report", "reasons", "carer_name", "bia"),
        may_tell=("carer_address", "carer_tie"),
        asks=("state_consent", "conditions_of_stay"),
        law=(f"{_H96}, art. 33",),
        answered_by=(Answers.CENTRAL_AUTHORITY,),
        limits=_practice(N_("before the decision and before travel"), Span(days=56)),
        safeguard=N_("Without the consent of the receiving State first, the placement may not be recognised."),
        moves_child=True,
    ),
    RequestType(
        "take_charge",
        N_("Family in another European State: take charge"),
        tells=("birth_year", "carer_name", "carer_tie", "carer_agrees", "proofs", "bia"),
        may_tell=("carer_address",),
        asks=("charge", "transfer_plan", "carer_able"),
        law=(f"{_AMMR}, 45-46", "CRC, art. 10"),
        answered_by=(Answers.ASYLUM_UNIT,),
        limits=(
            Limit("usual", _USUAL, Span(months=1), Basis.LAW, f"{_AMMR}: reply within 1 month", confirmed=True),
            Limit(
                "hit",
                N_("after a hit in Eurodac or VIS"),
                Span(days=14),
                Basis.LAW,
                f"{_AMMR}: reply within 2 weeks",
                confirmed=True,
            ),
            Limit(
                "detained",
                N_("the child is detained"),
                Span(days=7),
                Basis.LAW,
                f"{_AMMR_45}: reply within 1 week; silence is acceptance",
                confirmed=True,
            ),
        ),
        safeguard=N_(
            "The relative is assessed as able to care. The child's best interests come before the family link."
        ),
        moves_child=True,
        made_for_asylum=True,
    ),
    RequestType(
        "readmission_return",
        N_("Return to a country, prepared"),
        tells=("birth_year", "bid", "receiver", "escort"),
        may_tell=("arrival", "summary"),
        asks=("reception", "transfer_plan"),
        law=("CRC, art. 3", "CRC General Comment 6, paras 84-87"),
        answered_by=(Answers.CHILD_PROTECTION, Answers.CENTRAL_AUTHORITY, Answers.IOM),
        limits=_practice(N_("only when no remedy is open any more"), Span(days=30)),
        safeguard=N_("A named person receives the child. No return without a determination of best interests."),
        moves_child=True,
    ),
    RequestType(
        "protective_alert",
        N_("Alert: a child is leaving with danger"),
        tells=("description", "route", "seen_at", "risk", "phone"),
        may_tell=("birth_year", "names", "adult_name"),
        asks=("done", "child_safe"),
        law=(f"{_H96}, art. 11", "CRC, arts 11, 35"),
        answered_by=(Answers.POLICE, Answers.CENTRAL_AUTHORITY, Answers.CHILD_PROTECTION),
        limits=_practice(N_("minutes to hours"), Span(hours=4), Span(hours=1)),
        safeguard=N_("Only what police need to find and protect the child."),
        one_person=True,
    ),
    RequestType(
        "missing_across_border",
        N_("Missing child, perhaps across a border"),
        tells=("description", "last_seen", "risk", "phone"),
        may_tell=("birth_year", "names", "adult_name", "route"),
        asks=("child_safe", "done"),
        law=("CRC, arts 11, 35", "116 000 hotlines for missing children, Commission Decision 2007/116/EC"),
        answered_by=(Answers.POLICE, Answers.HELPLINE, Answers.CHILD_PROTECTION),
        limits=_practice(N_("now"), Span(hours=24), Span(hours=4)),
        safeguard=N_("Before the family is told, it is checked that they are no danger."),
        one_person=True,
    ),
    RequestType(
        "case_transfer",
        N_("Hand a case over"),
        tells=("birth_year", "names", "summary", "receiver", "arrival"),
        may_tell=("escort", "medicines"),
        asks=("case_worker", "arrived"),
        law=(_CMG, "ECOWAS Support Procedures and Standards 2016"),
        answered_by=(Answers.CHILD_PROTECTION, Answers.SOCIAL_SERVICE, Answers.HELPLINE),
        limits=_practice(N_("accepted before travel; arrival checked within 24 hours"), Span(days=7), Span(hours=24)),
        safeguard=N_("Nobody travels before the other side has accepted."),
        moves_child=True,
        data=("identity", "family", "health"),
    ),
    RequestType(
        "health_record",
        N_("Health record to the next doctor"),
        tells=("birth_year", "conditions", "medicines", "allergies"),
        may_tell=("vaccines",),
        asks=("next_doctor",),
        law=("CRC, art. 24", "HL7 FHIR International Patient Summary"),
        answered_by=(Answers.HEALTH, Answers.IOM),
        limits=_practice(N_("before travel; urgent medicines the same day"), Span(days=7), Span(hours=24)),
        safeguard=N_("From clinician to clinician. Nothing about asylum or papers."),
        data=("identity", "health"),
    ),
    RequestType(
        "education_record",
        N_("School record"),
        tells=("birth_year", "names", "schooling", "school"),
        may_tell=("teaching_language", "subjects", "certificates"),
        asks=("record", "record_genuine"),
        law=("Lisbon Recognition Convention, art. VII", "CRC, art. 28"),
        answered_by=(Answers.SCHOOL,),
        limits=_practice(N_("2-4 weeks are usual"), Span(days=28)),
        safeguard=N_("No contact with the country of origin where the child fears it."),
        data=("identity", "education"),
    ),
    RequestType(
        "civil_record",
        N_("Birth or civil record"),
        tells=("names", "birth", "parents"),
        may_tell=("address",),
        asks=("record", "record_genuine"),
        law=("CRC, arts 7-8",),
        answered_by=(Answers.REGISTRY, Answers.CENTRAL_AUTHORITY),
        limits=_practice(N_("months are usual"), Span(months=3)),
        safeguard=N_("Through a consulate only where that is safe. Asylum is never mentioned."),
    ),
    RequestType(
        "criminal_evidence",
        N_("Evidence of a crime against a child"),
        tells=("birth_year", "offence", "evidence_wanted"),
        may_tell=("adult_name",),
        asks=("evidence",),
        law=("CRC, arts 34-35", "Palermo Protocol 2000, art. 10"),
        answered_by=(Answers.JUSTICE, Answers.POLICE),
        limits=_practice(N_("as the law of both sides says"), Span(days=30), Span(hours=72)),
        safeguard=N_("The child is not questioned again for this."),
        data=("identity", "justice"),
    ),
    RequestType(
        "guardian_handover",
        N_("Hand guardianship over"),
        tells=("birth_year", "order", "receiver", "next_hearing"),
        may_tell=("arrival", "summary"),
        asks=("guardian", "lawyer"),
        law=("CRC, art. 20", "CoE Recommendation CM/Rec(2019)11"),
        answered_by=(Answers.GUARDIANSHIP, Answers.CHILD_PROTECTION),
        limits=_practice(N_("before arrival"), Span(days=14), Span(hours=72)),
        safeguard=N_("The child is never without a guardian in between. The lawyer goes on."),
        entrusts_child=True,
    ),
)

REQUEST_TYPES: Mapping[str, RequestType] = MappingProxyType({each.key: each for each in _ALL})
