"""Of a child whom somebody found alone, and of nothing else.

The heads take such a report for a missing child: the same words stand in both. Sentences that teach them otherwise
taught them, too, that a threat is a report. So only messages are read here whose every word is known, and none of the
words names a danger, a stranger or a "no": whatever else is said is left to the heads.
"""

from __future__ import annotations

from dialogues.understanding.fold import words

_FOUND = frozenset(
    words(
        "found came arrived picked arrive arrivee arrives llego llegaron trouve trouvee trouves trouvees recupere "
        "encontre encontramos encontrado encontrada hallamos halle hallado hallada "
        "وصل وصلت وصلوا اجا اجت وجدنا وجدت لقينا لقيت عثرنا عثرت"
    )
)
_CHILD = frozenset(
    words(
        "boy boys girl girls child children kid kids minor minors teenager teen lad brothers sisters "
        "garcon garcons fille filles enfant enfants jeune mineur mineure ado freres soeurs "
        "nino nina ninos ninas chico chica chavo muchacho muchacha menor menores adolescente hermanos hermanas "
        "طفل طفلا طفله ولد ولدا صبي صبيا فتي بنت بنتا فتاه قاصر قاصرا اخوين"
    )
)
_ALONE = frozenset(
    words(
        "alone unaccompanied lone himself herself themselves own without "
        "seul seule seuls seules sans solo sola solos solas solito solita sin "
        "لوحده لوحدها لوحدهم لحاله لحالها لحالهم وحده وحدها وحدهم وحيدا بدون"
    )
)
#: With one of these, somebody looks after the child already.
_LOOKED_AFTER = frozenset(words("us our nous notre nosotros nosotras nuestra معنا مكتبنا بمكتبنا عندنا"))
_AROUND = frozenset(
    words(
        "i we ive weve have has just a an the this colleague patrol guard volunteer here now up across by on his her "
        "their any adult adults parents parent at in near of with me us our is he she they two three and him to "
        "bus coach train railway ferry station stop terminal platform port harbour harbor airport gate post border "
        "crossing road street park hall waiting office tent desk what do how steps first next should aged age years "
        "year old about around "
        "j ai on a nous avons un une le la l les d de du des collegue patrouille adulte adultes parents accompagne "
        "dans au aux pres gare routiere train bus quai aeroport poste frontiere route rue parc salle attente et il "
        "elle ils est sont avec nous moi notre bureau tente que faire quoi maintenant ici ans "
        "he hemos una el los las unos dos tres adulto adultos padres en estacion del tren trenes autobus autobuses "
        "buses terminal central anden aeropuerto puerto frontera fronterizo carretera calle parque sala espera y esta "
        "estan con nosotros nosotras conmigo nuestra oficina que hago hacemos debo ahora aqui cerca anos tiene "
        "عالحدود عالمحطه "
        "علي في ب محطه بمحطه القطار بالقطار الباص بالباص الباصات الحافلات المطار بالمطار الميناء بالميناء الحدود "
        "الشارع بالشارع الطريق الرصيف قرب عند ع اهل اهله اهلها كبار وهو وهي هو هي معنا معي مكتبنا بمكتبنا عندنا الان "
        "هلق شو ماذا نعمل نفعل اعمل افعل لازم عمره عمرها سنه سنين سنوات"
    )
)
_KNOWN = _FOUND | _CHILD | _ALONE | _LOOKED_AFTER | _AROUND
#: Who is named before the finding has found somebody: another than whoever writes.
_FINDERS = frozenset(words("he she il elle ils"))
_OLDEST = 17


def tells_only_of_a_child_found(folded: str) -> bool:
    """Whether a folded message says that a child was found alone, and not a word more than where and how old."""
    told = words(folded)
    ages, plain = [int(word) for word in told if word.isdigit()], {word for word in told if not word.isdigit()}
    if not all(plain & each for each in (_FOUND, _CHILD, _ALONE)) or not plain <= _KNOWN:
        return False
    finding = next(at for at, word in enumerate(told) if word in _FOUND)
    before, after = {*told[:finding]}, {*told[finding:]}
    found_by_another = bool(before & (_FINDERS | _CHILD)) and bool(after & _CHILD)  # "two boys found a girl"
    return not found_by_another and all(age <= _OLDEST for age in ages)


def is_looked_after(folded: str) -> bool:
    """Whether whoever found the child says that they have it with them."""
    return not _LOOKED_AFTER.isdisjoint(words(folded))
