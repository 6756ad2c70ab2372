"""The terminal: a channel for whoever sits at the machine, to try things and to help in a hurry."""

from bot.channels.terminal.payload import ACCOUNT, NAME

__all__ = ["ACCOUNT", "NAME"]
