"""A file that an officer sends is held by whatever holds words: the safe time, the agreed word, the erasure."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.cases import answering, receipts, waiting
from bot.cases import attachments as case_files
from bot.cases.attachments import FileToSend, fit_to_send
from bot.cases.model import CaseNotFound, NotSafeNow
from bot.conversations import service as conversations
from bot.conversations import store as conversation_store
from bot.conversations.attachments import store
from bot.conversations.service import Watched
from tests.integration.cases.test_phone import phone
from tests.integration.cases.test_safe_time import EVENING, Held, held
from tests.unit.conversations.test_attachment_copies import HIDDEN, file, with_hidden

__all__ = ["held", "phone"]

PHOTO = with_hidden(file("photo.jpg"))


@pytest.fixture
def picture() -> FileToSend:
    return fit_to_send(PHOTO)


async def sends(held: Held, picture: FileToSend, *, text: str = "", **more: object) -> int | None:
    return await held.do(
        lambda tx: answering.answer_person(
            tx, held.hand(held.officer_), held.case_.id, text=text, once="", file=picture, **more
        )
    )


async def sends_when_safe(held: Held, picture: FileToSend) -> bool:
    return await held.do(
        lambda tx: waiting.answer_when_safe(
            tx, held.hand(held.officer_), held.case_.id, text="", once="1", file=picture
        )
    )


async def files(held: Held) -> list[object]:
    return await held.talk.rows(sa.select(store.attachments.c.seq, store.attachments.c.state))


async def test_a_picture_goes_with_its_words_and_without_its_place(held: Held, picture: FileToSend):
    await held.say("any time is safe")
    await sends(held, picture)
    await held.talk.settle()

    message = held.talk.channel.sent[-1]
    assert message.text == "Here is a picture for you."
    assert message.file is not None
    assert (message.file.type, message.file.is_picture) == ("image/jpeg", True)
    assert HIDDEN not in message.file.content
    shown = await held.talk.database.read(lambda tx: case_files.of_case(tx, held.talk.vault, held.case_))
    assert [(each.incoming, each.officer_id) for each in shown] == [(False, held.officer_.id)]


async def test_outside_the_safe_time_nothing_of_it_is_kept_or_sent(held: Held, picture: FileToSend):
    before = len(held.talk.channel.sent)

    with pytest.raises(NotSafeNow):
        await sends(held, picture)

    assert await files(held) == []
    await held.talk.settle()
    assert len(held.talk.channel.sent) == before


async def test_it_waits_for_the_safe_time_and_goes_then(held: Held, picture: FileToSend):
    assert await sends_when_safe(held, picture)

    [one] = await held.waits()
    assert one.has_file
    assert await held.pager_looks() == []
    held.it_is(18)
    assert await held.pager_looks() == ["Here is a picture for you."]
    assert held.talk.channel.sent[-1].file is not None


async def test_taken_back_it_is_gone(held: Held, picture: FileToSend):
    await sends_when_safe(held, picture)
    [one] = await held.waits()

    await held.do(lambda tx: waiting.take_back(tx, held.hand(held.officer_), held.case_.id, one.id))

    assert await files(held) == []
    held.it_is(18)
    assert await held.pager_looks() == []


async def test_it_follows_the_person_to_another_phone(held: Held, picture: FileToSend):
    await held.say("any time is safe")
    await held.do(lambda tx: receipts.give_again(tx, held.hand(held.officer_), held.case_.id))
    await held.talk.settle()
    code = "".join(character for character in held.talk.channel.sent[-1].text if character.isdigit())
    await held.say(f"my time is {held.talk.clock.now() + timedelta(hours=2):%H:%M}")
    await held.say(EVENING)
    await sends_when_safe(held, picture)
    await held.say(code, who="+2")
    new = await held.case("+2")

    await held.do(lambda tx: receipts.agree(tx, held.hand(held.officer_), new.id))
    held.it_is(18)

    assert "Here is a picture for you." in await held.pager_looks()
    [message] = [each for each in held.talk.channel.sent if each.file is not None]
    assert message.address == "+2"
    assert HIDDEN not in message.file.content


async def test_no_file_goes_to_a_watched_phone_unless_the_officer_says_so(held: Held, picture: FileToSend):
    await held.say("any time is safe")
    at, talk = held.talk.clock.now(), held.case_.conversation_id
    await held.do(lambda tx: conversation_store.begin_watch(tx, talk, shown_from=1, at=at))

    with pytest.raises(Watched):
        await sends(held, picture)
    assert await files(held) == []
    assert await sends(held, picture, although_watched=True)


async def test_a_file_that_waits_in_the_outbox_is_held_back_with_the_words(held: Held, picture: FileToSend):
    await held.say("any time is safe")
    await sends(held, picture)
    at, talk = held.talk.clock.now(), held.case_.conversation_id
    await held.do(lambda tx: conversation_store.begin_watch(tx, talk, shown_from=99, at=at))
    before = len(held.talk.channel.sent)

    await held.talk.settle()

    assert len(held.talk.channel.sent) == before


async def test_a_file_of_somebody_erased_is_not_sent(held: Held, picture: FileToSend):
    await held.say("any time is safe")
    await sends(held, picture)
    at, talk = held.talk.clock.now(), held.case_.conversation_id
    await conversations.erase_conversation(held.talk.database, held.talk.vault, talk, at)
    before = len(held.talk.channel.sent)

    await held.talk.settle()

    assert len(held.talk.channel.sent) == before


async def test_who_does_not_hold_the_case_sends_no_file(held: Held, picture: FileToSend):
    other = await held.officer("Boris")

    with pytest.raises(CaseNotFound):
        await held.do(
            lambda tx: answering.answer_person(tx, held.hand(other), held.case_.id, text="", once="", file=picture)
        )

    assert await files(held) == []
