"""Whom the child of a case is kept from, for the rooms below that send something away without a request: referrals.

What goes to another country, or to its mission in ours, is the gate's to judge there as well: a referral to a clinic
across the border tells its reader as much about a child as a request does.
"""

from __future__ import annotations

import re
from typing import Final

from sqlalchemy.engine import Connection

from bot.cases.consent import Agreement
from bot.cases.model import Case, MayBeFeared
from bot.exchange import gate
from bot.exchange.gate import Kind, Recipient
from bot.exchange.holds.free_to_move import ClaimingAdults
from bot.exchange.requests.situations import situation_of_case
from bot.kernel.crypto import Vault
from directory import store as directory

SERVICE: Final = "service:"
#: Words by which an embassy or a consulate calls itself, in the languages of our routes.
_MISSION = re.compile(
    r"\bconsul(?!t)|\bconsolat|konsul(?!t)|konsolos|\bembass|\bambass?ad|\bambasciat|\bembajad|\bembaixad|botschaft"
    r"|\bel[cç]ili|büyükel[cç]i|قنصل|سفار|посольств|консульств|πρεσβεί|προξεν|کنسول",
    re.IGNORECASE,
)


class KeptFrom(ClaimingAdults):
    """Adults who claim the child, and bodies that may tell authorities the child fears (`bot.cases.ports.Adults`)."""

    def __init__(self, home: str = "") -> None:
        """`home` is the country this deployment serves; where it serves several, that of the case."""
        self._home = home

    def require_may_hear(self, tx: Connection, vault: Vault, case: Case, agreement: Agreement) -> None:
        """Raises MayBeFeared where the gate stops what would be told to the recipient of this agreement.

        A service abroad may report to whoever governs there, and of one that is in no list of ours somebody has to say
        in which country it is. Whose a mission is, its name does not say, so nothing is
        told to one: a request for consular contact names its country, and has a lawyer's step and two people's hands.
        """
        names, told, places = [agreement.named], {agreement.country or ""}, set[str]()
        if agreement.recipient.startswith(SERVICE):
            for service in directory.get_services(tx, [agreement.recipient.removeprefix(SERVICE)]):
                names += [service.name, *(each.text for each in service.names)]
                places |= {*service.countries, *(each.country for each in service.locations)}
        situation, home = situation_of_case(tx, vault, case), self._home or case.country
        if home in places:  # who is here as well is asked here: only a country that the child names speaks against it
            places &= situation.feared or frozenset()
        abroad = sorted((told | places) - {home, ""}) if home else []
        readers = [Recipient(each, Kind.ORGANISATION, each, frozenset({each})) for each in abroad]
        if any(_MISSION.search(name) for name in names):
            readers.append(Recipient("mission", Kind.STATE, "", None))
        if not (places or agreement.country or agreement.recipient.startswith(SERVICE)):  # who is in no list of ours
            readers.append(Recipient("anywhere", Kind.ORGANISATION, "", None))
        if readers and gate.stops(situation, readers):
            raise MayBeFeared(case.number)
