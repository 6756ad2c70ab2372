"""Invented services to try Waymark with. Every record says that it is an example; none can be mistaken for real help.

Organisations are made up, telephone numbers are from the ranges that France (+33 1 99 00) and the United Kingdom
(+44 1632 960) keep for fiction, addresses do not exist. `remove` takes all of it out again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy.engine import Connection

from directory import store
from directory.model import (
    Eligibility,
    Gender,
    Location,
    LocationKind,
    Method,
    Organization,
    Phone,
    RecordState,
    Service,
    Translation,
    Verification,
    fixed_id,
)
from directory.opening_hours import week
from directory.safe_place_changes import forget_changes
from directory.safe_places import Audit, Keys, SafePlace, forget_safe_places, put_safe_place

CHECKED_BY = "Waymark demonstration"

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

EXAMPLES = (
    # --- Ventimiglia and around
    Example(
        "ventimiglia-lantern",
        "lantern",
        "shelter food water_hygiene",
        ("Lantern night shelter", "Abri de nuit La Lanterne", "Albergue nocturno El Farol", "مأوى الفانوس الليلي"),
        (
            "A bed, a shower and a hot meal tonight. Brothers and sisters stay together.",
            "Un lit, une douche et un repas chaud ce soir. Les frères et sœurs restent ensemble.",
            "Una cama, una ducha y comida caliente esta noche. Los hermanos se quedan juntos.",
            "سرير وحمّام ووجبة ساخنة هذه الليلة. يبقى الإخوة والأخوات معاً.",
        ),
        "Ventimiglia",
        "IT",
        43.7921,
        7.6061,
        "Via dell'Esempio 12",
        "00001",
        ROME,
        "mo-su 18:00-08:30",
        "+33 1 99 00 10 01",
        "it fr en ar ti",
        step_free=True,
        checked_days_ago=3,
    ),
    Example(
        "ventimiglia-girls",
        "swallow",
        "shelter safe_space child_protection",
        ("Safe house for girls", "Maison sûre pour les filles", "Casa segura para chicas", "بيت آمن للفتيات"),
        (
            "A safe bed for girls and for young mothers with a baby. Call; someone meets you.",
            "Un lit en lieu sûr pour les filles et les jeunes mères avec un bébé. Appelle ; on vient te chercher.",
            "Una cama segura para chicas y para madres jóvenes con bebé. Llama; alguien va a buscarte.",
            "سرير آمن للفتيات وللأمهات الصغيرات مع طفل رضيع. يكفي الاتصال ليأتي شخص للقاء.",
        ),
        "Ventimiglia",
        "IT",
        43.8,
        7.6,
        "",
        "",
        ROME,
        "24/7",
        "+33 1 99 00 10 02",
        "it fr en ar",
        eligibility=Eligibility(minimum_age=10, maximum_age=21, genders=GIRLS, unaccompanied=True, papers_needed=False),
        walk_in=False,
        confidential=True,
        checked_days_ago=5,
    ),
    Example(
        "ventimiglia-family",
        "lantern",
        "shelter nfi",
        (
            "Lantern house for families and children",
            "Maison La Lanterne pour familles et enfants",
            "Casa El Farol para familias y niños",
            "بيت الفانوس للعائلات والأطفال",
        ),
        (
            "Beds for children alone and for families. They give clothes and blankets.",
            "Des lits pour les enfants seuls et pour les familles. On donne des vêtements et des couvertures.",
            "Camas para niñas y niños solos y para familias. Dan ropa y mantas.",
            "أسرّة للأطفال وحدهم وللعائلات. تُوزَّع ملابس وبطانيات.",
        ),
        "Ventimiglia",
        "IT",
        43.8040,
        7.5990,
        "Strada Inventata 3",
        "00001",
        ROME,
        "mo-su 14:00-09:00",
        "+33 1 99 00 10 03",
        "it en ar",
        eligibility=Eligibility(unaccompanied=True, accompanied=True, papers_needed=False),
        documents=("any_id",),
        checked_days_ago=12,
    ),
    Example(
        "menton-shelter",
        "lantern",
        "shelter",
        ("Lantern beds in Menton", "Lits La Lanterne à Menton", "Camas El Farol en Menton", "أسرّة الفانوس في مونتون"),
        (
            "Twelve beds for people under 18. Ring at the green door.",
            "Douze lits pour les moins de 18 ans. Sonne à la porte verte.",
            "Doce camas para menores de 18 años. Toca el timbre de la puerta verde.",
            "اثنا عشر سريراً لمن هم دون 18 سنة. الجرس عند الباب الأخضر.",
        ),
        "Menton",
        "FR",
        43.7770,
        7.5010,
        "7 rue de l'Exemple",
        "00002",
        PARIS,
        "mo-su 17:00-10:00",
        "+33 1 99 00 10 04",
        "fr en ar",
        checked_days_ago=9,
    ),
    Example(
        "ventimiglia-food",
        "lantern",
        "food water_hygiene phone_internet",
        ("Lantern kitchen", "Cuisine La Lanterne", "Comedor El Farol", "مطبخ الفانوس"),
        (
            "Breakfast and dinner, water, and sockets for your phone.",
            "Petit-déjeuner et dîner, de l'eau, et des prises pour ton téléphone.",
            "Desayuno y cena, agua, y enchufes para tu teléfono.",
            "فطور وعشاء وماء ومقابس لشحن الهاتف.",
        ),
        "Ventimiglia",
        "IT",
        43.7889,
        7.6042,
        "Piazza Immaginaria 1",
        "00001",
        ROME,
        "mo-su 08:00-10:00 19:00-21:00",
        "+33 1 99 00 10 05",
        "it fr en",
        eligibility=ANYONE,
        step_free=True,
        checked_days_ago=2,
    ),
    Example(
        "ventimiglia-clinic",
        "willow",
        "health vaccination srh",
        ("Willow clinic", "Clinique Le Saule", "Clínica El Sauce", "عيادة الصفصاف"),
        (
            "A doctor and a nurse see you free of charge. They do not ask for papers.",
            "Un médecin et une infirmière te reçoivent gratuitement. On ne demande pas de papiers.",
            "Un médico y una enfermera te atienden gratis. No piden papeles.",
            "طبيب وممرضة، والعلاج مجاني. لا تُطلب أي أوراق.",
        ),
        "Ventimiglia",
        "IT",
        43.7932,
        7.6103,
        "Via dell'Esempio 40",
        "00001",
        ROME,
        "mo-fr 09:00-12:30 14:00-18:00; sa 09:00-12:00",
        "+33 1 99 00 10 06",
        "it fr en ar",
        eligibility=ANYONE,
        documents=("vaccination_card",),
        checked_days_ago=8,
    ),
    Example(
        "ventimiglia-legal",
        "compass",
        "legal asylum guardian documentation",
        (
            "Compass legal desk",
            "Permanence juridique La Boussole",
            "Asesoría legal La Brújula",
            "مكتب البوصلة القانوني",
        ),
        (
            "Lawyers explain your rights and help with asylum. Free for people under 18.",
            "Des avocats expliquent tes droits et aident pour l'asile. Gratuit pour les moins de 18 ans.",
            "Abogadas y abogados explican tus derechos y ayudan con el asilo. Gratis para menores de 18 años.",
            "محامون يشرحون الحقوق ويساعدون في طلب اللجوء. مجاني لمن هم دون 18 سنة.",
        ),
        "Ventimiglia",
        "IT",
        43.7905,
        7.6077,
        "Corso Finto 5",
        "00001",
        ROME,
        "mo 09:00-13:00; we 14:00-18:00; fr 09:00-13:00",
        "+33 1 99 00 10 07",
        "it fr en ar",
        documents=("asylum_paper", "any_id"),
        walk_in=False,
        checked_days_ago=15,
    ),
    Example(
        "ventimiglia-protection",
        "swallow",
        "child_protection anti_trafficking gbv mental_health",
        (
            "Swallow child protection team",
            "Équipe de protection de l'enfance L'Hirondelle",
            "Equipo de protección infantil La Golondrina",
            "فريق السنونو لحماية الطفل",
        ),
        (
            "A worker for you alone: to be safe, to sleep, to be heard.",
            "Une personne rien que pour toi : pour être en sécurité, dormir, être écouté.",
            "Una persona solo para ti: para estar a salvo, dormir y que te escuchen.",
            "شخص مختص لمساعدتك: للأمان والنوم والاستماع.",
        ),
        "Ventimiglia",
        "IT",
        43.7898,
        7.6121,
        "Via dell'Esempio 2",
        "00001",
        ROME,
        "mo-su 08:00-22:00",
        "+33 1 99 00 10 08",
        "it fr en ar ti so",
        reports_to=("child_protection",),
        checked_days_ago=1,
    ),
    Example(
        "ventimiglia-tracing",
        "bridge",
        "family_tracing phone_internet",
        ("Bridge of Names", "Pont des Noms", "Puente de Nombres", "جسر الأسماء"),
        (
            "They look for your family with you, and you can call home.",
            "On cherche ta famille avec toi, et tu peux appeler chez toi.",
            "Buscan a tu familia contigo, y puedes llamar a casa.",
            "المساعدة في البحث عن العائلة، ويمكن الاتصال بالأهل.",
        ),
        "Ventimiglia",
        "IT",
        43.7911,
        7.6090,
        "Via Fantasia 8",
        "00001",
        ROME,
        "tu-th 10:00-16:00",
        "+33 1 99 00 10 09",
        "it fr en ar",
        eligibility=ANYONE,
        documents=("family_photo",),
        checked_days_ago=20,
    ),
    Example(
        "ventimiglia-school",
        "open-book",
        "education language_class mhpss_group",
        ("Open Book school", "École Le Livre ouvert", "Escuela El Libro Abierto", "مدرسة الكتاب المفتوح"),
        (
            "Italian lessons, school in small groups, and football on Saturday.",
            "Des cours d'italien, l'école en petits groupes, et du football le samedi.",
            "Clases de italiano, escuela en grupos pequeños y fútbol los sábados.",
            "دروس إيطالية ومدرسة في مجموعات صغيرة وكرة قدم يوم السبت.",
        ),
        "Ventimiglia",
        "IT",
        43.7942,
        7.6024,
        "Via dell'Esempio 77",
        "00001",
        ROME,
        "mo-fr 08:30-13:00; sa 15:00-18:00",
        "+33 1 99 00 10 10",
        "it fr en",
        documents=("school_report",),
        checked_days_ago=30,
    ),
    # An old record and one nobody has checked, to show that neither is offered to somebody who needs a bed tonight.
    Example(
        "ventimiglia-old-shelter",
        "lantern",
        "shelter",
        ("Old harbour dormitory", "Dortoir du vieux port", "Dormitorio del puerto viejo", "مهجع المرفأ القديم"),
        (
            "Beds in winter. Nobody has checked for a long time.",
            "Des lits en hiver. Personne n'a vérifié depuis longtemps.",
            "Camas en invierno. Nadie lo ha comprobado desde hace mucho.",
            "أسرّة في الشتاء. لم يتحقق أحد منها منذ مدة طويلة.",
        ),
        "Ventimiglia",
        "IT",
        43.7880,
        7.6070,
        "Molo Inesistente 1",
        "00001",
        ROME,
        "mo-su 20:00-07:00",
        "+33 1 99 00 10 11",
        "it",
        checked_days_ago=200,
    ),
    Example(
        "sanremo-new-shelter",
        "lantern",
        "shelter",
        (
            "Lantern beds in Sanremo",
            "Lits La Lanterne à Sanremo",
            "Camas El Farol en Sanremo",
            "أسرّة الفانوس في سانريمو",
        ),
        (
            "A new house. An editor has not called them yet.",
            "Une nouvelle maison. Personne ne les a encore appelés.",
            "Una casa nueva. Nadie les ha llamado todavía.",
            "بيت جديد. لم يتصل بهم أحد بعد.",
        ),
        "Sanremo",
        "IT",
        43.8180,
        7.7770,
        "Via dell'Ipotesi 4",
        "00003",
        ROME,
        "mo-su 18:00-09:00",
        "+33 1 99 00 10 12",
        "it en",
        state=RecordState.DRAFT,
        checked=False,
    ),
    # --- Calais
    Example(
        "calais-shelter",
        "lantern",
        "shelter food",
        (
            "Lantern night shelter, Calais",
            "Abri de nuit La Lanterne, Calais",
            "Albergue El Farol, Calais",
            "مأوى الفانوس في كاليه",
        ),
        (
            "A bed and soup for people under 18. A worker stays all night.",
            "Un lit et une soupe pour les moins de 18 ans. Quelqu'un reste toute la nuit.",
            "Una cama y sopa para menores de 18 años. Una persona se queda toda la noche.",
            "سرير وحساء لمن هم دون 18 سنة. يبقى أحد العاملين طوال الليل.",
        ),
        "Calais",
        "FR",
        50.9530,
        1.8590,
        "21 rue de l'Exemple",
        "00004",
        PARIS,
        "mo-su 19:00-09:00",
        "+33 1 99 00 20 01",
        "fr en ar ti ps",
        checked_days_ago=4,
    ),
    Example(
        "calais-protection",
        "swallow",
        "child_protection anti_trafficking",
        (
            "Swallow street team, Calais",
            "Équipe de rue L'Hirondelle, Calais",
            "Equipo de calle La Golondrina, Calais",
            "فريق السنونو الميداني في كاليه",
        ),
        (
            "They walk with you to a safe bed and speak your language.",
            "On t'accompagne vers un lit sûr et on parle ta langue.",
            "Te acompañan a una cama segura y hablan tu idioma.",
            "مرافقة إلى سرير آمن، والحديث بلغتك.",
        ),
        "Calais",
        "FR",
        50.9480,
        1.8510,
        "3 quai Imaginaire",
        "00004",
        PARIS,
        "mo-su 09:00-23:00",
        "+33 1 99 00 20 02",
        "fr en ar ps",
        checked_days_ago=7,
    ),
    Example(
        "calais-legal",
        "compass",
        "legal asylum family_tracing",
        (
            "Compass legal desk, Calais",
            "Permanence La Boussole, Calais",
            "Asesoría La Brújula, Calais",
            "مكتب البوصلة القانوني في كاليه",
        ),
        (
            "Lawyers help you to join family in another country, without a smuggler.",
            "Des avocats t'aident à rejoindre ta famille dans un autre pays, sans passeur.",
            "Abogadas y abogados te ayudan a reunirte con tu familia en otro país, sin traficantes.",
            "محامون يساعدون في الالتحاق بالعائلة في بلد آخر دون مهرّب.",
        ),
        "Calais",
        "FR",
        50.9511,
        1.8650,
        "9 place Fictive",
        "00004",
        PARIS,
        "mo-th 10:00-17:00",
        "+44 1632 960101",
        "fr en",
        walk_in=False,
        checked_days_ago=18,
    ),
    Example(
        "calais-health",
        "willow",
        "health emergency_health vaccination",
        ("Willow clinic, Calais", "Clinique Le Saule, Calais", "Clínica El Sauce, Calais", "عيادة الصفصاف في كاليه"),
        (
            "A doctor and a nurse. They tell nobody that you came.",
            "Un médecin et une infirmière. Ils ne disent à personne que tu étais là.",
            "Una médica y un enfermero. No dicen a nadie que has venido.",
            "طبيب وممرضة. لا يخبران أحدًا بزيارتك.",
        ),
        "Calais",
        "FR",
        50.9523,
        1.8570,
        "5 rue Fictive",
        "00004",
        PARIS,
        "mo-sa 09:00-12:30 14:00-19:00",
        "+33 1 99 00 20 03",
        "fr en ar",
        eligibility=ANYONE,
        checked_days_ago=6,
    ),
    # --- Irun
    Example(
        "irun-shelter",
        "lantern",
        "shelter food nfi",
        ("Lantern house, Irun", "Maison La Lanterne, Irun", "Casa El Farol, Irun", "بيت الفانوس في إيرون"),
        (
            "A bed, dinner and dry clothes. Nobody is asked for papers.",
            "Un lit, un dîner et des vêtements secs. On ne demande pas de papiers.",
            "Una cama, cena y ropa seca. A nadie le piden papeles.",
            "سرير وعشاء وملابس جافة. لا تُطلب أوراق من أحد.",
        ),
        "Irun",
        "ES",
        43.3400,
        -1.7900,
        "Calle del Ejemplo 15",
        "00005",
        MADRID,
        "mo-su 17:00-10:00",
        "+44 1632 960201",
        "es eu fr en ar",
        checked_days_ago=10,
    ),
    Example(
        "irun-health",
        "willow",
        "health mental_health",
        ("Willow clinic, Irun", "Clinique Le Saule, Irun", "Clínica El Sauce, Irun", "عيادة الصفصاف في إيرون"),
        (
            "A nurse for wounds, a doctor, and someone to talk to.",
            "Une infirmière pour les blessures, un médecin, et quelqu'un à qui parler.",
            "Enfermería para heridas, una médica y alguien con quien hablar.",
            "ممرضة للجروح وطبيب وشخص للحديث معه.",
        ),
        "Irun",
        "ES",
        43.3378,
        -1.7860,
        "Avenida Ficticia 2",
        "00005",
        MADRID,
        "mo-fr 09:00-14:00 16:00-19:00",
        "+44 1632 960202",
        "es fr en",
        eligibility=ANYONE,
        checked_days_ago=14,
    ),
    # --- Tapachula
    Example(
        "tapachula-shelter",
        "lantern",
        "shelter food education",
        (
            "Lantern house, Tapachula",
            "Maison La Lanterne, Tapachula",
            "Casa El Farol, Tapachula",
            "بيت الفانوس في تاباتشولا",
        ),
        (
            "Beds for girls and boys in separate rooms, school in the morning.",
            "Des lits pour filles et garçons dans des chambres séparées, l'école le matin.",
            "Camas para niñas y niños en cuartos separados, escuela por la mañana.",
            "أسرّة للبنات والأولاد في غرف منفصلة، ومدرسة في الصباح.",
        ),
        "Tapachula",
        "MX",
        14.9050,
        -92.2600,
        "Calle Inventada 8",
        "00006",
        MEXICO,
        "24/7",
        "+44 1632 960301",
        "es en fr ht",
        checked_days_ago=11,
    ),
    Example(
        "tapachula-legal",
        "compass",
        "legal asylum documentation child_protection",
        (
            "Compass legal desk, Tapachula",
            "Permanence La Boussole, Tapachula",
            "Asesoría La Brújula, Tapachula",
            "مكتب البوصلة القانوني في تاباتشولا",
        ),
        (
            "Help with refuge and with your papers. Free.",
            "De l'aide pour l'asile et pour tes papiers. Gratuit.",
            "Ayuda con el refugio y con tus documentos. Gratis.",
            "مساعدة في اللجوء والأوراق. مجاناً.",
        ),
        "Tapachula",
        "MX",
        14.9012,
        -92.2541,
        "Avenida Supuesta 20",
        "00006",
        MEXICO,
        "mo-fr 08:00-16:00",
        "+44 1632 960302",
        "es en",
        eligibility=ANYONE,
        documents=("birth_certificate", "any_id"),
        checked_days_ago=25,
    ),
    # --- Agadez
    Example(
        "agadez-shelter",
        "swallow",
        "shelter food child_protection",
        (
            "Swallow children's house, Agadez",
            "Maison L'Hirondelle, Agadez",
            "Casa La Golondrina, Agadez",
            "بيت السنونو للأطفال في أغاديز",
        ),
        (
            "A bed, food and water for children who come back from the desert.",
            "Un lit, de la nourriture et de l'eau pour les enfants qui reviennent du désert.",
            "Una cama, comida y agua para niñas y niños que vuelven del desierto.",
            "سرير وطعام وماء للأطفال العائدين من الصحراء.",
        ),
        "Agadez",
        "NE",
        16.9760,
        7.9900,
        "Quartier Imaginaire, porte 14",
        "",
        NIAMEY,
        "24/7",
        "+33 1 99 00 30 01",
        "fr ha ar en",
        checked_days_ago=13,
    ),
    Example(
        "agadez-health",
        "willow",
        "health nutrition emergency_health",
        (
            "Willow health post, Agadez",
            "Poste de santé Le Saule, Agadez",
            "Puesto de salud El Sauce, Agadez",
            "مركز الصفصاف الصحي في أغاديز",
        ),
        (
            "Care day and night, also for babies and for pregnant girls.",
            "Des soins jour et nuit, aussi pour les bébés et les filles enceintes.",
            "Atención día y noche, también para bebés y chicas embarazadas.",
            "رعاية ليلاً ونهاراً، أيضاً للرضّع والحوامل.",
        ),
        "Agadez",
        "NE",
        16.9720,
        7.9850,
        "Quartier Imaginaire, porte 2",
        "",
        NIAMEY,
        "24/7",
        "+33 1 99 00 30 02",
        "fr ha ar",
        eligibility=ANYONE,
        checked_days_ago=5,
    ),
)

#: Where the invented safe house is. Made up too, but kept the way a real one is.
SAFE_HOUSE = ("Vicolo della Fantasia 99, scala B, 00001 Ventimiglia", 43.81234, 7.61234)


def seed(tx: Connection, *, at: datetime, keys: Keys | None = None, audit: Audit | None = None) -> int:
    """Put the demonstration in, or bring it up to date. Returns how many services there are.

    With `keys` and `audit` the safe house gets its (equally invented) hidden address, as a real one would.
    """
    for key, (name, description) in ORGANIZATIONS.items():
        organization = Organization(_organization_id(key), name, description, demo=True)
        store.put_organization(tx, organization, at=at)
    for example in EXAMPLES:
        service = service_of(example, at)
        store.put_service(tx, service, at=at)
        if example.confidential and keys is not None and audit is not None:
            place = SafePlace(*SAFE_HOUSE)
            put_safe_place(tx, keys, audit, service_id=service.id, place=place, by="system", at=at)
    return len(EXAMPLES)


def remove(tx: Connection) -> list[str]:
    """Take every demonstration record out. Returns the ids of safe-place keys, for the host to destroy."""
    services, organizations = store.demo_ids(tx)
    key_ids = forget_safe_places(tx, services) + forget_changes(tx, services)
    store.delete_services(tx, services)
    store.delete_organizations(tx, organizations)
    return key_ids


def _organization_id(key: str) -> str:
    return fixed_id("demonstration organization", key)


def service_of(example: Example, at: datetime) -> Service:
    service_id = fixed_id("demonstration", example.key)
    checked_at = at - timedelta(days=example.checked_days_ago)
    checked = Verification(checked_at, CHECKED_BY, Method.INVENTED, "Demonstration record")
    return Service(
        id=service_id,
        organization_id=_organization_id(example.organization),
        name=example.name[0],
        summary=example.summary[0],
        needs=tuple(example.needs.split()),
        state=example.state,
        eligibility=example.eligibility,
        locations=(_location(example),),
        hours=week(example.zone, example.hours),
        phones=(Phone(example.phone),),
        languages=tuple(example.languages.split()),
        free=True,
        walk_in=example.walk_in,
        documents=example.documents,
        reports_to=example.reports_to,
        confidential=example.confidential,
        alert="Example only. This service is invented.",
        verification=checked if example.checked else None,
        demo=True,
        names=_translations(example.name),
        summaries=_translations(example.summary),
    )


def _translations(words: Words) -> tuple[Translation, ...]:
    return tuple(Translation(language, text) for language, text in zip(LANGUAGES[1:], words[1:], strict=True))


def _location(example: Example) -> Location:
    return Location(
        id=fixed_id("demonstration location", example.key),
        kind=LocationKind.FRONT_GATE if example.confidential else LocationKind.PHYSICAL,
        name=f"{example.town} (call first)" if example.confidential else example.name[0],
        country=example.country,
        city=example.town,
        postal_code=example.postal_code,
        address=example.address,
        latitude=example.latitude,
        longitude=example.longitude,
        step_free=example.step_free,
    )
