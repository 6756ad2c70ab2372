"""Whether somebody writes as a child about themselves, by forms that few workers use.

A worker who is taken for a child reads a short text and finds a button to the long one. A child who is taken for a
worker reads law. So a doubt ends on the child's side. The forms are of folded words (`fold`): lower case, no accents,
Arabic letters in one shape. Drafted by machine, for native review.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from dialogues.knowledge.search import fold

LONGEST = 1000  # letters of a message that are looked at: whoever speaks of themselves does so early

#: What a number after "I am" counts where it is no age: "I am 15 minutes away", "I am 12 kids short".
_NO_YEARS: Final = (
    r"(?:\W?(?:st|nd|rd|th)\b|[\d:.%]?\d|\s*%"
    r"|\s*(?:a\.?m|p\.?m|m away|min(?:ute)?s?|met(?:er|re)s?|miles?|months?|h(?:ours?|rs?)?|kms?|kilomet(?:er|re)s?"
    r"|days?|weeks?|seconds?|blocks?|stops?|euros?|dollars?|staff|people|beds?|places?|short|kids|children|minors"
    r"|girls|boys|teens|families|cases|files|feet)\b)"
)
_NUMBERS: Final = {
    name: number
    for number, names in enumerate(
        (
            "eight huit ocho",
            "nine neuf nueve",
            "ten dix diez",
            "eleven onze once",
            "twelve douze doce",
            "thirteen treize trece",
            "fourteen quatorze catorce",
            "fifteen quinze quince",
            "sixteen seize dieciseis",
            "seventeen dix-sept diecisiete",
        ),
        start=8,
    )
    for name in names.split()
}
_NAMED_AGE: Final = "|".join(sorted(_NUMBERS, key=len, reverse=True))
_AGE: Final = rf"(\d{{1,2}}|{_NAMED_AGE})"
#: "15 year old", "15-year-old", "15yo": in English said of anybody, so the words before it tell of whom.
_YEARS_OLD: Final = r"(?:\W?\s?years?\W?\s?olds?|\W?\s?(?:yo|y/o|yrs?)(?: old)?)\b(?!'s)"

#: "I am 15", and not "I am 15 minutes away"; "j'ai 15 ans", and not "j'ai 15 jeunes au foyer".
_OWN_AGE: Final = re.compile(
    rf"\b(?:(?<!says )(?<!said )(?<!claims )(?:i am|i\W?m)\s+(?:(?:only|just|now|still)\s+)?{_AGE}(?!{_NO_YEARS})(?!\w)"
    rf"|(?:\bi am|\bi\W?m|(?:^|[.,;!?]\s*)as) an? {_AGE}{_YEARS_OLD}"
    rf"|(?:j\W?ai|g)\s+(?:(?:bientot|que|seulement)\s+)?{_AGE}\s*ans\b"
    rf"|tengo\s+(?:(?:solo|ya)\s+)?{_AGE}(?:\s*anos?\b|\s+(?:y|pero)\s+(?:me|mi|no|estoy|soy|quiero|dicen|ellos)\b)"
    r"|(?:عمري|سني)\s*(\d{1,2})|(?:عندي|انا)\s*(\d{1,2})\s*(?:سنه|عام))"
)

#: Whoever speaks of these as theirs, or of a child as somebody else, writes for a child.
_OF_SOMEBODY_ELSE: Final = (
    r"\b(?:my|our) (?:\w+ )?(?:sons?|daughters?|child|children|kids?|baby|client|pupils?|students?|class"
    r"|colleagues?|boss|supervisor|chef|team|referral|shelter|centre|center|agency|ngo|organi[sz]ation|org"
    r"|shift|post|\d+ ?yo)\b",
    r"\b(?:a|an|the|this|that|one|two|three|some|each|every) (?:\w+ ){0,2}(?:child|children|minors?|kids?"
    r"|boys?|girls?|teens?|teenagers?|pupils?|students?|clients?|famil(?:y|ies)|parents?|resident)\b",
    rf"(?<!i am )(?<!i'm )(?<!im )(?<!as )\b(?:an?|the|this|that|another|one|two|some|each|every) (?:\w+ ){{0,2}}?"
    rf"(?:\d{{1,2}}|{_NAMED_AGE}){_YEARS_OLD}",
    r"\bfor (?:him|her|them)\b",
    r"\b(?:his|her|their) (?:case )?files?\b|\b(?:son|leur) dossier\b|\bsu expediente\b|(?:^|\s)ملف(?:ه|ها)(?:\s|$)",
    r"\bi (?:work|train|teach|am a (?:teacher|nurse|guard|police|social|volunteer|guardian|lawyer))\b",
    r"\b(?:mon|notre|ma|mes|nos) (?:fils|fille|filles|enfants?|bebe|eleves?|client|cliente|chef|collegue"
    r"|superieur|centre|foyer|equipe|association|classe)\b",
    r"\b(?:un|une|le|la|les|des|ce|cet|cette|l'|deux|trois) ?(?:\w+ )?(?:enfants?|mineure?s?|jeunes?|fille"
    r"|filles|garcons?|ados?|adolescente?s?|eleves?|famille|mna)\b(?! (?:et|mais) (?:j|je)\b)",
    r"(?<!suis )\b(?:un|une|ce|cet|cette|le|la|des|deux) (?:\w+ )?(?:gamine?s?|gosses?|jeune (?:fille|homme)|petite?s?)"
    r" de \d{1,2} ans\b",
    r"\b(?:qu'?(?:il|elle)s? |son consulat|sa famille|ses parents)",
    r"\b(?:la petite|le petit|les petits)(?! (?:soeur|frere))\b",
    r"\bje (?:travaille avec|suis (?:educat|infirm|prof|gard|polic|benevole|assistant))",
    r"\b(?:mi|mis|nuestro|nuestra) (?:hijos?|hijas?|bebe|alumnos?|alumnas?|cliente|jefe|jefa|colega"
    r"|supervisora?|centro|equipo|ong|clase|derivacion)\b",
    r"\b(?:un|una|el|la|los|las|este|esta|dos|tres) (?:\w+ )?(?:ninos?|ninas?|menor(?:es)?|adolescentes?"
    r"|chicos?|chicas?|alumnos?|alumnas?|joven|jovenes|nna|familia)\b",
    r"(?<!soy )\b(?:un|una|este|esta|el|la|dos) (?:\w+ )?(?:chaval(?:es|as?)?|muchach[oa]s?|joven(?:cit[oa])?|nen[ea]"
    r"|pelad[oa]) de \d{1,2} anos\b",
    r"\b(?:trabajo con|soy (?:enfermer|maestr|profesor|polici|guardia|voluntari|trabajadora? social|tutor))",
    r"\bde que se \w+",
    r"\b\d+ (?:children|kids|minors|boys|girls|teens|enfants|mineure?s|jeunes|filles|garcons|ados|eleves|ninos|ninas"
    r"|menores|chicos|chicas|adolescentes)\b",
    r"(?:^|\s)و?(?:ابني|ابنتي|بنتي|طفلي|طفلتي|اولادي|ولدي|تلميذي|تلميذتي|طالبي|مديري|زميلي|زميلتي|مركزنا"
    r"|رييسي)(?:\s|$)",
    r"(?:^|\s)(?:الطفل|طفل|لقاصر|لطفل|طفله|الطفله|قاصر مع|ولد|الولد|البنت|القاصر|مراهق|مراهقه|الاطفال"
    r"|اطفال)(?:\s|$)",
    r"(?:^|\s)(?:ال|ل|ب)?(?:قاصر|قاصره|فتي|صبي|فتاه|بنت|ولد|شاب|مراهق|مراهقه) عمر(?:ه|ها)(?:\s|$)",
    r"(?:^|\s)(?:اعمل مع|اشتغل مع|انا (?:ممرض|معلم|شرطي|متطوع|اخصايي))",
)
#: "I am a child", and not "I am a child protection officer", nor "I am a girl's guardian".
_OWN_CHILDHOOD: Final = re.compile(
    rf"\b(?:i am|i\W?m) (?:only |just |still )?an? (?:(?:\d{{1,2}}|{_NAMED_AGE}){_YEARS_OLD}\W?)?"
    r"(?:(?:young|little|small|scared|lost|poor|deaf|blind|refugee|migrant|foreign|unaccompanied"
    r"|\w+(?:ese|ish|[ai]n|i)) )?(?:child|kid|minor|girl|boy|teen|teenager)\b(?!'s"
    r"|\W(?:protection|welfare|rights?|care|carer|services?|psycho\w+|psychiatr\w+|doctor|officer|worker|advocate"
    r"|and youth))"
    r"|\bje suis (?:encore |juste |seulement )?une? (?:(?:jeune|petite?|pauvre) )?"
    r"(?:enfant|mineure?|fille|garcon|ado|adolescente?|gamine?)\b"
    r"|\bsoy (?:todavia |solo )?una? (?:(?:joven|pobre) )?"
    r"(?:nin[oa]|menor|chic[oa]|adolescente|muchach[oa]|chavala?)\b"
    r"|(?:^|\s)انا (?:مجرد )?(?:طفل|طفله|ولد|بنت|مراهق|مراهقه|قاصر|قاصره)(?=\s|$)"
)
_ENGLISH: Final = (
    r"\bmy (?:little |big |older |younger |dear )?(?:mu?m|mom|mummy|mommy|mama|mother|dad|daddy|papa|father"
    r"|parents|brothers?|sisters?|family|uncle|aunt|auntie|cousins?|grand(?:ma|pa|mother|father)|friends?"
    r"|boyfriend)\b",
    r"\bmy (?:age|birthday|eighteenth|18th|guardian|passport|papers|documents|birth certificate|fingerprints?"
    r"|room|bed|nudes?|pics?|pictures?|photos?|nationality|country|body|medicine|wages?|pay|money)\b",
    r"\bi (?:will )?(?:turn|be|become)(?:ing)? (?:18|eighteen|an adult)\b",
    r"\bi'?m (?:turning|becoming|almost|nearly) (?:18|an?)",
    r"\bi(?: a|')?m (?:a (?:child|minor|kid|girl|boy|teen)|under ?(?:18|age)|underage|alone|lost|scared"
    r"|afraid|locked|stuck|pregnant|hungry|cold|not safe|in danger|deaf|blind|sad)\b",
    r"\bi (?:ran away|got lost|feel|miss|cannot sleep|can'?t sleep|have (?:no|nightmares)|lost (?:my|them)"
    r"|want to (?:go|die|see|stay|study|call|find|be|live|ask for|apply for|claim)|need (?:asylum|a (?:bed"
    r"|doctor|guardian|lawyer)|to see)|don'?t want to (?:go|marry|live|leave)|was (?:born|raped|beaten|sold"
    r"|told to pack)|work (?:all|every|in|at|on)\b)",
    r"\b(?:can|could|may|do|must|should|will|am) i (?:(?:have|need|allowed|able) to )?(?:go to (?:school"
    r"|a doctor|the doctor)|see (?:a|the) (?:doctor|nurse)|ask (?:for )?(?:asylum|protection|refuge)"
    r"|claim asylum|apply for asylum|get (?:asylum|a (?:guardian|lawyer|doctor)|papers)|be (?:deported|sent"
    r"|detained|locked)|stay in (?:school|the shelter|my)|marry|sleep|say no|study)\b",
    r"\b(?!(?:tells?|told|asks?|asked|calls?|called|shows?|showed|gives?|gave|lets?|of|around|made|helps?"
    r"|reminds?|emails?|for|to|with|from|by|and|or|see|on|off|kept|concerns?|worries)\b)\w+ me\b",
    r"\bput me\b",
    r"\bi (?:don'?t|do not) (?:have any|know (?:anyone|where to))",
    r"\bwhat i (?:tell|say|told)\b",
    r"\bi get a (?:guardian|lawyer)\b",
    r"\bmy fault\b",
    r"\bi (?:want to learn|see (?:a|the) judge|can'?t read|do(?:n'?t| not) understand)\b",
    r"\bgave me\b",
    r"\b(?:can|will|may|do|did) they (?:\w+ ){0,3}(?:me|my)\b",
)
_FRENCH: Final = (
    r"\b(?:ma|mon|mes) (?:petite? |grande? )?(?:mere|maman|pere|papa|parents|freres?|soeurs?|famille|oncle"
    r"|tante|cousine?s?|tonton|tata|grand ?mere|grand ?pere|copine|copain|amie?s?)\b",
    r"\b(?:ma|mon|mes) (?:age|anniversaire|majorite|18 ans|tutrice?|tuteur|passeport|papiers"
    r"|acte de naissance|empreintes|chambre|lit|photos?|images|nationalite|pays|corps|medicaments?|paye"
    r"|patron)\b",
    r"\bj(?:e |')?(?:vais avoir|aurai|ai bientot) (?:18|dix)",
    r"\bje (?:deviens|suis bientot|serai) majeure?\b",
    r"\bbientot majeure?\b",
    r"\b(?:je|chui|j) ?(?:suis|ss)? ?(?:mineure?|un enfant|tout(?:e)? seule?|perdue?|enferme|seule? ici"
    r"|en danger|enceinte|sourde?|aveugle)\b",
    r"\bj(?:e |')(?:ai peur|ai perdu|cherche (?:ma|mon|mes)|veux (?:aller|rentrer|demander|voir|dormir|mourir"
    r"|rester|retrouver|donner|apprendre|parler a)|arrive pas a dormir|dors (?:ou|dehors|pas)"
    r"|ai des cauchemars|ai pas (?:de|d)|n'ai (?:pas|plus)|travaille (?:dans|la nuit|tous)"
    r"|peux (?:demander (?:l ?'?asile|la protection|refuge)|aller (?:a l|chez)|dormir|refuser|rester (?:ici"
    r"|au|a l)))",
    r"(?<!je )\b(?:me |m ?')(?!dit|dis|dire|demand|parl|racont|expliqu|sembl|pos|appel|empech|ordonn|confi"
    r"|montr|faut|signal)\w+(?! (?:dit|demande|parle|raconte|explique|ordonne|confie|montre|signale|appele))",
    r"\bce que je (?:dis|te dis|vous dis|raconte)\b",
    r"\b(?:avoir|ai|j'aurai) un (?:tuteur|avocat|docteur|medecin|lit)\b",
    r"\bmon argent\b",
    r"\bma faute\b",
    r"\bje (?:refuse|dis non|vois le juge|comprends pas)\b",
    r"\b(?:veulent|vont|va|veut|peuvent) (?:me|m')",
)
_SPANISH: Final = (
    r"\b(?:mi|mis) (?:mama|madre|papa|padre|papas|padres|hermanit[oa]s?|herman[oa]s?|familia|ti[oa]s?"
    r"|prim[oa]s?|abuel[oa]s?|amig[oa]s?|novio)\b",
    r"\b(?:mi|mis) (?:edad|cumpleanos|tutora?|pasaporte|papeles|acta|huellas|cuarto|cama|fotos?|nacionalidad"
    r"|pais|cuerpo|medicinas?|sueldo|patron)\b",
    r"\bcumplo (?:18|dieciocho)\b",
    r"\bcuando (?:cumpla|sea mayor)\b",
    r"\b(?:voy a|ya casi) cumplo?r? 18\b",
    r"\bsoy (?:menor|nin[oa]|un nino|una nina|sord[oa]|cieg[oa])\b",
    r"\bestoy (?:sol[oa]|perdid[oa]|encerrad[oa]|en peligro|asustad[oa]|embarazada|detenid[oa])\b",
    r"\b(?:tengo (?:miedo|pesadillas|hambre|frio)|perdi (?:a|mis|mi|contacto)|busco a mi|no tengo (?:papeles"
    r"|pais|donde)|no puedo dormir|quiero (?:ir|regresar|volver|pedir|ver|estar|encontrar|avisar|morir"
    r"|quedarme|dormir)|no quiero (?:ir|volver|vivir|casarme)|naci en|me escape|me perdi|trabajo (?:en"
    r"|de noche|todo))",
    r"\bme (?!pid|dic|dij|cont|pregunt|preocup|present|acerc|llam|exig|orden|l[aeo]s? |qued|parec|cuent"
    r"|explic|avis|toca (?:avis|hacer)|pued|report|inform|consult|refier)\w+",
    r"\bmi culpa\b",
    r"\bveo al juez\b",
    r"\bquiero aprender\b",
    r"\btengo (?:solo )?1[0-7]\s*(?:$|[,.;?!])",
    r"\blo que (?:yo )?(?:digo|cuento)\b",
    r"\b(?:tener|necesito|quiero) (?:un|una) (?:abogad[oa]|tutora?)\b",
    r"\b(?:puedo|tengo que|debo) (?:ir a la escuela|pedir asilo|pedir refugio|ver (?:a )?un medico"
    r"|decir que no|negarme|trabajar|quedarme (?:aqui|en)|dormir|estudiar)\b",
)
_ARABIC: Final = (
    r"(?:^|\s)(?:و|ب|ل|مع |عند )?(?:امي|ماما|ابي|بابا|ابوي|ابويا|اخي|اخوي|اخويا|اختي|اخوتي|اخواتي|اخواني|اهلي"
    r"|عايلتي|عيلتي|عمي|خالي|عمتي|خالتي|جدتي|جدي|صديقي|صديقتي|والدي|والدتي)(?:\s|$)",
    r"(?:^|\s)(?:ب|ل|و)?(?:عمري|اوراقي|جوازي|هويتي|وصيي|غرفتي|سريري|صوري|جنسيتي|بلدي|جسمي|دوايي|اجري"
    r"|شهادة ميلادي|بصماتي)(?:\s|$)",
    r"(?:^|\s)(?:راح|رح|سوف) (?:اصير|صير|ابلغ) ?(?:18|١٨)",
    r"(?:^|\s)(?:ساصبح|ابلغ|بصير|اصير|لما اصير) (?:18|١٨|بالغ)",
    r"(?:^|\s)انا (?:طفل|طفله|قاصر|تحت|وحدي|لوحدي|خايف|خايفه|ضايع|ضايعه|محبوس|محبوسه|مريض|اصم|صغير|صغيره|بخطر)",
    r"(?:^|\s)(?:ضيعت|فقدت|تهت|هربت|ما عندي|ليس عندي|ليس لدي|ما معي|بدي|اريد ان|عايز|عايزه|حابب"
    r"|ابغي) ?(?:ال)?(?:ام|اب|اخ|اخت|اهل|جنسيه|اوراق|ورق|جواز|مكان|لجوء|اطلب|اقدم|قدم|اروح|ارجع|انام|ادرس"
    r"|اطمن|اعرف وين|الاقي|اموت|اتصل)",
    r"(?:ضربني|يضربني|يضربوني|هددني|يهددني|يهددوني|لمسني|يلمسني|يجبرني|يجبروني|اجبرني|يزوجوني|يرحلوني|يرجعوني"
    r"|رجعوني|حبسوني|يطردوني|باعني|يبيعني|ياخذني|ياخذوني|يلاحقني|يستغلني|يصدقوني|يدفعلي|يطلعوني|تركوني|ترجعني"
    r"|يرجعني|عطوني|اعطوني|اخذوني|يعالجوني)",
    r"(?:^|\s)(?:ذنبي|تلفوني|هاتفي|شنطتي)(?:\s|$)",
    r"(?:^|\s)(?:لحالي|لوحدي|وحدي)(?:\s|$)",
    r"(?:^|\s)(?:اني|انو عمري) ?(?:1[0-7]|١[٠-٧])",
    r"(?:^|\s)خايف(?:ه)? (?:من|علي)",
    r"حطوني",
    r"حاطيني",
    r"وضعوني",
    r"(?:^|\s)(?:بدي|اريد|عايز|عايزه) (?:محامي|وصي|دكتور|طبيب|مترجم|مدرسه|اتعلم|احكي)",
    r"(?:^|\s)(?:بقدر|ممكن|فيني) (?:روح|اروح|قول|اقول|ضل|ابقي|نام)",
    r"(?:^|\s)(?:شو|ما|الي|اللي) (?:بحكي|بقول|احكيه|اقوله)(?:\s|$)",
    r"(?:^|\s)عندي وصي(?:\s|$)",
    r"(?:^|\s)(?:وين|اين) (?:انام|بنام|اروح|اسكن)(?:\s|$)",
)
_FORMS: Final = {"en": _ENGLISH, "fr": _FRENCH, "es": _SPANISH, "ar": _ARABIC}


@cache
def _own_voice(language: str) -> re.Pattern[str]:
    """Compiled when somebody first writes in that language, so that a start does not wait for it."""
    return re.compile("|".join(_FORMS[language]))


@cache
def _of_somebody_else() -> re.Pattern[str]:
    return re.compile("|".join(_OF_SOMEBODY_ELSE))


def says_to_be_a_child(words: str) -> bool:
    """Whether somebody tells their own age, and it is under 18. Of ages of others nothing is concluded."""
    hit = _OWN_AGE.search(_plain(words))
    if hit is None:
        return False
    age = next(filter(None, hit.groups()))
    return (_NUMBERS[age] if age in _NUMBERS else int(age)) < 18


def speaks_as_a_child(words: str, language: str) -> bool:
    """Whether somebody seems to write about themselves as a child. A guess: they must be able to say otherwise."""
    plain = _plain(words)
    known = _OWN_CHILDHOOD.search(plain) or (language in _FORMS and _own_voice(language).search(plain))
    return bool(known) and not writes_for_a_child(words)


def writes_for_a_child(words: str) -> bool:
    """Whether somebody speaks of a child as of somebody else, or of their work."""
    return _of_somebody_else().search(_OWN_CHILDHOOD.sub(" ", _plain(words))) is not None


def _plain(words: str) -> str:
    return fold(words[:LONGEST]).replace("’", "'")
