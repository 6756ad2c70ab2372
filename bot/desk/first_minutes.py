"""What an officer does in the first five minutes, for each reason a case is opened. Shown beside the talk.

Steps in their order, then what never to do. They say how to keep somebody safe until the right procedure is open;
they are not the procedure.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from bot.kernel.words import N_
from dialogues.knowledge.dangers import IN_DANGER

THANK = N_("Thank them. Say that you believe them and that it is not their fault.")
SAFE_NOW = N_("Ask one thing: safe right now, yes or no?")
QUIET = N_("Ask if writing is safe. Short messages, no calls, until they say so.")
WHERE = N_("Ask where by a landmark: a sign, a shop, a station.")
EMERGENCY = N_("Give the emergency number of the place. If they cannot call, you call.")
SMALL_STEP = N_("Offer one small step: a locked door, a lit place, an adult they trust.")
STAY = N_("Stay in the talk. Say who you are and when you write again.")
LIMITS = N_("Say it before you tell anyone: who must know, and why.")
NOT_ALONE = N_("Ask who is with them. Nobody at risk stays alone.")
MEANS_AWAY = N_("Ask them to move away from anything they could hurt themselves with.")
ASK_SUICIDE = N_("Ask plainly if they think of dying, and if they have a plan.")
BREATHING = N_("Ask: awake? breathing? bleeding? Pass it on word for word.")
SWALLOWED = N_("Something swallowed: what, how much, when. Nothing to eat or drink before advice.")
CARE_72 = N_("Medical care within 72 hours helps most. Say that it is their choice.")
EVIDENCE = N_("Keep the messages. Do not ask for pictures.")
APART = N_("Ask staff nearby to keep child and adult apart, calmly.")
HOLD_ADULT = N_("Say to staff: the child does not travel with this adult until the tie is checked.")
OWN_INTERPRETER = N_("Arrange a talk with the child alone, with an own interpreter.")
DOCUMENTS = N_("Ask who holds the papers and the phone.")
MOVED = N_("Ask if somebody is moving them today, and to where.")
DEADLINE = N_("Ask for the hour: when does it happen?")
LAWYER = N_("Call a lawyer or legal aid now; ask that nothing is signed before.")
PLACE_HELD = N_("Ask which place it is, since when, and who else is there.")
ILL_INSIDE = N_("Ask if anyone inside is ill, hurt or under 14.")
LAST_SEEN = N_("Write down: last seen where and when, clothes, phone, with whom.")
POLICE_MISSING = N_("A missing child is reported at once: police, and 116 000 where it exists.")
CARE_BED = N_("Find a bed for tonight before anything else. Brothers and sisters stay together.")
COLD_ILL = N_("Ask for age, cold, cough, fever. Under 14 alone or ill: treat as P0.")
WARM = N_("Baby: warm, on the back, breathing watched. Emergency service first.")
BLOCK = N_("Not to pay, not to meet, not to delete. Block only after saving proof.")
RELATIVES = N_("Ask if the family is threatened too, and where they are.")
INSIDE_STAFF = N_("Do not send it to the same workplace. Tell the person responsible for safeguarding.")
SAFE_ADULT = N_("Ask which adult they trust and can reach today.")
CHILD_WISH = N_("Ask what they want to happen. Write it down in their words.")
PLACE_DESCRIBE = N_("From a worker: ask only for the place, the child, and now or before.")
READ_BACK = N_("Read the talk from the start. Ask one question if it is unclear.")
ANSWER_OR_FIND = N_("Answer from a procedure with a source, or say when you will know.")
LANGUAGE = N_("Answer in their language, in short sentences.")
NOTHING_OF_IT = N_("Write nothing of the case: whoever holds the phone reads it.")
AGREED_WAY = N_("Reach them only by the safe way you agreed on.")
POLICE_TOGETHER = N_("Decide with a coordinator whether police go there.")
DOORS = N_("Away from doors and windows, with the others, phones on silent.")

NO_DETAILS = N_("Do not ask for details of what was done, nor why.")
NO_PROMISE = N_("Promise no secrecy, no papers, no arrival, no outcome.")
NO_FAMILY = N_("Do not call parents, consulate or police before you have decided it with a coordinator.")
NO_TELL_ADULT = N_("Never repeat to the adult what the child said.")
NO_CONFRONT = N_("Never send them to confront anybody or to walk alone at night.")
NO_LEAVE = N_("Do not end the talk because it went quiet. The case stays open 72 hours.")
NO_ASKING = N_("Never ask if they are safe: somebody else may answer, or stand beside them.")
NO_NAMING = N_("Never name what they told.")


class FirstMinutes(Struct, frozen=True):
    """Source sentences: what to do, in order, and what never to do."""

    steps: tuple[str, ...]
    never: tuple[str, ...]


FIRST_MINUTES: Mapping[str, FirstMinutes] = MappingProxyType(
    {
        "immediate_danger": FirstMinutes((SAFE_NOW, EMERGENCY, WHERE, QUIET, SMALL_STEP), (NO_CONFRONT, NO_LEAVE)),
        "duress": FirstMinutes((NOTHING_OF_IT, AGREED_WAY, POLICE_TOGETHER), (NO_ASKING, NO_NAMING, NO_LEAVE)),
        "medical_emergency": FirstMinutes((EMERGENCY, BREATHING, WHERE, SWALLOWED, NOT_ALONE), (NO_LEAVE,)),
        "suicide_self_harm": FirstMinutes(
            (THANK, ASK_SUICIDE, MEANS_AWAY, NOT_ALONE, EMERGENCY, STAY), (NO_LEAVE, NO_PROMISE)
        ),
        "sexual_abuse": FirstMinutes((THANK, SAFE_NOW, CARE_72, LIMITS, SAFE_ADULT), (NO_DETAILS, NO_FAMILY)),
        "physical_abuse": FirstMinutes((THANK, SAFE_NOW, EMERGENCY, SAFE_ADULT, LIMITS), (NO_DETAILS, NO_FAMILY)),
        "trafficking": FirstMinutes((QUIET, SAFE_NOW, MOVED, DOCUMENTS, WHERE), (NO_CONFRONT, NO_FAMILY)),
        "labour_exploitation": FirstMinutes(
            (SAFE_NOW, DOCUMENTS, WHERE, CHILD_WISH, LAWYER), (NO_PROMISE, NO_CONFRONT)
        ),
        "missing_child": FirstMinutes((LAST_SEEN, POLICE_MISSING, WHERE, STAY), (NO_PROMISE, NO_LEAVE)),
        "non_parent_adult": FirstMinutes(
            (SAFE_NOW, APART, HOLD_ADULT, OWN_INTERPRETER, DOCUMENTS), (NO_TELL_ADULT, NO_FAMILY)
        ),
        "removal_imminent": FirstMinutes((DEADLINE, PLACE_HELD, LAWYER, CHILD_WISH), (NO_PROMISE, NO_FAMILY)),
        "detention": FirstMinutes((PLACE_HELD, ILL_INSIDE, LAWYER, STAY), (NO_PROMISE, NO_FAMILY)),
        "threats": FirstMinutes((SAFE_NOW, DEADLINE, RELATIVES, QUIET, EVIDENCE), (NO_CONFRONT, NO_FAMILY)),
        "kidnap_ransom": FirstMinutes((QUIET, EMERGENCY, PLACE_HELD, DEADLINE, RELATIVES), (NO_CONFRONT, NO_PROMISE)),
        "child_marriage": FirstMinutes((THANK, DEADLINE, SAFE_ADULT, DOCUMENTS, CHILD_WISH), (NO_FAMILY, NO_PROMISE)),
        "fgm_harmful": FirstMinutes((THANK, DEADLINE, BREATHING, SAFE_ADULT, LIMITS), (NO_FAMILY, NO_DETAILS)),
        "online_sexual": FirstMinutes((THANK, BLOCK, DEADLINE, ASK_SUICIDE, EVIDENCE), (NO_DETAILS, NO_FAMILY)),
        "armed_recruitment": FirstMinutes((SAFE_NOW, DEADLINE, QUIET, SAFE_ADULT, WHERE), (NO_CONFRONT, NO_FAMILY)),
        "baby_abandoned": FirstMinutes((EMERGENCY, WARM, WHERE, STAY), (NO_DETAILS, NO_LEAVE)),
        "staff_misconduct": FirstMinutes((THANK, SAFE_NOW, INSIDE_STAFF, LIMITS, EVIDENCE), (NO_DETAILS, NO_CONFRONT)),
        "hate_violence": FirstMinutes((EMERGENCY, DOORS, WHERE, NOT_ALONE), (NO_CONFRONT, NO_LEAVE)),
        "homeless_tonight": FirstMinutes((SAFE_NOW, COLD_ILL, CARE_BED, WHERE), (NO_PROMISE, NO_CONFRONT)),
        "report_case": FirstMinutes((PLACE_DESCRIBE, SAFE_NOW, CHILD_WISH, STAY), (NO_DETAILS, NO_PROMISE)),
    }
)

#: Of a case that was opened because a partner in another country sounds the alarm: nobody writes here, they wait.
FROM_ABROAD = FirstMinutes(
    (
        N_("Open the partner's request. Accept it if you can act: only then do they say who the child is."),
        N_("You cannot act? Refuse now, and say who can. They wait for you."),
        N_("Tell the police only what they need to find and protect the child."),
        N_("Answer what was done, also when nobody was found."),
    ),
    (N_("Do not call the family or the adult before it is clear that they are no danger."),),
)
OTHERWISE = FirstMinutes((READ_BACK, LANGUAGE, SAFE_NOW, ANSWER_OR_FIND), (NO_PROMISE, NO_DETAILS))

#: The reviewed procedure that an officer opens next, by the reason of the case.
PROCEDURES: Mapping[str, str] = MappingProxyType(
    {**IN_DANGER, "kidnap_ransom": "trafficking_indicators", "baby_abandoned": "emergency_care"}
)
FIRST_CONTACT = "first_contact"


def procedure_for(reason: str) -> str:
    """The key of the procedure for a reason; how to begin a talk where it has none of its own."""
    return PROCEDURES.get(reason, FIRST_CONTACT)


def first_minutes(reason: str) -> FirstMinutes:
    """The steps for a reason; general ones where it has none of its own."""
    return FIRST_MINUTES.get(reason, OTHERWISE)
