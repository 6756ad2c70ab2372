"""Of an age, and of nothing else: messages of so few plain words that no danger can be said in them.

"A girl of 14" answers "for whom?", "I am 15 and they say I am an adult" asks what can be done. The heads hear danger in
both: whoever is in danger says little else of themselves too.
"""

from __future__ import annotations

from dialogues.understanding.fold import words

#: Folded. With one number of two digits these can name a child, and nothing that happens to it.
_NAMES_A_CHILD = frozenset(
    words(
        "a an the for my our it its is he hes she shes i im am about around of aged age year years old yo boy girl "
        "child kid teen teenager lad son daughter brother sister minor male female "
        "un une le la l pour mon ma notre c est il elle j ai agee d de environ ans garcon fille enfant ado jeune fils "
        "frere soeur mineur mineure "
        "una el para mi nuestro nuestra es tiene tengo como unos anos edad nino nina chico chica muchacho muchacha "
        "nene nena menor joven adolescente hijo hija hermano hermana "
        "ولد بنت صبي طفل طفله شاب فتاه فتي ابني بنتي اخي اختي عمره عمرها عمري سنه سنين سنوات عام هو هي انا "
        "لولد لبنت ana 3omri 3omre 3umri 3andi 3am sana sne sene 3omro 3omra"
    )
)
#: Whoever says that somebody says otherwise.
_SAID = frozenset(
    words(
        "say says said think thinks believe wrote write disent dit pensent croient ecrit dicen dice creen piensan "
        "anotaron يقولون ويقولون يقولوا قالوا وقالوا بيقولوا كتبوا وكتبوا"
    )
)
_OF_AGE = frozenset(words("adult adulte majeur majeure adulto adulta mayor بالغ بالغه راشد راشده"))
_BETWEEN = frozenset(
    words(
        "they the police office doctor me and but that not no only really just over already "
        "ils on la police me m et mais que qu je suis pas ne seulement deja vraiment plus "
        "ellos la policia me y pero que soy no solo ya de verdad "
        "و لكن بس اني انني اني لست مو مش الشرطه وانا انا"
    )
)
#: What one man or woman says of the age of who writes may be a danger: the heads are asked.
_ONE, _MYSELF = (
    frozenset(words("he hes she shes il elle el ella هو هي")),
    frozenset(words("i im my me j je ai suis mon ma me tengo soy mi yo انا وانا عمري اني")),
)
_CHILDREN = frozenset(
    words(
        "boy boys girl girls child children kid kids teen teenager lad twins brothers sisters he she hes shes "
        "garcon garcons fille filles enfant enfants ado fillette gamin il elle "
        "nino nina ninos ninas chico chica muchacho muchacha menor adolescente nene nena "
        "ولد بنت صبي طفل طفله شاب فتاه فتي اولاد بنات اطفال عمره عمرها"
    )
)
#: What children wear, and its colours: with an age and whose it is, and nothing else, no danger can be said.
_LOOKS = frozenset(
    words(
        "with and in wearing wears has dark light long short hair jacket coat hoodie jumper tshirt shirt trousers "
        "jeans shoes cap hat scarf backpack bag glasses red blue green black white yellow grey gray brown pink "
        "orange small tall avec et en porte veste manteau pull sweat pantalon jean chaussures casquette bonnet "
        "echarpe foulard sac cheveux lunettes rouge bleu bleue vert verte noir noire noirs blanc blanche jaune "
        "gris grise marron rose petit petite grand con y lleva trae chamarra chaqueta abrigo sudadera camisa "
        "camiseta pantalon zapatos tenis gorra mochila pelo rojo roja azul verde negro negra blanco blanca "
        "amarillo amarilla gris cafe rosa alto alta bajo como لابس لابسه معه معها جاكيت جكيت سترة كنزه بلوزه قميص "
        "تيشيرت بنطلون حذاء بوط طاقيه شنطه شعر شعره شعرها نظارات احمر ازرق اخضر اسود ابيض اصفر رمادي بني زهري "
        "حمرا زرقا سودا بيضا تقريبا حوالي شي قصير طويل"
    )
)
#: What befalls a body is no look.
_SUFFERS = frozenset(
    words(
        "pregnant bruise bruises bruised bleeding hurt sick ill cold hungry freezing crying "
        "enceinte bleus blesse blessee malade froid faim "
        "embarazada moretones herido herida enfermo enferma frio hambre "
        "حامل حبلي كدمات مجروح مجروحه مريض مريضه بردان جوعان"
    )
)
_NUMBERS = frozenset(
    words(
        "three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "trois quatre cinq sept huit neuf dix onze douze treize quatorze quinze seize "
        "tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis diecisiete "
        "ثلاث اربع خمس ست سبع ثماني تسع عشر عشره"
    )
)
_CALLED = frozenset(
    {
        *("my name is", "name is", "my name", "je m appelle", "m appelle", "mon nom est", "moi c est"),
        *("me llamo", "mi nombre es", "mi nombre", "اسمي"),
    }
)
_OLDEST, _OF_FULL_AGE, _FEW = 25, 18, 16


def tells_only_an_age(folded: str) -> bool:
    """Whether a folded message is one age, with or without whose it is: "a boy of 14", "j'ai 15 ans"."""
    told = words(folded)
    ages = _ages(told)
    if len(ages) != 1 or len(told) == 1:  # a number alone may choose from a list
        return False
    return ages[0] <= _OLDEST and _NAMES_A_CHILD.issuperset(word for word in told if not word.isdigit())


def tells_only_of_looks(folded: str) -> bool:
    """Whether a folded message is a child, its age and what it wears, and not a word more."""
    told = words(folded)
    ages, plain = _ages(told), {word for word in told if not word.isdigit()}
    aged = ages[0] < _OF_FULL_AGE if len(ages) == 1 else not ages and bool(plain & _NUMBERS)
    return aged and bool(plain & _CHILDREN) and plain <= _NAMES_A_CHILD | _LOOKS | _NUMBERS


def describes_a_child(folded: str) -> bool:
    """Whether a folded message has an age and a child in it, nothing that the child suffers, and nobody who writes of
    themselves."""
    told = {*words(folded)}
    aged = bool(told & _NUMBERS) or any(age < _OF_FULL_AGE for age in _ages([*told]))
    return aged and bool(told & _CHILDREN) and not told & (_MYSELF | _SUFFERS)


def introduces_oneself(folded: str) -> bool:
    """Whether a folded message says in few words what its writer is called: "je m'appelle Awa, 14 ans, de Conakry"."""
    told = words(folded)
    return len(told) <= _FEW and any(
        " ".join(told[at : at + size]) in _CALLED for size in (1, 2, 3) for at in range(len(told))
    )


def tells_only_of_a_wrong_age(folded: str) -> bool:
    """Whether a folded message says how old a child is, that others say otherwise, and not a word more."""
    told = words(folded)
    ages, plain = _ages(told), {word for word in told if not word.isdigit()}
    young = any(age < _OF_FULL_AGE for age in ages)
    older = bool(plain & _OF_AGE) or any(_OF_FULL_AGE <= age <= _OLDEST for age in ages)
    if plain & _ONE and plain & _MYSELF:
        return False
    known = _NAMES_A_CHILD | _SAID | _OF_AGE | _BETWEEN
    return young and older and len(ages) <= 2 and bool(plain & _SAID) and plain <= known


def _ages(told: list[str]) -> list[int]:
    return [int(word) for word in told if word.isdigit() and len(word) <= 2]
