"""What a record holds, as data: each field with its kind, its choices, and who may see it.

After the minimum record of section f of the domain pack (the forms of Primero). What can get a person hurt is
restricted: only whoever holds the case reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct, field

from bot.kernel.access import Permission
from bot.kernel.words import N_

LONGEST_TEXT = 500
LONGEST_LONG = 4000
OLDEST = 120


class Kind(StrEnum):
    """How a field is filled in."""

    TEXT = "text"
    LONG = "long"
    DATE = "date"
    AGE = "age"
    CHOICE = "choice"
    CHOICES = "choices"


class Level(StrEnum):
    """How far a field is open."""

    OPEN = "open"  # to whoever may read the record
    RESTRICTED = "restricted"


#: The right that reading a field of each level asks for. Writing asks for `record.edit` beside it.
READING: Mapping[Level, Permission] = MappingProxyType(
    {Level.OPEN: Permission.RECORD_READ, Level.RESTRICTED: Permission.RECORD_RESTRICTED}
)


class Field(Struct, frozen=True):
    """One field of the record."""

    code: str
    title: str
    kind: Kind = Kind.TEXT
    choices: Mapping[str, str] = field(default_factory=dict)
    level: Level = Level.OPEN


class Section(Struct, frozen=True):
    """Fields that are filled in together."""

    code: str
    title: str
    fields: tuple[Field, ...]


class WrongValue(ValueError):
    """A field does not take this. `args[0]` is its code."""


YES_NO = {"yes": N_("Yes"), "no": N_("No"), "unknown": N_("Not known")}
SEXES = {"female": N_("Female"), "male": N_("Male"), "other": N_("Another"), "unknown": N_("Not known")}
PROTECTION = {
    "unaccompanied": N_("Unaccompanied"),
    "separated": N_("Separated"),
    "accompanied": N_("Accompanied"),
    "unknown": N_("Not known"),
}
DISPLACEMENT = {
    "resident": N_("Resident"),
    "displaced": N_("Displaced inside the country"),
    "asylum_seeker": N_("Asks for asylum"),
    "refugee": N_("Refugee"),
    "stateless": N_("Stateless"),
    "returnee": N_("Returned"),
    "foreign": N_("Foreign national"),
}
CARE = {
    "parent": N_("Parent"),
    "adult_sibling": N_("Adult sibling"),
    "kinship": N_("Relatives"),
    "foster": N_("Foster family"),
    "residential": N_("Residential care"),
    "kafala": N_("Kafala"),
    "independent": N_("Lives independently"),
    "child_headed": N_("A child heads the household"),
    "unrelated_adult": N_("Adult who is no relative"),
    "none": N_("Nobody"),
}
TRACING = {
    "none": N_("Not begun"),
    "open": N_("Open"),
    "in_progress": N_("In progress"),
    "verified": N_("Verified"),
    "reunified": N_("Reunified"),
    "closed": N_("Closed"),
}
#: What a worker says of a child they report: as they saw it, before anybody assessed it.
AGE_BANDS = {"0-4": N_("0 to 4"), "5-9": N_("5 to 9"), "10-14": N_("10 to 14"), "15-17": N_("15 to 17")}
SEEN_WITH = {
    "alone": N_("Alone"),
    "parent": N_("With a parent"),
    "adult": N_("With another adult"),
    "children": N_("With other children"),
}
#: Of the minimum package of services, what is needed first.
FIRST_NEEDS = {
    "shelter": N_("A bed tonight"),
    "food": N_("Food"),
    "health": N_("A doctor"),
    "child_protection": N_("Protection"),
    "legal": N_("A lawyer"),
}
#: The concern codes of CPIMS+/Primero and ours beside them.
CONCERNS = {
    "sexually_exploited": N_("Sexually exploited"),
    "gbv_survivor": N_("Survivor of gender-based violence"),
    "trafficked_smuggled": N_("Trafficked or smuggled"),
    "statelessness": N_("Statelessness"),
    "arrested_detained": N_("Arrested or detained"),
    "migrant": N_("Migrant"),
    "disabled": N_("Disability"),
    "serious_health_issue": N_("Serious health issue"),
    "refugee": N_("Refugee"),
    "caafag": N_("With an armed force or group"),
    "street_child": N_("Lives in the street"),
    "child_mother": N_("Child mother"),
    "physically_or_mentally_abused": N_("Physically or mentally abused"),
    "living_with_vulnerable_person": N_("Lives with a vulnerable person"),
    "worst_forms_of_child_labor": N_("Worst forms of child labour"),
    "child_headed_household": N_("A child heads the household"),
    "mentally_distressed": N_("In mental distress"),
    "child_marriage": N_("Child marriage"),
    "online_exploitation": N_("Exploited online"),
    "missing": N_("Missing person"),
    "neglect": N_("Neglect"),
    "harmful_practice": N_("Harmful practice"),
    "child_labour_other": N_("Other child labour"),
    "no_guardian": N_("No guardian"),
    "age_dispute": N_("Age is in doubt"),
    "removal_risk": N_("Risk of removal"),
    "adult_unverified": N_("Unverified adult"),
    "sogiesc_risk": N_("Risk because of orientation or identity"),
    "other": N_("Another concern"),
}

SECTIONS: Sequence[Section] = (
    Section(
        "person",
        N_("Who"),
        (
            Field("name", N_("Name")),
            Field("other_names", N_("Other names")),
            Field("sex", N_("Sex"), Kind.CHOICE, SEXES),
            Field("born", N_("Date of birth"), Kind.DATE),
            Field("age", N_("Age"), Kind.AGE),
            Field("age_estimated", N_("Is the age an estimate?"), Kind.CHOICE, YES_NO),
            Field("nationality", N_("Nationality")),
            Field("languages", N_("Languages")),
            Field("ethnicity", N_("Ethnicity, only if the child wants it noted"), level=Level.RESTRICTED),
            Field("religion", N_("Faith, only if the child wants it noted"), level=Level.RESTRICTED),
            Field("documents", N_("Identity documents and numbers"), Kind.LONG, level=Level.RESTRICTED),
            Field("references", N_("References of other agencies"), level=Level.RESTRICTED),
        ),
    ),
    Section(
        "safety",
        N_("Where, and how to reach them safely"),
        (
            Field("location", N_("Where they are"), Kind.LONG),
            Field("safe_contact", N_("Safe way and hours to reach them")),
            Field("do_not_contact", N_("Whom not to contact"), Kind.LONG),
        ),
    ),
    # What came through the form for workers; the place and the wish stand in their own fields.
    Section(
        "reported",
        N_("As it was reported"),
        (
            Field("reported_now", N_("Was it happening then?"), Kind.CHOICE, YES_NO),
            Field("reported_children", N_("How many children")),
            Field("reported_age", N_("Age as seen, of the youngest"), Kind.CHOICE, AGE_BANDS),
            Field("reported_with", N_("Alone, or with whom"), Kind.CHOICE, SEEN_WITH),
            Field("reported_adult", N_("The adult, as it was said"), Kind.LONG),
            Field("reported_need", N_("What is needed first"), Kind.CHOICE, FIRST_NEEDS),
            Field("reported_seen", N_("What was seen"), Kind.LONG),
            Field("reported_danger", N_("Words that raised the alarm"), Kind.LONG),
            Field("reported_reach", N_("How to reach whoever reported it"), Kind.LONG),
            Field("reported_else", N_("Other answers, as they were written"), Kind.LONG),
        ),
    ),
    Section(
        "protection",
        N_("Protection"),
        (
            Field("protection_status", N_("With or without an adult"), Kind.CHOICE, PROTECTION),
            Field("urgent", N_("Urgent concern?"), Kind.CHOICE, YES_NO),
            Field("displacement", N_("Status"), Kind.CHOICE, DISPLACEMENT),
            Field("concerns", N_("Concerns"), Kind.CHOICES, CONCERNS),
            Field("disability", N_("Disability and what it asks of us"), Kind.LONG),
        ),
    ),
    Section(
        "family",
        N_("Family and care"),
        (
            Field("family", N_("Family, and how they are related"), Kind.LONG),
            Field("separation", N_("When, where and why they were separated"), Kind.LONG),
            Field("tracing", N_("Looking for the family"), Kind.CHOICE, TRACING),
            Field("wishes", N_("What the child wants"), Kind.LONG),
            Field("care", N_("Who cares for them now"), Kind.CHOICE, CARE),
            Field("caregiver", N_("Name of the caregiver")),
        ),
    ),
    Section(
        "plan",
        N_("Best interests and plan"),
        (
            Field("assessment", N_("Best interests assessment"), Kind.LONG),
            Field("goal", N_("Goal of the plan"), Kind.LONG),
            Field("given", N_("Services already given"), Kind.LONG),
        ),
    ),
    # The steps of a best interests procedure (domain pack, procedure 10 and section f). None waits for another: what
    # protects the child now is done now.
    Section(
        "best_interests",
        N_("Best interests, step by step"),
        (
            Field("bi_decision", N_("Which decision is asked for"), Kind.LONG),
            Field("bi_heard", N_("Was the child met alone?"), Kind.CHOICE, YES_NO),
            Field("bi_views", N_("What the child says and wants, in their words"), Kind.LONG),
            Field("bi_asked", N_("Who else was asked: family, school, health, guardian"), Kind.LONG),
            Field("bi_identity", N_("Identity: origin, language, faith, what makes them who they are"), Kind.LONG),
            Field("bi_safety", N_("Safety: here, on the way, and where they would go"), Kind.LONG),
            Field("bi_ties", N_("Family and people they are close to, brothers and sisters together"), Kind.LONG),
            Field("bi_needs", N_("Health, school, and what makes them vulnerable"), Kind.LONG),
            Field("bi_now", N_("What was done at once"), Kind.LONG),
            Field("bi_options", N_("What could be done: what speaks for and against each"), Kind.LONG),
            Field("bi_advice", N_("What is best, and why"), Kind.LONG),
            Field("bi_formal", N_("Does it need a formal determination?"), Kind.CHOICE, YES_NO),
            Field("bi_panel", N_("Who sits on the panel, and when"), Kind.LONG),
            Field("bi_outcome", N_("What was decided, with the reasons"), Kind.LONG),
            Field("bi_told", N_("Was the child told, and how to object?"), Kind.CHOICE, YES_NO),
            Field("bi_review", N_("When it is looked at again"), Kind.DATE),
        ),
    ),
)
FIELDS: Mapping[str, Field] = MappingProxyType({field.code: field for each in SECTIONS for field in each.fields})


def checked(one: Field, said: Sequence[str]) -> tuple[str, ...]:
    """What a form says about a field, as it is kept; () for nothing. Raises WrongValue."""
    values = tuple(dict.fromkeys(value.strip() for value in said if value.strip()))
    if one.kind in (Kind.CHOICE, Kind.CHOICES):
        if not set(values) <= one.choices.keys() or (one.kind is Kind.CHOICE and len(values) > 1):
            raise WrongValue(one.code)
        return values
    if len(values) > 1 or any(len(value) > _longest(one) for value in values):
        raise WrongValue(one.code)
    if values and one.kind is Kind.AGE and not (values[0].isdecimal() and int(values[0]) <= OLDEST):
        raise WrongValue(one.code)
    if values and one.kind is Kind.DATE:
        try:
            return (date.fromisoformat(values[0]).isoformat(),)
        except ValueError:
            raise WrongValue(one.code) from None
    return values


def _longest(one: Field) -> int:
    if one.kind in (Kind.AGE, Kind.DATE):
        return 10
    return LONGEST_LONG if one.kind is Kind.LONG else LONGEST_TEXT
