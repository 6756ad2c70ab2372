"""What a person asks about their own case, known by exact forms: a guess would be wrong too often to act on.

The forms are of folded words (`fold`): lower case, no accents, Arabic letters in one shape. Drafted by machine, for
native review. Whoever says it in other words meets the dialogue as ever, and can ask for a person.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

from dialogues.understanding.fold import clean, fold, words

#: So many letters of a form may be the beginning of a longer word, and shorter ones are not looked at.
_STEM = 3


class _Forms:
    """Exact forms of whole messages, compiled when a message first holds no other words than theirs.

    Compiling all of them took a twentieth of every start, and hardly a message holds no other word.
    """

    def __init__(self, forms: str) -> None:
        self._forms = forms

    def match(self, said: str) -> re.Match[str] | None:
        return self._compiled.match(said) if all(map(self._knows, said.split())) else None

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._forms)

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(re.findall(r"[^\W\d_]+", self._forms))

    @cached_property
    def _stems(self) -> tuple[str, ...]:
        return tuple(word for word in self._words if len(word) >= _STEM)

    def _knows(self, word: str) -> bool:
        """Whether one of the forms may hold this word. (`heures?` stands for two.)"""
        short = len(word) <= _STEM or word[0].isdecimal()
        return short or word in self._words or word.startswith(self._stems) or word + "s" in self._words


CODE_DIGITS = 16
#: What may stand beside the digits of a return code; with any other word they are something else, such as an account.
_BESIDE = (
    "my return code number is the it s its here mon ma code numero de retour est c voici le",
    "mi codigo numero para volver es el aqui esta رمز رمزي العوده كود كودي رقم رقمي هو هذا",
)
_BESIDE_CODE: Final = frozenset(word for line in _BESIDE for word in line.split())
_WHO_HAS: Final = _Forms(
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
#: What was told here, and what is known of somebody.
_ERASE: Final = _Forms(
    r"^(?:hello |hi |please |pls |i want you to |i want to |i d like you to |id like you to |you must |you should "
    r"|can you |could you |will you )*(?:erase|delete|remove|destroy|forget|wipe) "
    r"(?:(?:please |now )*(?:(?:everything|all|what|whatever|anything)(?: of)?(?: that| what)? ?)?"
    r"(?:you (?:know|have|wrote|saved|kept|stored)(?: about me| of me| on me)?|about me|of me"
    r"|i (?:have |ve )?(?:wrote|written|told you|said|typed|sent)(?: you)?(?: here)?"
    r"|(?:of )?my (?:personal )?(?:file|case|data|information|info|messages|words|chat|conversation|history))"
    r"|everything)(?: please| pls| now)*$"
    r"|^(?:please )?i want (?:all )?(?:of )?my (?:file|data|information|info|messages|words|chat|conversation) "
    r"(?:to be )?(?:erased|deleted|removed|destroyed|gone)(?: please| now)*$"
    r"|^(?:bonjour |s il te plait |s il vous plait |stp |svp |je veux |je voudrais |il faut |tu peux |vous pouvez "
    r"|pouvez vous |peux tu |je veux que (?:vous |tu )?)*"
    r"(?:efface[rsz]?|effaciez|supprime[rsz]?|supprimiez|detruis|detruire|detruisez|oublie[rsz]?) "
    r"(?:(?:tout|toutes|tous|ce que)? ?(?:ce que)? ?(?:vous savez|tu sais|vous avez|tu as)? ?"
    r"(?:sur moi|de moi|mon dossier|ma conversation|(?:tous |toutes )?mes (?:donnees|informations|infos|messages|mots)"
    r"|j ai (?:ecrit|dit|raconte|envoye)|je (?:vous|t) ai (?:dit|ecrit|raconte|envoye))|tout)"
    r"(?: stp| svp| s il te plait| s il vous plait)*$"
    r"|^(?:hola |por favor |quiero |quiero que |quisiera |puedes |pueden |podrian |deben )*"
    r"(?:borra|borren|borrar|borres|elimina|eliminen|eliminar|elimines|olvida|olviden) "
    r"(?:(?:todo|toda)? ?(?:lo que)? ?(?:saben|sabes|tienen|tienes)? ?"
    r"(?:sobre mi|de mi|mi expediente|mi caso|mi conversacion|mi historial"
    r"|(?:todos |todas )?mis (?:datos|mensajes|palabras)(?: personales)?|(?:toda )?mi informacion"
    r"|(?:yo )?(?:escribi|dije|les dije|te dije|conte|les conte|te conte|mande|he (?:escrito|dicho|contado)))|todo)"
    r"(?: por favor| porfa| ya)*$"
    r"|^(?:مرحبا |من فضلك |لو سمحت |اريد |اريد منكم |بدي |ممكن |عايز |عايزه |ارجوكم |ارجوك )*"
    r"(?:ان )?(?:امسح|امسحوا|امسحي|احذف|احذفوا|احذفي|مسح|حذف|محو|انسوا|تمسح|تمسحوا|تحذف|تحذفوا|تمحوا|امحوا) "
    r"(?:كل |جميع |كافه )?(?:شي عني|شي تعرفونه عني|ما تعرفون عني|ما تعرفونه عني|المعلومات عني|شي"
    r"|(?:ما|اللي|شي) (?:كتبت|كتبته|قلت|قلته|قلته لكم|ارسلته|حكيته|حكيت)"
    r"|ملفي|بياناتي|معلوماتي|رسايلي|محادثتي|محادثاتي|كلامي)(?: الشخصيه)?(?: من فضلك| لو سمحت| كلها)*$"
    # Persian
    r"|^(?:لطفا |سلام |ميخواهم |مي خواهم |ميشه |مي شود )*(?:همه |همهي |همه ي |تمام |كل )?"
    r"(?:(?:اطلاعات|بيام هاي|بيامهاي|بيام ها|حرف هاي|حرفهاي|داده هاي|برونده) ?(?:من|ام)?|بيام هايم|بيامهايم|حرف هايم"
    r"|حرفهايم|اطلاعاتم|داده هايم|برونده ام|جيزهايي كه (?:گفتم|كفتم|نوشتم)|هر جه (?:كفتم|نوشتم|درباره من داريد)"
    r"|هرجه (?:كفتم|نوشتم)|جيز درباره من)(?: را| رو)?(?: لطفا)? "
    r"(?:باك|حذف|محو) (?:كن|كنيد|كنين|بشه|شود|كنم)(?: لطفا)?$"
    # Ukrainian
    r"|^(?:будь ласка |привіт |прошу |хочу |я хочу |можете |можна )*"
    r"(?:видали|видаліть|видалити|зітри|зітріть|стерти|зітерти|знищ|знищіть|забудь|забудьте) "
    r"(?:(?:все|всі|усі|усе) ?)?(?:моі (?:дані|повідомлення|слова|відомості)|мою (?:справу|інформацію|переписку)"
    r"|(?:все |усе )?(?:про мене|що (?:я )?(?:писав|писала|написав|написала|казав|казала|сказав|сказала)"
    r"|що ви знаєте про мене|що знаєте про мене)|все|усе)(?: будь ласка)?$"
    # Portuguese, Turkish, Swahili, Somali
    r"|^(?:por favor |quero |quero que |pode |podem )*(?:apaga|apague|apaguem|apagar|elimine|eliminar|exclua|excluir) "
    r"(?:(?:tudo)? ?(?:o que)? ?(?:sabem|tem)? ?(?:sobre mim|de mim|meu caso|minha conversa"
    r"|(?:eu )?(?:escrevi|disse|falei)"
    r"|(?:todos |todas )?(?:os |as )?(?:meus dados|minhas mensagens|minhas informacoes))|tudo)(?: por favor)?$"
    r"|^(?:lutfen |bana ait )*(?:tum |butun )?(?:verilerimi|mesajlarimi|bilgilerimi|yazdiklarimi|dosyami"
    r"|yazdigim her seyi|hakkimdaki her seyi|benimle ilgili her seyi|her seyi)(?: lutfen)? (?:sil|silin|siler misiniz"
    r"|siler misin|silmenizi istiyorum|silinsin)(?: lutfen)?$"
    r"|^(?:tafadhali |naomba |nataka )*(?:futa|futeni|mfute|ufute|kufuta|ondoa) "
    r"(?:(?:ujumbe|taarifa|habari|maneno|data) (?:wangu|zangu|yangu)(?: wote| zote| yote)?"
    r"|kila kitu (?:kunihusu|kuhusu mimi|nilichosema|nilichoandika)"
    r"|yote niliyo(?:sema|andika)|kila kitu)(?: tafadhali)?$"
    r"|^(?:fadlan |waxaan rabaa inaad )*(?:tirtir|tirtira|masax|masaxa|tirtirtaan|tirtirto) (?:dhammaan |dhamaan )?"
    r"(?:(?:xogtayda|fariimahayga|macluumaadkayga|wixii aan (?:qoray|sheegay|iri)|wax walba oo igu saabsan|wax walba)"
    r"(?: oo dhan)?)(?: fadlan)?$"
)
#: Somebody who wants to be forgotten, and may mean their words or themselves.
_FORGET: Final = _Forms(
    r"^(?:please |i want you to |i want to |can you |could you )*(?:erase|delete|remove|destroy|forget) me"
    r"(?: please| now)*$"
    r"|^(?:s il te plait |s il vous plait |stp |svp |je veux |il faut |tu peux |vous pouvez )*"
    r"(?:efface[rz]?|supprime[rz]?|detruis|detruire|oublie[rz]?) moi(?: stp| svp| s il te plait| s il vous plait)*$"
    r"|^(?:olvidame|olvidenme|borrame|borrenme)$"
)
_NEW_CODE: Final = _Forms(
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
_HOW_LONG: Final = _Forms(
    r"^(?:hello |hey |please |sorry |so |and |but )*"
    r"(?:how long|how much longer|how many minutes|how long now"
    r"|how (?:long|much longer|many minutes|many hours) "
    r"(?:do|must|should|will|shall) (?:i|we) (?:still )?(?:have to |need to )?wait(?: here| for (?:a|the) person)?"
    r"|how long (?:will it|does it|is it going to) (?:take|be)(?: until (?:a person|someone|somebody) "
    r"(?:answers|comes|writes))?"
    r"|how long (?:is|s) the (?:wait|queue|line)|how many (?:people )?(?:are )?(?:before|ahead of) me"
    r"|(?:is|are) (?:anyone|anybody|someone|somebody|a person|they|you) (?:there|coming|still there)"
    r"|when (?:will|does|do) (?:someone|somebody|anyone|a person|they) (?:answer|come|write|reply)(?: me| to me)?"
    r"|where is (?:the|my) person|why (?:does )?(?:noone|no one|nobody) (?:answer|answers|answering|is answering))$"
    r"|^(?:bonjour |allo |svp |et )*"
    r"(?:combien de temps|(?:c est |ce sera )?dans combien de temps|encore combien de temps"
    r"|(?:pendant )?combien de temps (?:dois je|je dois|faut il|il faut|ca va|cela va) (?:encore )?"
    r"(?:attendre|prendre|durer)|combien (?:de personnes|de gens) (?:avant|devant) moi"
    r"|(?:il y a |est ce qu il y a |y a t il )?quelqu un(?: est la| vient| arrive)?"
    r"|quand (?:est ce que )?quelqu un (?:va |vient )?(?:me |m )?(?:repondre|repond|ecrire|ecrit|vient|arrive)"
    r"|pourquoi personne ne (?:me )?repond)$"
    r"|^(?:hola |perdon |por favor |y )*"
    r"(?:cuanto tiempo|cuanto falta|cuanto (?:tiempo )?(?:tengo que|debo|hay que) esperar"
    r"|cuanto (?:tarda|tardan|demora)"
    r"|cuanto tiempo (?:mas|falta|tarda|va a tardar)|cuantas? personas? (?:hay )?(?:antes|delante) (?:de mi|que yo)"
    r"|(?:hay )?alguien(?: ahi| viene| va a venir)?|cuando (?:me )?(?:va a |van a )?"
    r"(?:responde|responden|responder|contesta|contestan|contestar|viene|venir) alguien"
    r"|cuando alguien me (?:responde|contesta|escribe)|por que nadie (?:me )?(?:responde|contesta))$"
    r"|^(?:مرحبا |لو سمحت |من فضلك )*"
    r"(?:كم من الوقت|كم الوقت|كم باقي|كم بقي|كم (?:من الوقت )?(?:انتظر|سانتظر|يجب ان انتظر|علي ان انتظر)"
    r"|(?:الي متي|لمتي|متي) (?:انتظر|سانتظر)|متي (?:يرد|سيرد|ياتي|سياتي|يجيب) (?:شخص|احد|علي احد|احد علي)"
    r"|هل (?:يوجد|هناك|في) (?:احد|شخص)(?: هنا)?|كم شخص(?:ا)? (?:قبلي|امامي)|لماذا لا (?:يرد|يجيب) احد)$"
)
#: A time of the day: 18, 18:30, 18h30, 6 pm. Punctuation is gone by then.
_TIME = r"(\d{1,2})(?: ?h)?(?: ?(\d{2}))?(?: ?(am|pm))?"
_SAFE_HOURS: Final = _Forms(
    rf"^(?:it is )?safe (?:from|between) {_TIME} (?:to|until|till|and) {_TIME}$"
    rf"|^(?:c est )?sur (?:de|entre) {_TIME} (?:a|et) {_TIME}$"
    rf"|^(?:es )?seguro (?:de|entre) (?:las )?{_TIME} (?:a|y) (?:las )?{_TIME}$"
    rf"|^(?:الوقت )?(?:امن|الامن) (?:من|بين) (?:الساعه )?{_TIME} (?:الي|حتي|و) ?(?:الساعه )?{_TIME}$"
)
_SAFE_TIME: Final = _Forms(
    r"^(?:my |a |set |choose )*safe (?:time|hours?)$|^when (?:can|should) you write to me$"
    r"|^(?:mon |une |choisir )*heures? sures?$|^quand (?:pouvez vous|peux tu) m ecrire$"
    r"|^(?:mi |una |elegir )*horas? seguras?$|^cuando (?:pueden|puedes) escribirme$"
    r"|^(?:وقتي الامن|وقت امن|الوقت الامن|متي تكتبون لي)$"
)
_ANY_TIME: Final = _Forms(
    r"^(?:forget|delete|cancel) my safe (?:time|hours?)$|^any time is safe$"
    r"|^(?:oublie|oubliez|efface) mon heure sure$|^toute heure est sure$"
    r"|^(?:olvida|olviden|borra) mi hora segura$|^cualquier hora es segura$"
    r"|^(?:انس|امسح|الغ) وقتي الامن$|^كل وقت امن$"
)
_OWN_CLOCK: Final = _Forms(
    rf"^my (?:time|clock) (?:is|says) {_TIME}$|^(?:mon heure est|chez moi il est) {_TIME}$"
    rf"|^(?:mi hora es|mi reloj marca) {_TIME}$|^(?:ساعتي|الساعه عندي) {_TIME}$"
)
_BARE_CLOCK: Final = re.compile(r"^\s*\d{1,2}\s*[:.h]\s*\d{2}\s*(?:[ap]m)?\s*$", re.IGNORECASE)
_SAFE_WAY: Final = re.compile(
    r"^(?:my safe (?:way|channel) is|mon moyen sur est|mi medio seguro es|طريقتي الامنه(?: هي)?) (?=.)"
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
    """Whether somebody wants their words, or themselves, to be forgotten here."""
    said = plain(text)
    return bool(_ERASE.match(said) or _FORGET.match(said))


def asks_to_erase_words(folded: str) -> bool:
    """Whether a folded message asks to erase what was told or kept here, and nothing of the one who writes."""
    return bool(_ERASE.match(" ".join(words(folded))))


def asks_how_long(text: str) -> bool:
    """How long it takes until a person comes. Ask only where one was called: the words alone can mean other things."""
    return bool(_HOW_LONG.match(plain(text)))


def asks_for_code(text: str) -> bool:
    return bool(_NEW_CODE.match(plain(text)))


def agreed_word(text: str) -> str | None:
    """The word somebody wants to be heard as "somebody else holds my phone"."""
    found = _SET_WORD.match(plain(text))
    return None if found is None else found["word"]


def asks_for_safe_time(text: str) -> bool:
    """Whether somebody wants to say when they may be written to."""
    return bool(_SAFE_TIME.match(plain(text)))


def takes_any_time(text: str) -> bool:
    """Whether somebody takes back what they said about it."""
    return bool(_ANY_TIME.match(plain(text)))


def safe_hours(text: str) -> tuple[int, int] | None:
    """From when until when somebody may be written to, in minutes of their day; the end may lie on the next day.

    (-1, -1) for hours that no clock shows.
    """
    found = _SAFE_HOURS.match(plain(text))
    if found is None:
        return None
    first, last = _minutes(found)
    return (first, last) if first is not None and last is not None and first != last else (-1, -1)


def own_clock(text: str, *, asked: bool = False) -> int | None:
    """The minute of the day that somebody's clock shows; -1 for one that no clock shows. Where they were `asked` for
    it, the time alone is enough."""
    said = f"my time is {plain(text)}" if asked and _BARE_CLOCK.match(fold(text)) else plain(text)
    found = _OWN_CLOCK.match(said)
    if found is None:
        return None
    [minute] = _minutes(found)
    return -1 if minute is None else minute


def safe_way(text: str) -> str | None:
    """How somebody may be reached safely, in their own words and spelling."""
    found = _SAFE_WAY.match(plain(text))
    if found is None:
        return None
    left, parts = len(found[0].split()), text.split()
    while parts and left > 0:
        left -= len(words(fold(parts.pop(0))))
    return " ".join(parts) or None


def _minutes(found: re.Match[str]) -> list[int | None]:
    """The times in a match, each as a minute of the day."""
    groups = found.groups()
    times = [groups[start : start + 3] for start in range(0, len(groups), 3)]
    return [_minute(hour, minute, half) for hour, minute, half in times if hour is not None]


def _minute(hour: str, minute: str | None, half: str | None) -> int | None:
    hours, minutes = int(hour), int(minute or 0)
    if half is not None:
        hours = hours % 12 + (12 if half == "pm" else 0)
    if hours == 24 and minutes == 0:
        hours = 0
    return hours * 60 + minutes if hours < 24 and minutes < 60 else None
