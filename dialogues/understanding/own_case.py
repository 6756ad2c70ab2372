"""What a person asks about their own case, known by exact forms: a guess would be wrong too often to act on.

The forms are of folded words (`fold`): lower case, no accents, Arabic letters in one shape. Drafted by machine, for
native review. Whoever says it in other words meets the dialogue as ever, and can ask for a person.
"""

from __future__ import annotations

import re
from typing import Final

from dialogues.understanding.fold import clean, fold, words

CODE_DIGITS = 16
#: What may stand beside the digits of a return code; with any other word they are something else, such as an account.
_BESIDE = (
    "my return code number is the it s its here mon ma code numero de retour est c voici le",
    "mi codigo numero para volver es el aqui esta رمز رمزي العوده كود كودي رقم رقمي هو هذا",
)
_BESIDE_CODE: Final = frozenset(word for line in _BESIDE for word in line.split())
_WHO_HAS: Final = re.compile(
    r"^(?:(?:please|tell me|can you tell me|i want to know|hello) )*"
    r"(?:who(?: else)?|which people|what people) (?:has|have|got|holds|keeps|sees|saw|seen|reads?|received|knows?)"
    r"(?: seen| read| received| got)? (?:all )?my (?:file|case|data|information|info|papers|details)(?: now)?$"
    r"|^who did you (?:give|send|show|tell) my (?:file|case|data|information|info|papers|details)(?: to)?$"
    r"|^(?:dis moi |bonjour |je veux savoir )?qui (?:a|ont|possede|detient|voit|lit|connait)(?: vu| lu| recu)? "
    r"(?:mon dossier|mes donnees|mes informations|mes infos|mes papiers)$"
    r"|^a qui (?:avez vous|as tu) (?:donne|envoye|montre) (?:mon dossier|mes donnees|mes informations|mes infos)$"
    r"|^(?:dime |hola |quiero saber )?quien(?:es)? (?:tiene|tienen|ve|ven|lee|leen|ha visto|han visto|recibio|conoce) "
    r"(?:mi expediente|mi caso|mi archivo|mis datos|mi informacion|mis papeles)$"
    r"|^a quien (?:le )?(?:dieron|diste|enviaron|mandaron) (?:mi expediente|mi caso|mis datos|mi informacion)$"
    r"|^(?:اريد ان اعرف )?(?:من|مين) (?:لديه|عنده|معه|يملك|يري|راي|شاف|قرا|استلم|يعرف) "
    r"(?:ملفي|بياناتي|معلوماتي|قضيتي|اوراقي)$"
    r"|^(?:لمن|مع من) (?:اعطيتم|ارسلتم|شاركتم) (?:ملفي|بياناتي|معلوماتي)$"
)
_ERASE: Final = re.compile(
    r"^(?:please |i want you to |can you |i want to )*(?:erase|delete|remove|destroy|forget) "
    r"(?:everything|all|what)?(?: of)? ?(?:you know|you have|you wrote)? ?"
    r"(?:about me|of me|my (?:file|case|data|information|info|messages|words)|what i (?:wrote|told you|said))$"
    r"|^(?:s il te plait |s il vous plait |je veux )*(?:efface[rz]?|supprime[rz]?|detruis|oublie[rz]?) "
    r"(?:tout|toutes|ce que)? ?(?:ce que)? ?(?:vous savez|tu sais)? ?"
    r"(?:sur moi|de moi|mon dossier|mes donnees|mes informations|mes infos|mes messages|j ai ecrit)$"
    r"|^(?:por favor |quiero )*(?:borra|borren|borrar|elimina|eliminen|eliminar|olvida|olviden) "
    r"(?:todo)? ?(?:lo que)? ?(?:saben|sabes)? ?"
    r"(?:sobre mi|de mi|mi expediente|mi caso|mis datos|mi informacion|mis mensajes|escribi)$"
    r"|^(?:من فضلك |اريد )*(?:امسح|امسحوا|احذف|احذفوا|مسح|حذف) (?:كل )?"
    r"(?:شي عني|ما تعرفون عني|ملفي|بياناتي|معلوماتي|رسايلي)$"
)
_NEW_CODE: Final = re.compile(
    r"^(?:please |i )*(?:lost|forgot|need|want|give me)(?: a| an| my| the)*(?: new| another)? (?:return )?code$"
    r"|^(?:j ai )?(?:perdu|oublie) (?:mon|le) code(?: de retour)?$|^je veux un (?:nouveau )?code(?: de retour)?$"
    r"|^(?:perdi|olvide) (?:mi|el) codigo(?: para volver)?$"
    r"|^quiero (?:un|otro) (?:nuevo )?codigo(?: para volver| nuevo)?$"
    r"|^(?:فقدت|نسيت|ضاع) (?:رمز العوده|رمزي|الرمز|كودي)$|^اريد رمز(?:ا)?(?: عوده| العوده)?(?: جديد| جديدا)?$"
)
_SET_WORD: Final = re.compile(
    r"^(?:my (?:secret|danger|safe|alarm) word (?:is|will be)|mon mot (?:secret|d alerte) (?:est|sera|c est)"
    r"|mi palabra (?:secreta|de alarma) (?:es|sera)|كلمتي السريه(?: هي)?) (?P<word>.+)$"
)


def plain(text: str) -> str:
    """The words of a message, one space between them."""
    return " ".join(words(fold(text)))


def return_code(text: str) -> str | None:
    """The sixteen digits of a message that is a return code and nothing else."""
    folded = fold(text)
    digits = "".join(character for character in folded if character.isdecimal())
    if len(digits) != CODE_DIGITS or not digits.isascii():
        return None
    beside = re.sub(r"\d+", " ", folded)
    return digits if set(words(beside)) <= _BESIDE_CODE and len(clean(text)) <= 80 else None


def asks_who_has(text: str) -> bool:
    return bool(_WHO_HAS.match(plain(text)))


def asks_to_erase(text: str) -> bool:
    return bool(_ERASE.match(plain(text)))


def asks_for_code(text: str) -> bool:
    return bool(_NEW_CODE.match(plain(text)))


def agreed_word(text: str) -> str | None:
    """The word somebody wants to be heard as "somebody else holds my phone"."""
    found = _SET_WORD.match(plain(text))
    return None if found is None else found["word"]
