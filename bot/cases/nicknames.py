"""What people of one name are called: short forms that cannot be heard from the name itself.

A small table and no more than a reason to ask. After lists of Spanish hypocoristics (yubrain.com, "Match nicknames with
names", which cites the Real Academia Española; El Periódico de Aragón, 1 March 2022), East Slavic naming customs
(Wikipedia), and, for Md., the passport form of Bangladesh, which asks to write Mohammad for it. In small letters,
folded; names of one line are one name in several languages.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_CALLED = {
    "mohammad": "md mohd muhd mhd mo",
    "jose": "pepe",
    "francisco": "paco pancho curro quico kiko",
    "ignacio": "nacho",
    "jesus": "chuy chus chucho",
    "manuel": "manolo lolo",
    "dolores": "lola",
    "rosario": "charo chayo",
    "eduardo": "lalo",
    "enrique": "quique kike",
    "alberto roberto humberto adalberto rigoberto": "beto",
    "antonio": "tono toni",
    "guadalupe": "lupe",
    "vicente": "chente",
    "alfonso": "poncho",
    "ramon": "moncho",
    "gregorio": "goyo",
    "mercedes": "meche merche",
    "consuelo": "chelo",
    "isabel": "chabela",
    "felipe": "pipe",
    "fernando": "nando",
    "alejandro": "alex jandro",
    "aleksandr alexander oleksandr александр олександр": "sasha shura sanya sashko alex саша шура саня сашко",
    "vladimir volodymyr владимир володимир": "vova volodya вова володя",
    "dmitri dmytro дмитрий дмитро": "dima mitya дима діма митя",
    "mikhail mykhailo михаил михайло": "misha миша міша",
    "nikolai mykola николай микола": "kolya коля",
    "sergei serhii сергей сергій": "seryozha serezha сережа",
    "yevgeni evgeni yevhen евгений євген": "zhenya женя",
    "aleksei oleksii алексей олексій": "alyosha lyosha алеша леша",
    "ivan иван іван": "vanya ваня",
    "grigori hryhorii григорий григорій": "grisha гриша",
    "yuri yurii юрий юрій": "yura юра",
    "maria мария марія": "masha маша",
    "anastasia анастасия анастасія": "nastya настя",
    "yekaterina ekaterina kateryna екатерина катерина": "katya катя",
}


def _by_short_form() -> dict[str, tuple[str, ...]]:
    names: dict[str, list[str]] = {}
    for full, short in _CALLED.items():
        for each in short.split():
            names.setdefault(each, []).extend(full.split())
    return {each: tuple(full) for each, full in names.items()}


#: The names behind each short form.
NAMES_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(_by_short_form())
