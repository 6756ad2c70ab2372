"""Names of places that are words of a sentence in a language: "nice", "casa", "صور".

Whoever writes that language means the word, unless something says otherwise: a capital letter within the sentence, or,
in a script without capitals, what stands before a place. Machine-drafted; wants review by speakers.
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W\d_]+", text))


#: By the language of the message; folded.
ALSO_WORDS = {
    "en": _words(
        "but man lot nice hit male manage von jam dam genes hub cos til mon van bat lion bar deal sale recess typing"
    ),
    "fr": _words(
        "des sur mon sous tour tours plaisir surprise vin sainte lourdes sucre bat lion jette fontaine carrefour bosse "
        "nomme pari salon casse male gare galere septembre"
    ),
    "es": _words(
        "san vas van universidad libertad justicia hermano reforma esperanza tanta resistencia madera palacio "
        "estrella libres ventas morales progreso moreno colonia hierro "
        "retiro plato medias bello amarillo panorama milagro rosas tumba "
        "apartado pelotas crema playas damas delgado altar maras multan casa quarto "
        "era mim dar rio fez plano campanha praia massa belo mestre "
        "socorro dom virar pau mel gigante salto encontrados prato bordo rodas grana ordem "
        "tour maras"
    ),
    "ar": _words(
        "صور بني العلم الخبر العين بيان دوما دورا بسيط الوجه ماري الجميل ميل قوله كوني البيض بشار قنوات الطرف سيما "
        "الشيوخ اليك الساحل الخمس رشيد القصير روسي سار حولي طراز فكره البرج البسيط كانو سمي العبور الحزم كين بانه السد "
        "ربك الخضر ريان جوهر انتبه قصور حديثه امل عشاق الابيض وين القصور قبلي بحري الكردي كوري الطور كنز بلون الشروق "
        "سلطات جمال الميدان سويا ازرق الازرق زرقا كرا ينا  الزاويه الكسور التواصل ازرع بوسه بالا غالي "
        "برم ساده برات صحنه سالم مردان برده تور برن بافت روان هام دارا البرز عمران ميان اشرف مان خالص روبه متون شورش "
        "قوم سون محلات صخره gel tam bayan kara oda yan asker kaza aman keskin hal saray marka kale banyo tahta kazan "
        "bol isa limon bunda"
    ),
}

#: Those that stand after a preposition, too, and are the word there: en casa, à tour de rôle, in a van.
ALWAYS_WORDS = _words(
    "casa quarto tour sous mon des sur man van lot hermano sale deal bar male rio mim dar era una bosse"
)
