"""What the cases ask of rooms that stand above them: the composition root supplies it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.engine import Connection

from bot.cases.hand import Hand
from bot.cases.model import Case
from bot.kernel.crypto import Vault

if TYPE_CHECKING:
    from bot.cases.consent import Agreement


class Adults(Protocol):
    """What is known of whom the child of a case is kept from: adults who claim it, and bodies it may fear."""

    def require_free(self, tx: Connection, case_id: str, adult_id: str) -> None:
        """Raises NotWithThisAdult where the child may not be placed, moved or referred together with this adult: their
        tie is not supported, a hold stands, or nobody has looked at them in this case."""
        ...

    def require_nobody_named(self, tx: Connection, vault: Vault, case: Case, text: str) -> None:
        """Raises AdultNamed where a text may name one with whom the child may not be sent: he is not chosen by being
        written down."""
        ...

    def require_may_hear(self, tx: Connection, vault: Vault, case: Case, agreement: Agreement) -> None:
        """Raises MayBeFeared where whoever this consent names is in another country, or belongs to one, and may tell
        authorities that the child fears."""
        ...

    def is_in_doubt(self, tx: Connection, vault: Vault, case: Case, name: str) -> bool:
        """Whether somebody of this name is one with whom the child may not be sent. Two people of two bodies can have
        said that it is somebody else."""
        ...

    def in_doubt(self, tx: Connection, vault: Vault, case: Case) -> list[str]:
        """The names of the adults of this case with whom the child may not be sent: what a name is compared with."""
        ...


class Eraser(Protocol):
    """What erases a person everywhere, and knows what is still under way about them in every room."""

    def in_the_way(self, tx: Connection, conversation_id: str) -> list[str]:
        """What keeps the words of this person for now, a sentence each."""
        ...

    def erase(self, tx: Connection, vault: Vault, conversation_id: str, *, by: str, at: datetime) -> int:
        """For ever, on this phone and on those they left. Returns how many cases lost their words."""
        ...


class Holder(Protocol):
    """A room that gave something away on the strength of a consent, and has to take it back from whoever has it."""

    def consent_withdrawn(self, tx: Connection, hand: Hand, case: Case, consent_id: str) -> None:
        """The person took this consent back, in this transaction. What rests on it alone must not go on."""
        ...
