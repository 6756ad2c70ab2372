"""The chain shows every change made behind its back."""

from __future__ import annotations

import asyncio
import random

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.kernel import audit
from bot.kernel.audit import BEGINNING, WordsInAudit, audit_log
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from tests.conftest import NOON

ROWS = 500


def record(tx: Connection, vault: Vault, number: int) -> str:
    return audit.append(
        tx, vault, at=NOON, actor="officer-1", act="case.read", object=f"case:{number}", facts={"priority": "P0"}
    )


@pytest.fixture
async def heads(database: Database, vault: Vault) -> list[str]:
    """The heads the log had after each of its rows."""
    return await database.write(lambda tx: [record(tx, vault, number) for number in range(ROWS)])


async def verify(database: Database, vault: Vault, expected_head: str | None = None) -> audit.AuditReport:
    return await database.read(lambda tx: audit.verify(tx, vault, expected_head=expected_head))


async def test_an_untouched_log_is_whole(database: Database, vault: Vault, heads: list[str]):
    report = await verify(database, vault, heads[250])

    assert (report.ok, report.rows, report.first_wrong, report.head) == (True, ROWS, None, heads[-1])
    assert await database.read(audit.head) == heads[-1]


async def test_an_empty_log_is_whole(database: Database, vault: Vault):
    assert (await verify(database, vault, BEGINNING)).ok


async def test_a_flipped_byte_in_any_column_of_any_row_is_found(database: Database, vault: Vault, heads: list[str]):
    chance = random.Random(7)
    columns = ["at", "actor", "act", "object", "facts", "previous", "mac"]
    for number in chance.sample(range(1, ROWS + 1), 40):
        name = chance.choice(columns)

        def tamper(tx: Connection, name: str = name, number: int = number) -> object:
            column, row = audit_log.c[name], audit_log.c.seq == number
            before = tx.execute(sa.select(column).where(row)).scalar_one()
            after = before.replace(microsecond=1) if name == "at" else _flipped(before)
            tx.execute(audit_log.update().where(row).values({name: after}))
            return before

        before = await database.write(tamper)
        report = await verify(database, vault)
        assert (report.ok, report.first_wrong) == (False, number)
        await database.write(
            lambda tx, name=name, number=number, before=before: tx.execute(
                audit_log.update().where(audit_log.c.seq == number).values({name: before})
            )
        )
    assert (await verify(database, vault)).ok


def _flipped(text: str) -> str:
    return ("x" if text[0] != "x" else "y") + text[1:]


async def test_a_deleted_row_is_found(database: Database, vault: Vault, heads: list[str]):
    await database.write(lambda tx: tx.execute(audit_log.delete().where(audit_log.c.seq == 250)))

    report = await verify(database, vault)

    assert (report.ok, report.first_wrong) == (False, 250)


async def test_a_deleted_row_is_found_even_if_the_rest_is_numbered_anew(
    database: Database, vault: Vault, heads: list[str]
):
    def cover_up(tx: Connection) -> None:
        tx.execute(audit_log.delete().where(audit_log.c.seq == 250))
        for number in range(251, ROWS + 1):
            tx.execute(audit_log.update().where(audit_log.c.seq == number).values(seq=number - 1))

    await database.write(cover_up)

    assert (await verify(database, vault)).first_wrong == 250


async def test_two_rows_that_changed_places_are_found(database: Database, vault: Vault, heads: list[str]):
    def swap(tx: Connection) -> None:
        for before, after in ((100, 9001), (101, 100), (9001, 101)):
            tx.execute(audit_log.update().where(audit_log.c.seq == before).values(seq=after))

    await database.write(swap)

    assert (await verify(database, vault)).first_wrong == 100


async def test_a_cut_tail_is_found_by_a_head_kept_outside(database: Database, vault: Vault, heads: list[str]):
    await database.write(lambda tx: tx.execute(audit_log.delete().where(audit_log.c.seq > 400)))
    await database.write(lambda tx: record(tx, vault, 1))  # and somebody goes on writing

    alone = await verify(database, vault)
    with_head = await verify(database, vault, heads[-1])

    assert alone.ok  # a chain cannot know by itself how long it was
    assert (with_head.ok, with_head.head_missing) == (False, True)
    assert (await verify(database, vault, heads[399])).ok


async def test_a_row_written_without_the_key_does_not_fit(database: Database, vault: Vault, heads: list[str]):
    stranger = Vault(bytes(32))
    stranger._chaining = bytes(32)
    await database.write(lambda tx: record(tx, stranger, 1))

    assert (await verify(database, vault)).first_wrong == ROWS + 1


async def test_the_row_is_undone_with_the_act_it_records(database: Database, vault: Vault):
    def fail(tx: Connection) -> None:
        record(tx, vault, 1)
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(fail)

    assert (await verify(database, vault)).rows == 0


async def test_many_at_once_still_make_one_chain(database: Database, vault: Vault):
    await asyncio.gather(*(database.write(lambda tx, number=number: record(tx, vault, number)) for number in range(60)))

    report = await verify(database, vault)
    assert (report.ok, report.rows) == (True, 60)


@pytest.mark.parametrize(
    "facts", [{"note": "he has a knife"}, {"name": "أمينة"}, {"a": {"b": "c"}}, {"a b": 1}, {"x": ["two words"]}]
)
async def test_words_are_refused(database: Database, vault: Vault, facts: dict[str, object]):
    with pytest.raises(WordsInAudit) as caught:
        await database.write(
            lambda tx: audit.append(tx, vault, at=NOON, actor="a", act="b", object="c", facts=facts)  # type: ignore[arg-type]
        )
    assert "knife" not in str(caught.value)


@pytest.mark.parametrize("first", ["_", "-", "A", "7"])
async def test_the_id_of_a_key_is_a_code_whatever_letter_it_begins_with(database: Database, vault: Vault, first: str):
    kid = first + "CMx1okWS8XYEh3NcohQqK9_dBloeXps9ttwFxn9scQ"

    await database.write(
        lambda tx: audit.append(tx, vault, at=NOON, actor="a", act="b", object=f"key:{kid}", facts={"kid": kid})
    )

    assert (await verify(database, vault)).ok


async def test_the_log_is_read_from_its_end_and_by_object(database: Database, vault: Vault, heads: list[str]):
    newest = await database.read(lambda tx: audit.read_log(tx, limit=2))
    earlier = await database.read(lambda tx: audit.read_log(tx, before=newest[-1].seq, limit=1))
    of_case = await database.read(lambda tx: audit.read_log(tx, object="case:7"))
    of_nobody = await database.read(lambda tx: audit.read_log(tx, actor="nobody"))

    assert [row.seq for row in newest + earlier] == [500, 499, 498]
    assert [(row.seq, row.facts) for row in of_case] == [(8, {"priority": "P0"})]
    assert of_nobody == []
