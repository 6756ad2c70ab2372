"""The fields of a form, each read as what it should be. Whatever cannot be read is said by its field's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from babel import Locale

from directory.files.cells import country_in, language_in
from directory.model import Gender, WrongRecord
from directory.words import because, plain_figures

Form = Mapping[str, str]

LONGEST_FIELD = 4000


class Filled:
    """The fields of a form, read as what they should be."""

    def __init__(self, form: Form) -> None:
        self._form = form

    def text(self, name: str) -> str:
        return self._form.get(name, "").strip()[:LONGEST_FIELD]

    def figures(self, name: str) -> str:
        """A text in which figures are meant to be read: those of any script, as phones of many people write them."""
        return plain_figures(self.text(name))

    def has(self, name: str) -> bool:
        return name in self._form

    def lines(self, name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(line.strip() for line in self.text(name).splitlines() if line.strip()))

    def codes(self, name: str) -> tuple[str, ...]:
        words = self.text(name).replace(";", ",").replace("\n", ",").split(",")
        return tuple(dict.fromkeys(word.strip() for word in words if word.strip()))

    def ticked(self, group: str, known: Mapping[str, object] | type[Gender]) -> tuple[str, ...]:
        return tuple(str(code) for code in known if self._form.get(f"{group}.{code}"))

    def said(self, name: str) -> bool | None:
        return {"yes": True, "no": False}.get(self.text(name))

    def figure(self, name: str) -> float | None:
        if not (text := self.figures(name)):
            return None
        try:
            return float(text.replace(",", "."))
        except ValueError:
            raise WrongRecord([because("'{value}' is not a number", value=text[:40])]) from None

    def whole(self, name: str) -> int | None:
        value = self.figure(name)
        if value is not None and value != int(value):
            raise WrongRecord([because("'{value}' is not a whole number", value=self.text(name)[:40])])
        return None if value is None else int(value)

    def day(self, name: str) -> date | None:
        try:
            return date.fromisoformat(self.figures(name)) if self.text(name) else None
        except ValueError:
            raise WrongRecord([because("'{value}' is not a day like 2026-12-24", value=self.text(name)[:40])]) from None

    def countries(self, name: str, *, besides: Sequence[str] = ()) -> tuple[str, ...]:
        """Codes of countries, by their codes or names. `besides`: what else may stand there."""
        return tuple(dict.fromkeys(word if word in besides else _country(word) for word in self.codes(name)))

    def country(self, name: str) -> str:
        return country_in(text) if (text := self.text(name)) else ""

    def languages(self, name: str, *, besides: Sequence[str] = ()) -> tuple[str, ...]:
        """Codes of languages, by their codes or names. `besides`: what else may stand there."""
        return tuple(dict.fromkeys(word if word in besides else _language(word) for word in self.codes(name)))


def _country(word: str) -> str:
    code = country_in(word)
    if len(code) != 2 or code not in Locale.parse("en").territories:
        raise WrongRecord([because("'{value}' is no country: write its name, or two letters like IT", value=word[:40])])
    return code


def _language(word: str) -> str:
    code = language_in(word)
    if code.partition("-")[0].lower() not in Locale.parse("en").languages:
        raise WrongRecord([because("'{value}' is no language: write its name, or its code like ar", value=word[:40])])
    return code
