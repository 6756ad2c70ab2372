"""A journey across countries: which steps change in each, who acts there, and by when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from msgspec import Struct, field

from dialogues.actions.answer import elsewhere, listed
from dialogues.knowledge import Procedure, Procedures
from dialogues.knowledge.countries import Way, country_name
from dialogues.knowledge.model import COLON, SEMICOLON, LocalRule
from dialogues.runtime.responses import Translate

#: Beside the procedure somebody asked about, what a journey across borders always touches.
ALWAYS = ("identify_uasc", "cross_border_request", "case_transfer")
#: The procedure whose contacts in a country say who is responsible for a child who arrives there.
WHO_ACTS = "identify_uasc"


class Rule(Struct, frozen=True):
    """What is different in a country, and in which procedure."""

    procedure: str
    title: str
    local: LocalRule


class Journey(Struct):
    """Tells a journey country by country. A rule of a region that was told is not told again."""

    procedures: Procedures
    language: str
    translate: Translate
    on: date
    told: dict[str, str] = field(default_factory=dict)  # region → the country with which its rules were told

    def tell(self, text: Procedure, along: Way) -> str:
        """The way, the question that comes before anybody abroad is asked, then each country.

        A stop that nobody knows is named as it was written: a step left out in silence would read as if none changed.
        """
        countries = along.countries
        gate = self.translate(
            self.language,
            "Before anybody in a country is asked: does the child fear that country or somebody in it? "
            "If yes, or if nobody knows, stop: a lawyer and UNHCR first.",
        )
        way = " → ".join(
            (*(country_name(country, self.language) for country in countries), *("?" for _ in along.unknown))
        )
        told = (self._country(text, number, country) for number, country in enumerate(countries, 1))
        return "\n\n".join((f"{way}\n{gate}", *told, *(self._unknown(name) for name in along.unknown)))

    def _unknown(self, name: str) -> str:
        said = self.translate(
            self.language,
            "“{name}”: I do not know which country this is. Ask again with the name of the country.",
        )
        return said.format(name=name)

    def _country(self, text: Procedure, number: int, country: str) -> str:
        rules = self._rules(text.key, country)
        new = [rule for rule in rules if rule.local.jurisdiction not in self.told]
        acting = [rule for rule in new if _says_who_acts(rule)]
        changes = _changes(new)
        limits = _limits(new)
        lines = [f"{number}. {country_name(country, self.language)}", self._who_acts(country, acting)]
        if changes:
            lines.append(
                listed(self.translate(self.language, "What changes"), tuple(self._change(rule) for rule in changes))
            )
        elif not _changes(rules) and rules:
            lines.append(self.translate(self.language, "No step is confirmed to differ here: the common steps hold."))
        elif not rules:
            lines.append(
                self.translate(self.language, "Nothing of its own is confirmed here yet: the common steps hold.")
            )
        if limits:
            lines.append(
                listed(
                    self.translate(self.language, "By when"),
                    tuple(f"{rule.title}{COLON[self.language]}{rule.local.words}" for rule in limits),
                )
            )
        elif rules and not _limits(rules):
            lines.append(self.translate(self.language, "By when is not confirmed here yet: act at once."))
        lines += self._as_before(rules)
        sources = dict.fromkeys(source.citation() for rule in new for source in rule.local.sources)
        if sources:
            cited = SEMICOLON[self.language].join(sources)
            lines.append(self.translate(self.language, "Source: {citation}.").format(citation=cited))
        for rule in rules:
            self.told.setdefault(rule.local.jurisdiction, country)
        return "\n".join(lines)

    def _rules(self, key: str, country: str) -> list[Rule]:
        found = []
        for each in dict.fromkeys((key, *ALWAYS)):
            text = self.procedures.get(each, self.language, self.on)
            if text is not None:
                local = self.procedures.overlays.rules(each, self.language, country, self.on)
                found += [Rule(each, text.title, rule) for rule in elsewhere(local, self.language, self.translate)]
        return found

    def _who_acts(self, country: str, acting: Sequence[Rule]) -> str:
        if acting:
            whom = SEMICOLON[self.language].join(rule.local.words for rule in acting)
            return self.translate(self.language, "Who acts: {whom}.").format(whom=whom)
        said = self.translate(self.language, "Who acts is not confirmed here yet. Ask {whom}.")
        return said.format(whom=whom_to_ask(self.procedures, country, self.language, self.translate))

    def _change(self, rule: Rule) -> str:
        """A step says whether it comes beside the common ones or in the place of which."""
        words, title = rule.local.words, rule.title
        if rule.local.section != "steps":
            return f"{title}{COLON[self.language]}{words}"
        if rule.local.replaces is None:
            return self.translate(self.language, "{title}, one step more: {words}").format(title=title, words=words)
        said = self.translate(self.language, "{title}, in place of step {number}: {words}")
        return said.format(title=title, number=rule.local.replaces, words=words)

    def _as_before(self, rules: Sequence[Rule]) -> list[str]:
        regions = dict.fromkeys(rule.local.jurisdiction for rule in rules if rule.local.jurisdiction in self.told)
        said = self.translate(self.language, "{region}: the same rules as above, under {country}.")
        return [
            said.format(
                country=country_name(self.told[region], self.language), region=country_name(region, self.language)
            )
            for region in regions
        ]


def _changes(rules: Sequence[Rule]) -> list[Rule]:
    """What is neither a matter of time nor of who acts."""
    return [rule for rule in rules if rule.local.section != "time_limits" and not _says_who_acts(rule)]


def _limits(rules: Sequence[Rule]) -> list[Rule]:
    return [rule for rule in rules if rule.local.section == "time_limits"]


def _says_who_acts(rule: Rule) -> bool:
    return rule.local.section == "contacts" and rule.procedure == WHO_ACTS


def whom_to_ask(procedures: Procedures, country: str, language: str, translate: Translate) -> str:
    """Whom to ask in a country about what is not confirmed: as its overlay says, else the authority there."""
    known = procedures.overlays.ask(country, language)
    return known or translate(language, "the child protection authority there, or a duty officer here")
