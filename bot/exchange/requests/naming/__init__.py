"""Held adults whom the words of a request name, surely or likely, and what two people say about the likely ones."""
