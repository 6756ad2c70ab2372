"""Which entries tell of something that can hurt a child. An officer marks them, and so do their words.

A medicine tells of its illness: whoever knows tenofovir knows the rest. No list is complete, so what is not found here
can still be marked by hand; what is found cannot be unmarked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from bot.exchange.records.model import Entry, Topic

_WORDS: Mapping[Topic, re.Pattern[str]] = MappingProxyType(
    {
        topic: re.compile(pattern, re.IGNORECASE)
        for topic, pattern in {
            Topic.HIV: (
                r"\bhiv\b|\baids\b|\bvih\b|\bsida\b|antiretrovir|antirétrovir|\w*(tegravir|navir|virine)\b|"
                r"tenofovir|lamivudin|emtricitabin|abacavir|zidovudin|efavirenz|نقص المناعة|الإيدز|السيدا"
            ),
            Topic.PREGNANCY: (
                r"pregnan|enceinte|grossesse|embaraz|gestaci|antenatal|prénatal|prenatal|abortion|avortement|aborto|"
                r"miscarriage|fausse couche|misoprostol|mifepriston|levonorgestrel|ulipristal|"
                r"\bحامل\b|\b(ال)?حمل\b|إجهاض"
            ),
            Topic.MIND: (
                r"depress|dépress|depresi|anxi|ansied|psych|psiqui|psico|ptsd|tspt|post-?trauma|postraum|suicid|self-harm|"
                r"automutil|autoles|schizo|esquizo|bipol|\w*(oxetine|azepam|azolam|apine|peridol)\b|sertralin|"
                r"citalopram|risperidon|lithium|mirtazapin|amitriptylin|اكتئاب|\b(ال)?نفسي[ةه]?\b|انتحار|\b(ال)?قلق\b"
            ),
            Topic.SEXUAL_VIOLENCE: (
                r"\brape|\bviol\b|violée?\b|violaci|violad|sexual|sexuel|\bfgm\b|mutilation|mutilaci|excision|"
                r"post-exposure|postexposici|اغتصاب|\b(ال)?جنسي\b|ختان"
            ),
        }.items()
    }
)


def topic_of(entry: Entry) -> Topic | None:
    """What an entry tells of: as marked, or as its words say."""
    if entry.topic is not None:
        return entry.topic
    words = " ".join((entry.text, entry.also, entry.detail))
    return next((topic for topic, pattern in _WORDS.items() if pattern.search(words)), None)
