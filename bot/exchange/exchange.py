"""The exchange as one part of the program: what takes letters in, what carries them out, and their doors."""

from __future__ import annotations

from bot.exchange.partners.keys import Identity
from bot.exchange.post.carrier import Carrier
from bot.exchange.post.intake import Intake
from bot.exchange.post.model import Gatekeeper, Receiver
from bot.exchange.post.routes import exchange_routes
from bot.kernel.clock import Clock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from bot.kernel.live import Signals
from bot.kernel.web import Routes


class Exchange:
    """Built by the composition root, which also says who receives, and who is asked before each letter goes. Without a
    receiver, letters that come wait."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        signals: Signals,
        *,
        receiver: Receiver | None,
        gatekeeper: Gatekeeper,
        identity: Identity,
    ) -> None:
        self.intake = Intake(database, vault, clock, signals, receiver)
        self.carrier = Carrier(
            database,
            vault,
            clock,
            signals,
            intake=self.intake,
            receiver=receiver,
            gatekeeper=gatekeeper,
            identity=identity,
        )
        self.routes: Routes = exchange_routes(database, vault, clock, self.intake, receiver, gatekeeper, identity)
