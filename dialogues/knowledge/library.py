"""The reviewed texts as a whole: which one to show to whom, and which one somebody may mean."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from msgspec import Struct

from dialogues.kept import kept
from dialogues.knowledge.loading import load_overlays, load_texts
from dialogues.knowledge.model import INTERNATIONAL, Audience, Procedure
from dialogues.knowledge.overlays import Overlay, Overlays, jurisdictions_of
from dialogues.knowledge.search import Embed, Index

SHIPPED = Path(__file__).resolve().parents[1] / "procedures"


class _Read(Struct, frozen=True):
    texts: tuple[Procedure, ...]
    overlays: tuple[Overlay, ...]


def _read(folder: Path) -> _Read:
    texts = load_texts(folder)
    return _Read(tuple(texts), tuple(load_overlays(folder, texts)))


class Procedures:
    """All texts, read once at start. Asking for one needs a date: only what is in force is ever handed out."""

    def __init__(
        self, texts: Iterable[Procedure], *, overlays: Overlays | None = None, embed: Embed | None = None
    ) -> None:
        self._texts = {(text.key, text.language, text.audience, text.jurisdiction): text for text in texts}
        self.overlays = overlays or Overlays()
        self._embed = embed
        self._indexes: dict[tuple[str, Audience], Index] = {}

    @classmethod
    def load(cls, folder: Path, *, embed: Embed | None = None) -> Procedures:
        """Read a folder of procedures. Raises BrokenProcedures naming every file and line that is wrong."""
        read = _read(folder)
        return cls(read.texts, overlays=Overlays(read.overlays), embed=embed)

    @classmethod
    def load_shipped(cls, folder: Path = SHIPPED) -> Procedures:
        """The texts that come with the program, as `load` reads them; the second start takes them as the first one
        read them. Raises BrokenProcedures."""
        sources = [path for path in folder.rglob("*") if path.is_file()]
        code = Path(__file__).parent.glob("*.py")
        read = kept("procedures", _Read, [*sources, *code], lambda: _read(folder))
        return cls(read.texts, overlays=Overlays(read.overlays))

    def replace_texts(self, texts: Iterable[Procedure], overlays: Iterable[Overlay]) -> None:
        """From now on these are the texts, and what lies over them; the next question gets them."""
        held = {(text.key, text.language, text.audience, text.jurisdiction): text for text in texts}
        self._texts, self.overlays, self._indexes = held, Overlays(overlays), {}

    @property
    def keys(self) -> tuple[str, ...]:
        """Every procedure there is a text of, in force or not."""
        return tuple(sorted({key for key, _, _, _ in self._texts}))

    def texts(self) -> tuple[Procedure, ...]:
        """Every text, in force or not: for editors and checks, not for readers."""
        return tuple(self._texts.values())

    def get(
        self,
        key: str,
        language: str,
        on: date,
        country: str | None = None,
        *,
        audience: Audience = Audience.WORKER,
    ) -> Procedure | None:
        """The text to show, or None when none is in force: then a person has to answer.

        The country's own text comes before that of its region and the international one. What is known to differ in
        the country is laid over that one; law of elsewhere is no source there. A child never gets a worker's text in
        its place.
        """
        own = reversed(jurisdictions_of(country)) if country else ()
        for jurisdiction in (*own, INTERNATIONAL):
            text = self._texts.get((key, language, audience, jurisdiction))
            if text is not None and text.in_force(on):
                if not country or jurisdiction != INTERNATIONAL:
                    return text
                text = text.within(jurisdictions_of(country))
                return self.overlays.lay(text, country, on) if audience is Audience.WORKER else text
        return None

    def title(self, key: str, language: str, audience: Audience = Audience.WORKER) -> str | None:
        """What a text is called, in force or not: to speak of it, not to show it."""
        text = self._texts.get((key, language, audience, INTERNATIONAL))
        return None if text is None else text.title

    def has(self, key: str, language: str, audience: Audience = Audience.WORKER) -> bool:
        """Whether there is a text of it for these readers, in force or not."""
        return any((k, lang, whom) == (key, language, audience) for k, lang, whom, _ in self._texts)

    def search(
        self,
        words: str,
        language: str,
        limit: int = 5,
        *,
        on: date,
        country: str | None = None,
        audience: Audience = Audience.WORKER,
        least: float = 0.0,
    ) -> list[Procedure]:
        """Texts in force that somebody may mean by `words`, best first; empty when nothing fits.

        `least` is how well they must fit, as in `Match.score`.
        """
        matches = [match for match in self._index(language, audience).search(words) if match.score >= least]
        likely = (self.get(match.key, language, on, country, audience=audience) for match in matches)
        return [text for text in likely if text is not None][:limit]

    def like(self, text: Procedure, limit: int = 4, *, on: date, country: str | None = None) -> list[Procedure]:
        """Other texts in force for the same readers: those its authors name first, then the nearest by their words."""
        words = " ".join((text.title, *text.search_words))
        near = (match.key for match in self._index(text.language, text.audience).search(words))
        keys = [key for key in dict.fromkeys((*text.related, *near)) if key != text.key]
        found = (self.get(key, text.language, on, country, audience=text.audience) for key in keys)
        return [other for other in found if other is not None][:limit]

    def _index(self, language: str, audience: Audience) -> Index:
        """Made at the first search for these readers, so that a start does not wait for it."""
        if (language, audience) not in self._indexes:
            theirs = [text for text in self._texts.values() if (text.language, text.audience) == (language, audience)]
            self._indexes[language, audience] = Index(theirs, embed=self._embed)
        return self._indexes[language, audience]
