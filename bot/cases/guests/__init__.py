"""An interpreter or a guardian in one talk: by a link and a code, for a few hours, with nothing of the case record."""
