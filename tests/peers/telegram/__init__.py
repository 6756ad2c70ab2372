"""A Telegram Bot API of our own, as a real HTTP server: strict like the real one, and faulty on request.

In a test: `async with running_telegram(folder / "ledger.db") as telegram: ...`.
As a process: `python -m tests.peers.telegram --port 8081 --ledger ledger.db --faults lose_answer=0.02`.
"""

from tests.peers.telegram.faults import Fault, Faults
from tests.peers.telegram.ledger import Ledger
from tests.peers.telegram.remote import RemoteTelegram
from tests.peers.telegram.server import TOKEN, FakeTelegram, running_telegram

__all__ = ["TOKEN", "FakeTelegram", "Fault", "Faults", "Ledger", "RemoteTelegram", "running_telegram"]
