"""What an invented service is made of, and who runs it."""

from __future__ import annotations

from msgspec import Struct

from directory.model import Eligibility, Gender, RecordState

GIRLS = frozenset({Gender.GIRLS})
CHILDREN = Eligibility(minimum_age=0, maximum_age=17, unaccompanied=True, papers_needed=False, siblings_together=True)
ANYONE = Eligibility(papers_needed=False)

Words = tuple[str, str, str, str]  # en, fr, es, ar
LANGUAGES = ("en", "fr", "es", "ar")


class Example(Struct, frozen=True):
    """One invented service, as its seed is written below."""

    key: str
    organization: str
    needs: str
    name: Words
    summary: Words
    town: str
    country: str
    latitude: float
    longitude: float
    address: str
    postal_code: str
    zone: str
    hours: str
    phone: str
    languages: str
    eligibility: Eligibility = CHILDREN
    documents: tuple[str, ...] = ()
    walk_in: bool | None = True
    confidential: bool = False
    step_free: bool | None = None
    reports_to: tuple[str, ...] = ()
    checked_days_ago: int = 6
    state: RecordState = RecordState.CURRENT
    checked: bool = True
    staff: tuple[str, ...] = ()


ORGANIZATIONS = {
    "lantern": ("Lantern House (example)", "An invented organisation that offers beds and meals."),
    "swallow": ("Swallow Children's Aid (example)", "An invented organisation that protects children."),
    "compass": ("Compass Legal Aid (example)", "An invented organisation of lawyers."),
    "willow": ("Willow Clinic (example)", "An invented clinic."),
    "bridge": ("Bridge of Names (example)", "An invented organisation that looks for families."),
    "open-book": ("Open Book School (example)", "An invented school."),
}

ROME, PARIS, MADRID = "Europe/Rome", "Europe/Paris", "Europe/Madrid"
MEXICO, NIAMEY = "America/Mexico_City", "Africa/Niamey"
