"""The only SQL about edits of the texts and about the gap register."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.kernel.crypto import Erased, Vault
from bot.kernel.database import Moment, insert_on_conflict, metadata
from bot.texts.model import SHOWN, Asker, EditState, Gap, Question, TextEdit

text_edits = sa.Table(
    "text_edits",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("file", sa.String(120), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("author_id", sa.String(36), nullable=False),
    sa.Column("written_at", Moment, nullable=False),
    sa.Column("decided_by", sa.String(36), nullable=True),
    sa.Column("decided_at", Moment, nullable=True),
    sa.Column("note", sa.Text, nullable=False),
)
_waits = text_edits.c.state == EditState.DRAFT.value
_holds = text_edits.c.state == EditState.APPROVED.value
#: Of each file one edit waits and one holds, whatever races.
sa.Index("uq_text_edits_draft", text_edits.c.file, unique=True, sqlite_where=_waits, postgresql_where=_waits)
sa.Index("uq_text_edits_approved", text_edits.c.file, unique=True, sqlite_where=_holds, postgresql_where=_holds)

#: How many conversations asked in vain, by what they looked for. Nothing here leads back to a conversation: that one
#: is counted once is remembered in its own sealed state. Days, not moments.
gaps = sa.Table(
    "gaps",
    metadata,
    sa.Column("procedure", sa.String(60), primary_key=True),
    sa.Column("why", sa.String(20), primary_key=True),
    sa.Column("language", sa.String(16), primary_key=True),
    sa.Column("country", sa.String(2), primary_key=True),
    sa.Column("audience", sa.String(10), primary_key=True),
    sa.Column("askers", sa.Integer, nullable=False),
    sa.Column("last_asked", sa.Date, nullable=False),
    sa.Column("answered_at", Moment, nullable=True),  # an author has done something about it; asked again, it reopens
)

#: Common words of questions nobody understood, each shown by its writer. Nothing leads back to a conversation: days,
#: not moments, and an id that tells none. Gone when an author has answered, and after half a year.
gap_questions = sa.Table(
    "gap_questions",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("language", sa.String(16), nullable=False),
    sa.Column("asked_on", sa.Date, nullable=False),
)

#: Those who agreed to be told. The conversation is sealed with a key of the row's own, so that neither this table nor
#: the gap register leads to anybody; the fingerprint is for counting one wish once, and for erasing.
askers = sa.Table(
    "askers",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("conversation_index", sa.String(64), nullable=False),
    sa.Column("key_id", sa.String(36), nullable=False),
    sa.Column("conversation_sealed", sa.LargeBinary, nullable=False),
    sa.Column("procedure", sa.String(60), nullable=False),
    sa.Column("about", sa.String(20), nullable=False),
    sa.Column("audience", sa.String(10), nullable=False),
    sa.Column("language", sa.String(16), nullable=False),
    sa.Column("country", sa.String(2), nullable=False),
    sa.Column("given", sa.String(16), nullable=False),
    sa.Column("asked_on", sa.Date, nullable=False),
    sa.Column("answered", sa.Boolean, nullable=False),
    sa.UniqueConstraint("conversation_index", "procedure", "about"),
)


def add_edit(tx: Connection, edit: TextEdit) -> None:
    tx.execute(
        text_edits.insert().values(
            id=edit.id,
            file=edit.file,
            content=edit.content,
            state=edit.state.value,
            author_id=edit.author_id,
            written_at=edit.written_at,
            decided_by=edit.decided_by,
            decided_at=edit.decided_at,
            note=edit.note,
        )
    )


def settle_edit(
    tx: Connection, edit_id: str, state: EditState, *, by: str, at: datetime, note: str = "", was: EditState
) -> bool:
    """Move one edit on. False when it is no longer where the caller saw it."""
    done = tx.execute(
        text_edits.update()
        .where(text_edits.c.id == edit_id, text_edits.c.state == was.value)
        .values(state=state.value, decided_by=by, decided_at=at, note=note)
    )
    return done.rowcount == 1


def edit_in(tx: Connection, file: str, state: EditState) -> TextEdit | None:
    """The latest edit of a file in a state."""
    row = tx.execute(
        sa.select(text_edits)
        .where(text_edits.c.file == file, text_edits.c.state == state.value)
        .order_by(text_edits.c.written_at.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _edit(row)


def edits_in(tx: Connection, state: EditState) -> list[TextEdit]:
    found = tx.execute(sa.select(text_edits).where(text_edits.c.state == state.value).order_by(text_edits.c.file))
    return [_edit(row) for row in found]


def edits_of(tx: Connection, file: str, *, limit: int = 50) -> list[TextEdit]:
    """Every edit of a file, the latest first."""
    found = tx.execute(
        sa.select(text_edits)
        .where(text_edits.c.file == file)
        .order_by(text_edits.c.written_at.desc(), text_edits.c.id.desc())
        .limit(limit)
    )
    return [_edit(row) for row in found]


def approved_since(tx: Connection) -> tuple[int, datetime | None]:
    """How many edits hold and when the last was decided: changes whenever what holds does."""
    row = tx.execute(sa.select(sa.func.count(), sa.func.max(text_edits.c.decided_at)).where(_holds)).one()
    return int(row[0]), row[1]


def _edit(row: Row[Any]) -> TextEdit:
    return TextEdit(
        id=row.id,
        file=row.file,
        content=row.content,
        state=EditState(row.state),
        author_id=row.author_id,
        written_at=row.written_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        note=row.note,
    )


def count_gap(tx: Connection, gap: Gap, *, on: date) -> None:
    """One more conversation asked for this in vain. What was answered before is open again."""
    added = insert_on_conflict(tx, gaps).values(
        procedure=gap.procedure,
        why=gap.why,
        language=gap.language,
        country=gap.country,
        audience=gap.audience,
        askers=1,
        last_asked=on,
    )
    key = [column.name for column in gaps.primary_key]
    tx.execute(
        added.on_conflict_do_update(
            index_elements=key, set_={"askers": gaps.c.askers + 1, "last_asked": on, "answered_at": None}
        )
    )


def open_gaps(tx: Connection) -> list[tuple[Gap, int, date]]:
    found = tx.execute(sa.select(gaps).where(gaps.c.answered_at.is_(None)))
    return [
        (Gap(row.procedure, row.why, row.language, row.country, row.audience), row.askers, row.last_asked)
        for row in found
    ]


def answer_gap(tx: Connection, procedure: str, why: str, *, at: datetime) -> int:
    """Close a subject. Returns how many of its lines were open."""
    done = tx.execute(
        gaps.update()
        .where(gaps.c.procedure == procedure, gaps.c.why == why, gaps.c.answered_at.is_(None))
        .values(answered_at=at)
    )
    return done.rowcount


def close_gap(tx: Connection, gap: Gap, *, at: datetime) -> None:
    """Close one line of a subject."""
    line = [column == getattr(gap, column.name) for column in gaps.primary_key]
    tx.execute(gaps.update().where(*line).values(answered_at=at))


def add_question(tx: Connection, question: Question) -> None:
    # Ids of ours tell the millisecond, and a message of the same one would tell whose words these are.
    tx.execute(
        gap_questions.insert().values(
            id=str(uuid4()), words=question.words, language=question.language, asked_on=question.asked_on
        )
    )


def questions(tx: Connection, *, limit: int) -> list[Question]:
    """Those of the latest days first."""
    latest = sa.select(gap_questions).order_by(gap_questions.c.asked_on.desc(), gap_questions.c.id).limit(limit)
    return [Question(row.words, row.language, row.asked_on, row.id) for row in tx.execute(latest)]


def words_of_question(tx: Connection, question_id: str) -> str | None:
    words: str | None = tx.execute(
        sa.select(gap_questions.c.words).where(gap_questions.c.id == question_id)
    ).scalar_one_or_none()
    return words


def drop_question(tx: Connection, question_id: str) -> bool:
    return tx.execute(gap_questions.delete().where(gap_questions.c.id == question_id)).rowcount == 1


def drop_questions_before(tx: Connection, day: date) -> None:
    tx.execute(gap_questions.delete().where(gap_questions.c.asked_on < day))


def drop_questions_beyond(tx: Connection, latest: int) -> int:
    """Drop all but so many of the latest. Returns how many went."""
    order = (gap_questions.c.asked_on.desc(), gap_questions.c.id)
    kept = tx.execute(sa.select(gap_questions.c.id).order_by(*order).limit(latest)).scalars().all()
    return tx.execute(gap_questions.delete().where(gap_questions.c.id.not_in(kept))).rowcount


def _conversation_index(vault: Vault, conversation_id: str) -> str:
    return vault.index("asker", conversation_id)


def add_asker(tx: Connection, vault: Vault, asker: Asker, *, at: datetime) -> None:
    """Keep a wish. The same wish again is kept as it is said now."""
    index = _conversation_index(vault, asker.conversation_id)
    same = (
        askers.c.conversation_index == index,
        askers.c.procedure == asker.procedure,
        askers.c.about == asker.about,
    )
    for row in tx.execute(sa.select(askers.c.id, askers.c.key_id).where(*same)).all():
        _drop(tx, vault, row.id, row.key_id, at=at)
    key = vault.new_key(tx, at)
    sealed = key.seal(asker.conversation_id, table="askers", row=asker.id, field="conversation")
    tx.execute(
        askers.insert().values(
            id=asker.id,
            conversation_index=index,
            key_id=key.id,
            conversation_sealed=sealed,
            procedure=asker.procedure,
            about=asker.about,
            audience=asker.audience,
            language=asker.language,
            country=asker.country,
            given=asker.given,
            asked_on=asker.asked_on,
            answered=asker.answered,
        )
    )


def all_askers(tx: Connection, vault: Vault) -> list[Asker]:
    """Everybody who agreed and was not told yet, who asked first, first."""
    found = []
    for row in tx.execute(sa.select(askers).order_by(askers.c.asked_on, askers.c.id)):
        try:
            key = vault.key(tx, row.key_id)
        except Erased:
            continue
        conversation_id = key.open(row.conversation_sealed, table="askers", row=row.id, field="conversation")
        found.append(
            Asker(
                id=row.id,
                conversation_id=conversation_id,
                procedure=row.procedure,
                about=row.about,
                audience=row.audience,
                language=row.language,
                country=row.country,
                given=row.given,
                asked_on=row.asked_on,
                answered=row.answered,
            )
        )
    return found


def mark_answered(tx: Connection, procedure: str, about: str) -> None:
    """An author says that this can be answered now."""
    tx.execute(askers.update().where(askers.c.procedure == procedure, askers.c.about == about).values(answered=True))


def mark_all_shown_answered(tx: Connection) -> None:
    """The same of every question that was shown."""
    tx.execute(askers.update().where(askers.c.about.startswith(SHOWN, autoescape=True)).values(answered=True))


def forget_askers_about(tx: Connection, vault: Vault, about: str, *, at: datetime) -> int:
    """Drop every wish about the same. Returns how many there were."""
    rows = tx.execute(sa.select(askers.c.id, askers.c.key_id).where(askers.c.about == about)).all()
    return sum(_drop(tx, vault, row.id, row.key_id, at=at) for row in rows)


def forget_asker(tx: Connection, vault: Vault, asker_id: str, *, at: datetime) -> bool:
    """Drop one wish and its key. False when somebody else did so before."""
    row = tx.execute(sa.select(askers.c.id, askers.c.key_id).where(askers.c.id == asker_id)).one_or_none()
    return row is not None and _drop(tx, vault, row.id, row.key_id, at=at)


def forget_askers_of(tx: Connection, vault: Vault, conversation_id: str, *, at: datetime) -> int:
    """Drop every wish of a conversation. Returns how many there were."""
    index = _conversation_index(vault, conversation_id)
    rows = tx.execute(sa.select(askers.c.id, askers.c.key_id).where(askers.c.conversation_index == index)).all()
    return sum(_drop(tx, vault, row.id, row.key_id, at=at) for row in rows)


def _drop(tx: Connection, vault: Vault, asker_id: str, key_id: str, *, at: datetime) -> bool:
    gone = tx.execute(askers.delete().where(askers.c.id == asker_id)).rowcount == 1
    if gone:
        vault.destroy(tx, key_id, at)
    return gone
