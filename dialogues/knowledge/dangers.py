"""Which text tells what to do about a danger: in the talk, and beside a case at the desk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: What is read after each danger; after the others a worker reads how to begin with any child.
IN_DANGER: Final[Mapping[str, str]] = {
    "suicide_self_harm": "self_harm",
    "sexual_abuse": "sexual_violence",
    "physical_abuse": "abuse_report",
    "trafficking": "trafficking_indicators",
    "labour_exploitation": "child_labour",
    "missing_child": "missing_child",
    "non_parent_adult": "adult_with_child",
    "removal_imminent": "border_nonrefoulement",
    "detention": "detention_alternatives",
    "child_marriage": "child_marriage",
    "fgm_harmful": "abuse_report",
    "online_sexual": "online_exploitation",
    "armed_recruitment": "armed_group",
    "staff_misconduct": "staff_misconduct",
    "homeless_tonight": "emergency_care",
}
