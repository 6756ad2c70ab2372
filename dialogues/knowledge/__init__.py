"""Procedures as reviewed text files: loading, searching and checking them."""

from dialogues.knowledge.library import Procedures
from dialogues.knowledge.model import Audience, BrokenProcedures, Procedure, Source, TranslationState

__all__ = ["Audience", "BrokenProcedures", "Procedure", "Procedures", "Source", "TranslationState"]
