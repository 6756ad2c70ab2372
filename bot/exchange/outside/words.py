"""The words of the pages behind a link: the four languages of the house, and those of more partners.

These others hold what somebody without Waymark can read, and no sentence besides: nobody else is spoken to in them
(decision 46). So they lie in a folder that the rest of the program does not look into.
"""

from __future__ import annotations

from functools import cache

from bot.exchange.partners.model import Contact, Partner
from bot.kernel.words import LOCALES, Words

MORE_LANGUAGES = LOCALES / "links"


@cache
def words_behind_links() -> Words:
    return Words.load().and_more(Words.load(MORE_LANGUAGES))


def language_of(contact: Contact, partner: Partner) -> str:
    """The first of theirs that the pages speak. Where none is, the first: then their browser is asked."""
    theirs, words = (*contact.languages, *partner.languages), words_behind_links()
    served = (words.speaks(each) for each in theirs)
    return next((each for each in served if each), next(iter(theirs), "en"))
