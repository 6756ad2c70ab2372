"""The bot tells whoever wrote to us what was asked in another country, that an answer came, and that it was refused.

Only in words that were approved, and only where a child or a worker wants it in this chat. What an answer says is told
in the words of a human who has read it (`tell_answer`). An adult may hold the phone: whatever speaks for that keeps the
bot silent, and silence is what it always was, so nothing can be read from it. What is not told now is not told later by
itself: the desk says so, and a human does it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from types import MappingProxyType

from babel import Locale
from sqlalchemy.engine import Connection

from bot.cases import store as case_store
from bot.cases.answering import answer_person
from bot.cases.hand import AT_DESK, Hand, unseal
from bot.cases.model import Case, CaseError
from bot.cases.record import store as record
from bot.conversations import service as conversations
from bot.conversations.model import MessageClass
from bot.exchange.holds import claimants
from bot.exchange.holds.model import Tie
from bot.exchange.partners import store as partners
from bot.exchange.requests import history_store, opening, sending, store
from bot.exchange.requests.history import note
from bot.exchange.requests.model import Act, Assent, NotNow, Request, Side, Status
from bot.exchange.requests.transfer import store as transfers
from bot.exchange.requests.transfer.model import State
from bot.exchange.requests.types import QUESTIONS
from bot.kernel import audit
from bot.kernel.access import Permission
from bot.kernel.clock import Clock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from bot.kernel.live import Signals, keep_looking
from bot.kernel.logs import get_log
from bot.kernel.words import N_, Words
from directory.dates import written

log = get_log("exchange")

LOOK_EVERY = timedelta(minutes=1)
#: Older news is not told by itself any more: what was true then may not be safe now.
FRESH = timedelta(days=1)
AT_ONCE = 50


class News(StrEnum):
    """What can be told. The values are the acts of a request's history."""

    ASKED = Act.SEND.value
    ANSWERED = Act.ANSWER_ALL.value
    REFUSED = Act.REFUSE.value


#: What an officer may say of an answer, and when there is one.
LONGEST_TOLD = 1000
HAS_ANSWER = frozenset({Status.PARTLY_ANSWERED, Status.ANSWERED})

#: Requests that say nothing of an adult, of danger, of police, or of a move. The others a human tells.
MAY_BE_TOLD = frozenset({"info_child", "family_trace", "health_record", "education_record", "civil_record"})
#: Their questions as a child reads them. What is not here is not told: `harm` shows that somebody is doubted.
CHILD_QUESTIONS: Mapping[str, str] = MappingProxyType(
    {
        "who_cared": N_("Who took care of you?"),
        "services": N_("Who helped you before?"),
        "hand_over": N_("Do they have your file?"),
        "family_found": N_("Can they find your family?"),
        "family_wish": N_("Does your family want to talk with you?"),
        "secret_answer": N_("Is it really your family?"),
        "next_doctor": N_("Which doctor goes on with your care?"),
        "record": N_("What do your papers say?"),
        "record_genuine": N_("Is the paper real?"),
    }
)

#: Where somebody may stand beside the child who should not read this.
UNSAFE_REASONS = frozenset(
    {
        "immediate_danger", "duress", "sexual_abuse", "physical_abuse", "trafficking", "labour_exploitation",
        "non_parent_adult", "threats", "kidnap_ransom", "child_marriage", "fgm_harmful", "online_sexual",
        "armed_recruitment",
    }
)  # fmt: skip
UNSAFE_CONCERNS = frozenset(
    {
        "sexually_exploited", "gbv_survivor", "trafficked_smuggled", "caafag", "physically_or_mentally_abused",
        "worst_forms_of_child_labor", "child_marriage", "online_exploitation", "adult_unverified",
    }
)  # fmt: skip

#: What a locked phone shows of it is this sentence and no more.
CHILD_BEGINS = N_("There is news for you. Read it when nobody sees your phone.")
CHILD_TELLS: Mapping[News, str] = MappingProxyType(
    {
        News.ASKED: N_(
            "We asked people who help children in {country}. We asked this:\n{questions}\n"
            "We tell you when they answer. You can tell us to stop at any time."
        ),
        News.ANSWERED: N_(
            "The people in {country} have answered. A person here reads it first. They tell you what it says."
        ),
        News.REFUSED: N_(
            "The people in {country} cannot answer us. A person here looks for another way. You did nothing wrong."
        ),
    }
)
WORKER_BEGINS = N_("News of request {number}. Read it when nobody else sees your phone.")
WORKER_TELLS: Mapping[News, str] = MappingProxyType(
    {
        News.ASKED: N_("Sent to {country}. Asked:\n{questions}\nAnswer due: {day}."),
        News.ANSWERED: N_("Answered by {country}. Ask the officer of the case what it says."),
        News.REFUSED: N_("Refused by {country}. The officer of the case looks for another way."),
    }
)

