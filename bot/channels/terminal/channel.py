"""The terminal as a channel. `./waymark talk` reads the conversation itself, so delivering is only waking it."""

from __future__ import annotations

from bot.channels.model import DeliveryId, InboundMessage, OutboundMessage
from bot.channels.terminal.payload import NAME, read_payload


class TerminalChannel:
    """A message is delivered when it is committed: the client is shown what the database holds."""

    name = NAME

    def read(self, payload: bytes) -> InboundMessage:
        return read_payload(payload)

    async def send(self, message: OutboundMessage) -> DeliveryId:
        return DeliveryId(message.id)

    async def acknowledge(self, message: InboundMessage) -> None:
        """Nothing to do: the answer to the request was the acknowledgement."""
