"""What people at the desk do with the texts, a use case a function. Each runs in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime

from sqlalchemy.engine import Connection

from bot.kernel import audit
from bot.kernel.access import Role
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id
from bot.kernel.officers import Officer, officers_with
from bot.texts import store
from bot.texts.model import (
    CHANGE,
    LEAST_ASKERS,
    NOT_UNDERSTOOD,
    SHIPPED,
    SHOWN,
    Asker,
    EditMoved,
    EditState,
    Gap,
    GapWork,
    NoNote,
    NotInForce,
    OwnEdit,
    Question,
    TextEdit,
    about_shown,
)
from dialogues.vocabulary import MOST_LETTERS, mark_of_words

MOST_QUESTIONS = 500
SHOWN_QUESTIONS = 50


def version_of(tx: Connection, file: str) -> str:
    """The version an editor starts from: the edit that waits, else the one that holds, else `SHIPPED`."""
    present = store.edit_in(tx, file, EditState.DRAFT) or store.edit_in(tx, file, EditState.APPROVED)
    return SHIPPED if present is None else present.id


def write_edit(
    tx: Connection, vault: Vault, author: Officer, file: str, content: str, *, read: str, at: datetime
) -> TextEdit:
    """Put a checked file before an approver. An edit of it that still waited is replaced.

    `read` is the version its author had before them; raises EditMoved when that is no longer the present one, so that
    nobody's edit is replaced by somebody who never saw it.
    """
    if version_of(tx, file) != read:
        raise EditMoved
    waiting = store.edit_in(tx, file, EditState.DRAFT)
    if waiting is not None:
        store.settle_edit(tx, waiting.id, EditState.REPLACED, by=author.id, at=at, was=EditState.DRAFT)
    edit = TextEdit(new_id(), file, content, EditState.DRAFT, author.id, at, None, None, "")
    store.add_edit(tx, edit)
    _record(tx, vault, author, "text.write", file, at)
    return edit


def approve(tx: Connection, vault: Vault, approver: Officer, edit_id: str, file: str, *, at: datetime) -> None:
    """From now on people get this text. Raises OwnEdit for one's own, EditMoved when it no longer waits."""
    waiting = store.edit_in(tx, file, EditState.DRAFT)
    if waiting is None or waiting.id != edit_id:
        raise EditMoved
    if waiting.author_id == approver.id:
        raise OwnEdit
    holding = store.edit_in(tx, file, EditState.APPROVED)
    if holding is not None:
        store.settle_edit(tx, holding.id, EditState.REPLACED, by=approver.id, at=at, was=EditState.APPROVED)
    if not store.settle_edit(tx, edit_id, EditState.APPROVED, by=approver.id, at=at, was=EditState.DRAFT):
        raise EditMoved
    _record(tx, vault, approver, "text.approve", file, at)


def send_back(
    tx: Connection, vault: Vault, approver: Officer, edit_id: str, file: str, note: str, *, at: datetime
) -> None:
    """Say what is to be mended. People keep the text they had. Raises EditMoved when it no longer waits, NoNote where
    nothing is said."""
    if not note.strip():
        raise NoNote
    settled = store.settle_edit(tx, edit_id, EditState.SENT_BACK, by=approver.id, at=at, note=note, was=EditState.DRAFT)
    if not settled:
        raise EditMoved
    _record(tx, vault, approver, "text.send_back", file, at)


def other_approvers(tx: Connection, author_id: str) -> bool:
    """Whether anybody but the author of an edit could approve it."""
    return any(officer.id != author_id for officer in officers_with(tx, Role.APPROVER))


def approved_edits(tx: Connection) -> dict[str, TextEdit]:
    """The edits that hold in place of the shipped files, by file."""
    return {edit.file: edit for edit in store.edits_in(tx, EditState.APPROVED)}


def approved_texts(tx: Connection) -> dict[str, str]:
    """The files that hold in place of the shipped ones."""
    return {file: edit.content for file, edit in approved_edits(tx).items()}