#: Why the bot says nothing, for the desk alone.
SILENCES: Mapping[str, str] = MappingProxyType(
    {
        "not_wanted": N_("The person was not asked whether they want to read it in the chat."),
        "type": N_("A request of this kind is told by a human."),
        "assent": N_("The child has not agreed to the request."),
        "consent": N_("Nobody's consent carries the request now."),
        "adult": N_("An adult could read the chat: a hold stands, a tie is not supported, or somebody is feared."),
        "watched": N_("Somebody else may hold the phone."),
        "nobody": N_("There is no chat to write in."),
        "moved": N_("The case is on its way to a partner, or with them."),
        "way": N_("The person said how they are reached safely. A human reads that first."),
    }
)


class Telling:
    """Tells what is new, each thing once, whatever is killed when."""

    def __init__(self, database: Database, clock: Clock, signals: Signals, vault: Vault, words: Words) -> None:
        self._database = database
        self._clock = clock
        self._signals = signals
        self._vault = vault
        self._words = words

    async def run(self) -> None:
        """Until cancelled. A look that fails is tried again."""
        await keep_looking(self._signals, ("exchange",), self.look, every=LOOK_EVERY, failed=_failed)

    async def look(self) -> int:
        """Tell what is due. Returns how many people were told something."""
        at, told = self._clock.now(), 0
        due = await self._database.read(
            lambda tx: history_store.untold(tx, [each.value for each in News], since=at - FRESH, limit=AT_ONCE)
        )
        for request_id, act in due:
            step = partial(tell, vault=self._vault, words=self._words, request_id=request_id, news=News(act), at=at)
            told += await self._database.write(step)
        if told:
            self._signals.wake("outbox", "exchange")
        return told


def tell(tx: Connection, *, vault: Vault, words: Words, request_id: str, news: News, at: datetime) -> bool:
    """Tell one piece of news to whoever wrote to us, if that is safe now; else write down why not. Once either way."""
    sealed = store.get_request(tx, request_id, lock=True)
    if sealed is None or sealed.request.side is not Side.OURS or sealed.request.case_id is None:
        return False
    request = sealed.request
    found = case_store.get_case(tx, request.case_id or "", lock=True)
    silence = "nobody" if found is None else why_silent(tx, vault, request, found.case, at=at)
    if silence is None and found is not None:
        contact = conversations.safe_contact(tx, vault, found.case.conversation_id)
        if contact.way:
            silence = "way"
        elif not contact.is_safe(at):
            return False  # its time comes, and it is asked again then
    act = "person_told" if silence is None else "person_not_told"
    facts = {"news": news.value} if silence is None else {"news": news.value, "why": silence}
    if not history_store.add_event(
        tx, request.id, act, officer_id=None, at=at, facts=facts, once=history_store.told_once(request.id, news.value)
    ):
        return False
    audit.append(tx, vault, at=at, actor="system", act=f"request.{act}", object=f"request:{request.id}", facts=facts)
    if silence is not None or found is None:
        return False
    case = found.case
    card = conversations.card(tx, case.conversation_id)
    language = (card and card.language) or case.language
    conversations.say(
        tx,
        vault,
        case.conversation_id,
        text=wording(tx, words, language, request, news, worker=case.reporter),
        cls=MessageClass.ROUTINE,
        template="request_news",
        at=at,
        language=language,
    )
    return True


