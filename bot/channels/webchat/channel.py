"""The web chat as a channel. Its page reads the conversation itself, so delivering is only waking the page."""

from __future__ import annotations

from bot.channels.model import DeliveryId, InboundMessage, OutboundMessage
from bot.channels.webchat.payload import NAME, read_payload


class WebChatChannel:
    """A message is delivered when it is committed: the page shows what the database holds."""

    name = NAME

    def read(self, payload: bytes) -> InboundMessage:
        return read_payload(payload)

    async def send(self, message: OutboundMessage) -> DeliveryId:
        return DeliveryId(message.id)

    async def acknowledge(self, message: InboundMessage) -> None:
        """Nothing to do: the answer to the form was the acknowledgement."""