class GapRegister:
    """Implements `conversations.ports.Gaps`."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def note(self, tx: Connection, facts: dict[str, str], *, at: datetime) -> None:
        """Count one conversation that asked in vain. Unknown facts are cut to what a code can be."""
        gap = Gap(
            procedure=facts.get("procedure", "")[:60],
            why=facts.get("why", "no_text")[:20],
            language=facts.get("language", "en")[:16],
            country=facts.get("country", "")[:2],
            audience=facts.get("audience", "")[:10],
        )
        store.count_gap(tx, gap, on=at.date())

    def show(self, tx: Connection, facts: dict[str, str], *, at: datetime) -> None:
        """Keep what authors may read of a question nobody understood. Of too many the oldest go."""
        question = Question(facts["words"][:MOST_LETTERS], facts.get("language", "en")[:16], at.date())
        store.add_question(tx, question)
        store.drop_questions_beyond(tx, MOST_QUESTIONS)

    def remember(self, tx: Connection, conversation_id: str, facts: dict[str, str], *, at: datetime) -> None:
        """Keep, sealed, that this conversation wants to be told.

        Of one who showed a question only the mark of its words is kept beside the seal: not where they are, nor who.
        """
        if facts.get("about") == SHOWN:
            facts = {"about": about_shown(facts.get("given", "")), "language": facts.get("language", "en")}
        asker = Asker(
            id=new_id(),
            conversation_id=conversation_id,
            procedure=facts.get("procedure", "")[:60],
            about=facts.get("about", CHANGE)[:20],
            audience=facts.get("audience", "worker")[:10],
            language=facts.get("language", "en")[:16],
            country=facts.get("country", "")[:2],
            given=facts.get("given", "")[:16],
            asked_on=at.date(),
            answered=False,
        )
        store.add_asker(tx, self._vault, asker, at=at)

    def forget(self, tx: Connection, conversation_id: str, *, at: datetime) -> None:
        """Whoever agreed to be told has changed their mind."""
        store.forget_askers_of(tx, self._vault, conversation_id, at=at)


def work_for_authors(tx: Connection) -> list[GapWork]:
    """What people asked for in vain, most asked first, with nothing that could name one of them."""
    asked = tuple(store.questions(tx, limit=SHOWN_QUESTIONS))
    unclear = ("", NOT_UNDERSTOOD)
    by_subject: dict[tuple[str, str], list[tuple[Gap, int, date]]] = defaultdict(list)
    for line in store.open_gaps(tx):
        by_subject[line[0].procedure, line[0].why].append(line)
    counted = sorted(by_subject.items(), key=lambda item: -sum(askers for _, askers, _ in item[1]))
    work = [_work(*subject, lines, asked if subject == unclear else ()) for subject, lines in counted]
    if asked and unclear not in by_subject:  # it was counted where it was near to a text
        work.append(GapWork(*unclear, None, (), (), (), max(question.asked_on for question in asked), asked))
    return work


def _work(
    procedure: str, why: str, lines: list[tuple[Gap, int, date]], questions: tuple[Question, ...] = ()
) -> GapWork:
    askers = sum(count for _, count, _ in lines)
    return GapWork(
        procedure=procedure,
        why=why,
        askers=askers if askers >= LEAST_ASKERS else None,
        languages=_large_enough([(gap.language, count) for gap, count, _ in lines]),
        countries=_large_enough([(gap.country, count) for gap, count, _ in lines if gap.country]),
        audiences=_large_enough([(gap.audience, count) for gap, count, _ in lines]),
        last_asked=max(last for _, _, last in lines),
        questions=questions,
    )


def _large_enough(counts: list[tuple[str, int]]) -> tuple[str, ...]:
    groups: dict[str, int] = defaultdict(int)
    for name, count in counts:
        groups[name] += count
    return tuple(sorted(name for name, count in groups.items() if count >= LEAST_ASKERS))


def answer_gap(
    tx: Connection,
    vault: Vault,
    author: Officer,
    procedure: str,
    why: str,
    *,
    at: datetime,
    in_force: Callable[[Gap], bool],
) -> bool:
    """Take a subject off the list. Asked in vain again, it comes back.

    Raises NotInForce while one of those who asked, in their language and country, would still get nothing. What
    nobody can name has no text to look for.
    """
    asked = [gap for gap, _, _ in store.open_gaps(tx) if (gap.procedure, gap.why) == (procedure, why)]
    if procedure and not all(in_force(gap) for gap in asked):
        raise NotInForce
    done = store.answer_gap(tx, procedure, why, at=at) > 0
    if not procedure:
        done = store.drop_questions_beyond(tx, 0) > 0 or done
    if done:
        store.mark_answered(tx, procedure, why)
        if not procedure:
            store.mark_all_shown_answered(tx)
        _record(tx, vault, author, "gap.answer", procedure or "unknown", at)
    return done


def settle_question(
    tx: Connection, vault: Vault, author: Officer, question_id: str, *, answered: bool, at: datetime
) -> bool:
    """Take one question that was shown off the list; the others stay. False when it was taken off before.

    Where it is answered, whoever showed it and agreed to it is told. Where it is not, their wish is forgotten.
    """
    words = store.words_of_question(tx, question_id)
    if words is None or not store.drop_question(tx, question_id):
        return False
    about = about_shown(mark_of_words(words))
    if answered:
        store.mark_answered(tx, "", about)
    else:
        store.forget_askers_about(tx, vault, about, at=at)
    _record(tx, vault, author, "gap.answer" if answered else "gap.drop", "unknown", at)
    return True


def close_what_is_in_force(tx: Connection, vault: Vault, *, at: datetime, in_force: Callable[[Gap], bool]) -> int:
    """Take off the list what was asked for while there was no text, where those who asked, in their language and
    country, would get one now. Returns how many lines went.

    What nobody understood stays: that a text is in force was never its remedy.
    """
    closed = [gap for gap, _, _ in store.open_gaps(tx) if gap.why != NOT_UNDERSTOOD and gap.procedure and in_force(gap)]
    for gap in closed:
        store.close_gap(tx, gap, at=at)
    for procedure in sorted({gap.procedure for gap in closed}):
        audit.append(tx, vault, at=at, actor="system", act="gap.in_force", object=f"text:{procedure}", facts={})
    return len(closed)


def _record(tx: Connection, vault: Vault, officer: Officer, act: str, file: str, at: datetime) -> None:
    audit.append(tx, vault, at=at, actor=officer.id, act=act, object=f"text:{file}", facts={})