def tell_answer(tx: Connection, hand: Hand, request_id: str, *, text: str, once: str) -> None:
    """Whoever has the case has read the answer, and says what it says in plain words. The person reads it in the chat,
    below the line for a locked phone, where the bot may speak there now.

    Raises NotNow where there is no answer, where the bot is silent, and where the chat cannot be written in now.
    """
    request, text = opening.to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request, text.strip()
    found = case_store.get_case(tx, request.case_id or "")
    if request.side is not Side.OURS or request.status not in HAS_ANSWER or found is None or not text:
        raise NotNow
    if len(text) > LONGEST_TOLD or why_silent(tx, hand.vault, request, found.case, at=hand.at) is not None:
        raise NotNow("not_told_in_chat")
    card = conversations.card(tx, found.case.conversation_id)
    language = (card and card.language) or found.case.language
    begins = WORKER_BEGINS if found.case.reporter else CHILD_BEGINS
    said = f"{hand.words.text(language, begins, number=request.number)}\n\n{text}"
    try:
        if answer_person(tx, hand, found.case.id, text=said, once=once) is None:
            return
    except (CaseError, conversations.Watched):
        raise NotNow("not_told_in_chat") from None
    note(tx, hand.vault, request, "answer_told", officer_id=hand.officer.id, at=hand.at)


def wording(tx: Connection, words: Words, language: str, request: Request, news: News, *, worker: bool) -> str:
    """What is said, in the person's language: a country, questions from a list, a number, a day, and nothing else."""
    partner = partners.get(tx, request.partner_id)
    locale = Locale.parse(language.split("-")[0]) if language.split("-")[0] in words.languages else Locale.parse("en")
    country = str(locale.territories.get(partner.country if partner else "", "—"))
    known = {key: QUESTIONS[key].title for key in request.asks} if worker else CHILD_QUESTIONS
    questions = "\n".join(f"• {words.text(language, known[key])}" for key in _told_questions(request))
    if worker:
        day = written(request.due_at.date(), "d MMM y", str(locale)) if request.due_at else "—"
        begins = words.text(language, WORKER_BEGINS, number=request.number)
        tells = words.text(language, WORKER_TELLS[news], country=country, questions=questions, day=day)
    else:
        begins = words.text(language, CHILD_BEGINS)
        tells = words.text(language, CHILD_TELLS[news], country=country, questions=questions)
    return f"{begins}\n\n{tells}"


def _told_questions(request: Request) -> list[str]:
    return [key for key in request.asks if key in CHILD_QUESTIONS]


def why_silent(tx: Connection, vault: Vault, request: Request, case: Case, *, at: datetime) -> str | None:
    """Why the bot says nothing of this request in the chat of its case, as a code of `SILENCES`; None: it may."""
    sealed = store.get_request(tx, request.id)
    if sealed is None or not opening.open_body(opening.key_of(tx, vault, request), sealed).get("tell"):
        return "not_wanted"
    if request.type_key not in MAY_BE_TOLD or not _told_questions(request):
        return "type"
    if request.assent is not Assent.AGREES:
        return "assent"
    if sending.is_taken_back(request) or sending.carried_by(tx, request, at=at) is None:
        return "consent"
    if sending.override_of(tx, request) is not None:  # it goes against the gate's judgement: a human explains that
        return "type"
    if _adult_may_read(tx, vault, case):
        return "adult"
    card = conversations.card(tx, case.conversation_id)
    if card is None or card.channel == AT_DESK or card.erased_at is not None or not case.is_open:
        return "nobody"
    if card.watched_since is not None:
        return "watched"
    given = transfers.given(tx, case.id)
    return "moved" if given is not None and given.state in (State.HANDED, State.MOVED) else None


def _adult_may_read(tx: Connection, vault: Vault, case: Case) -> bool:
    """Whether anything known of this chat speaks for an adult beside the child. The writer may be that adult, also who
    writes as a worker; and a hold on any case that this chat ever had counts."""
    for case_id in case_store.ids_of_conversation(tx, case.conversation_id):
        if claimants.standing_holds(tx, case_id):
            return True
    if any(line.dossier.tie is not Tie.SUPPORTED for line in claimants.adults_of(tx, vault, case)):
        return True
    if case.reason in UNSAFE_REASONS or case_store.reasons_of(tx, case.id) & UNSAFE_REASONS:
        return True
    for row in record.present_facts(tx, case.id):
        if row.field == "concerns":
            said = unseal(tx, vault, case, row.value_sealed, "case_facts", row.id, "value")
            return bool(UNSAFE_CONCERNS & set(json.loads(said) if said else ()))
    return False


def _failed(error: Exception) -> None:
    log.error("telling.look_failed", exc_info=error)
