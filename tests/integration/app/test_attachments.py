"""Pictures, voice notes and files through the whole program: in by Telegram and web chat, to the desk, and back."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa

from bot.cases import store as case_store
from bot.conversations.attachments import service as attachments
from bot.conversations.attachments import store
from bot.conversations.attachments.model import Attachment, Caution, Kind, State
from bot.kernel.access import Role
from bot.kernel.audit import verify
from tests.integration.app.program import OURS, Desk, Helpline, Person, telegram_update, until
from tests.peers.telegram import FakeTelegram
from tests.unit.conversations.test_attachment_copies import HIDDEN, box, file, with_hidden

CHAT = 4242
PHOTO = with_hidden(file("photo.jpg"))


async def sends(helpline: Helpline, telegram: FakeTelegram, number: int = 1, **content: Any) -> None:
    """Somebody sends something over Telegram."""
    telegram.ledger.meet(CHAT, "private")
    assert await helpline.webhook(telegram_update(number, **content)) == 200
    await helpline.settled()


async def sends_photo(helpline: Helpline, telegram: FakeTelegram, content: bytes = PHOTO, number: int = 1) -> None:
    file_id = telegram.add_file(content, "jpg")
    small = {"file_id": "small", "file_unique_id": "s", "width": 1, "height": 1}
    large = {"file_id": file_id, "file_unique_id": "l", "width": 32, "height": 48, "file_size": len(content)}
    await sends(helpline, telegram, number, photo=[small, large], caption="that is him")


async def files(helpline: Helpline) -> Sequence[Attachment]:
    ids = await helpline.conversation_ids()
    return await helpline.database.read(lambda tx: attachments.of_talks(tx, helpline.vault, ids))


async def settled_files(helpline: Helpline, count: int = 1) -> Sequence[Attachment]:
    """The files, once none of them waits any more."""

    async def are() -> bool:
        found = await files(helpline)
        return len(found) == count and all(each.state is not State.WAITING for each in found)

    await until(are)
    return await files(helpline)


async def case_with(helpline: Helpline, desk: Desk) -> str:
    """The case that the file led to, in the hands of this officer."""
    [case_id] = await desk.waiting_cases()
    assert (await desk.post(f"/desk/cases/{case_id}/claim"))[0] == 200
    return case_id


async def raw(desk: Desk, path: str, method: str = "GET", **options: Any) -> tuple[int, Any, bytes]:
    """An answer with its headers and its bytes."""
    headers = {**desk._headers, **options.pop("headers", {})}
    async with aiohttp.ClientSession(desk._url, headers=headers) as client, client.request(
        method, path, **options
    ) as answer:  # fmt: skip
        return answer.status, answer.headers, await answer.read()


async def post_file(desk: Desk, path: str, content: bytes, name: str = "a.jpg", **fields: str) -> tuple[int, str]:
    form = aiohttp.FormData({"csrf": desk._csrf, **fields})
    form.add_field("file", content, filename=name)
    status, _, page = await raw(desk, path, "POST", data=form)
    return status, page.decode()


async def acts(helpline: Helpline, name: str) -> list[dict[str, Any]]:
    def read(tx: sa.Connection) -> list[dict[str, Any]]:
        rows = tx.exec_driver_sql(f"SELECT facts FROM audit_log WHERE act = '{name}'")
        return [json.loads(row[0]) for row in rows]

    return await helpline.database.read(read)


# Over Telegram ----------------------------------------------------------------------------------------------------


async def test_a_photo_is_kept_as_evidence_and_shown_without_the_place(
    telegram_helpline: Helpline, telegram: FakeTelegram
):
    helpline = telegram_helpline
    await sends_photo(helpline, telegram)
    [photo] = await settled_files(helpline)
    desk = await helpline.at_desk(await helpline.officer(Role.OFFICER))
    case_id = await case_with(helpline, desk)
    _, talk = await desk.get(f"/desk/cases/{case_id}")
    path = f"/desk/cases/{case_id}/files/{photo.id}"

    status, about = await desk.get(path)
    _, headers, copy = await raw(desk, f"{path}/copy")

    assert status == 200
    assert photo.sha256 == hashlib.sha256(PHOTO).hexdigest()
    assert photo.sha256 in about
    assert f'href="{path}"' in talk
    assert f"{path}/copy" not in talk  # nobody sees it who did not choose to
    assert "that is him" in talk
    assert headers["Content-Type"] == "image/jpeg"
    assert headers["Content-Disposition"] == f'inline; filename="{photo.name}"'
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert HIDDEN not in copy
    assert len(await acts(helpline, "attachment.open_copy")) == 1
    assert len(await acts(helpline, "attachment.look")) == 1


async def test_the_printed_file_names_every_file_with_its_hash(telegram_helpline: Helpline, telegram: FakeTelegram):
    helpline = telegram_helpline
    await sends_photo(helpline, telegram)
    await sends(helpline, telegram, 2, document={"file_id": "never-was", "file_unique_id": "d"})
    [photo, _] = await settled_files(helpline, 2)
    desk = await helpline.at_desk(await helpline.officer(Role.OFFICER))

    _, paper = await desk.get(f"/desk/cases/{await case_with(helpline, desk)}/print?lang=en")

    printed = paper.partition("Pictures, recordings and files")[2]
    assert photo.sha256 in printed
    assert str(len(PHOTO)) in printed
    assert "not kept" in printed


async def test_the_original_is_taken_for_a_reason_that_is_written_down(
    telegram_helpline: Helpline, telegram: FakeTelegram
):
    helpline = telegram_helpline
    await sends_photo(helpline, telegram)
    [photo] = await settled_files(helpline)
    desk = await helpline.at_desk(await helpline.officer(Role.OFFICER))
    path = f"/desk/cases/{await case_with(helpline, desk)}/files/{photo.id}/original"

    refused, _ = await desk.post(path, why="curious")
    status, headers, evidence = await raw(desk, path, "POST", data={"csrf": desk._csrf, "why": "authority"})

    assert refused == 400
    assert status == 200
    assert evidence == PHOTO
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment;")
    assert [facts["reason"] for facts in await acts(helpline, "case.original_opened")] == ["authority"]


async def test_who_does_not_hold_the_case_takes_no_original_and_sees_no_foreign_file(
    telegram_helpline: Helpline, telegram: FakeTelegram
):
    helpline = telegram_helpline
    await sends_photo(helpline, telegram)
    [photo] = await settled_files(helpline)
    desk = await helpline.at_desk(await helpline.officer(Role.OFFICER))
    case_id = await case_with(helpline, desk)
    other = await helpline.at_desk(await helpline.officer(Role.OFFICER, name="Other"))
    coordinator = await helpline.at_desk(await helpline.officer(Role.COORDINATOR, name="Co"))
    path = f"/desk/cases/{case_id}/files/{photo.id}"

    assert (await other.get(path))[0] == 404
    assert (await raw(other, f"{path}/copy"))[0] == 404
    assert (await other.post(f"{path}/original", why="danger"))[0] == 404
    assert (await coordinator.get(path))[0] == 200
    assert (await coordinator.post(f"{path}/original", why="danger"))[0] == 409
    await helpline.webhook(telegram_update(5, "he has a knife", chat=777))
    await helpline.settled()
    [mine] = await other.waiting_cases()
    assert (await other.get(f"/desk/cases/{mine}/files/{photo.id}"))[0] == 404  # of another case


async def test_a_voice_note_is_played_in_the_talk_from_any_place(telegram_helpline: Helpline, telegram: FakeTelegram):
    helpline, voice = telegram_helpline, file("voice.ogg")
    file_id = telegram.add_file(voice, "oga")
    await sends(
        helpline, telegram, voice={"file_id": file_id, "file_unique_id": "v", "duration": 1, "mime_type": "audio/ogg"}
    )
    [note] = await settled_files(helpline)
    desk = await helpline.at_desk(await helpline.officer(Role.OFFICER))
    case_id = await case_with(helpline, desk)
    copy = f"/desk/cases/{case_id}/files/{note.id}/copy"

    _, talk = await desk.get(f"/desk/cases/{case_id}")
    whole = await raw(desk, copy)
    parts = [await raw(desk, copy, headers={"Range": said}) for said in ("bytes=0-", "bytes=100-199", "bytes=-50")]
    beyond = await raw(desk, copy, headers={"Range": "bytes=5000-"})

    assert re.search(rf'<audio src="{copy}" controls preload="none"', talk)
    assert (whole[0], len(whole[2]), whole[1]["Content-Type"]) == (200, len(voice), "audio/ogg")
    assert HIDDEN not in whole[2]
    assert [part[0] for part in parts] == [206, 206, 206]
    assert [part[2] for part in parts] == [whole[2], whole[2][100:200], whole[2][-50:]]
    assert parts[1][1]["Content-Range"] == f"bytes 100-199/{len(voice)}"
    assert beyond[0] == 416


async def test_a_page_in_the_clothes_of_a_picture_is_never_shown(telegram_helpline: Helpline, telegram: FakeTelegram):
    helpline = telegram_helpline
    file_id = telegram.add_file(b"<svg onload='steal()'/>", "jpg")
    document = {"file_id": file_id, "file_unique_id": "d", "mime_type": "image/png", "file_name": "me.png"}
    await sends(helpline, telegram, document=document)
    [page] = await settled_files(helpline)
    desk = await helpline.at_desk(await helpline.officer(Role.OFFICER))
    case_id = await case_with(helpline, desk)
    path = f"/desk/cases/{case_id}/files/{page.id}"

    _, about = await desk.get(path)
    status, headers, _ = await raw(desk, f"{path}/original", "POST", data={"csrf": desk._csrf, "why": "unreadable"})

    assert page.cautions == (Caution.OTHER_THAN_IT_SAYS, Caution.ACTIVE)
    assert "It is not what it says it is" in about
    assert (await raw(desk, f"{path}/copy"))[0] == 404
    assert (status, headers["Content-Type"]) == (200, "application/octet-stream")


async def test_who_holds_the_case_has_a_file_fetched_again_and_one_that_was_refused_not(
    telegram_helpline: Helpline, telegram: FakeTelegram
):
    helpline = telegram_helpline
    await sends(helpline, telegram, 1, document={"file_id": "never-was", "file_unique_id": "d"})
    large = telegram.add_file(bytes(20 * 1024 * 1024 + 1), "bin")
    await sends(helpline, telegram, 2, video={"file_id": large, "file_unique_id": "d", "duration": 9})
    lost, refused = await settled_files(helpline, 2)
    desk = await helpline.at_desk(await helpline.officer(Role.OFFICER))
    path = f"/desk/cases/{(await desk.waiting_cases())[0]}"
    assert (await desk.post(f"{path}/files/{lost.id}/again"))[0] == 409  # nobody holds it yet
    await desk.post(f"{path}/claim")

    assert "Fetch again" in (await desk.get(f"{path}/files/{lost.id}"))[1]
    assert "Fetch again" not in (await desk.get(f"{path}/files/{refused.id}"))[1]
    status, talk = await desk.post(f"{path}/files/{lost.id}/again")

    assert status == 200
    assert "The file is fetched again" in talk
    assert (await desk.post(f"{path}/files/{refused.id}/again"))[0] == 409
    assert (await desk.post(f"{path}/files/none/again"))[0] == 404


async def test_a_file_that_is_too_large_or_gone_is_said_so_in_the_talk(
    telegram_helpline: Helpline, telegram: FakeTelegram
):
    helpline = telegram_helpline
    await sends(helpline, telegram, 1, document={"file_id": "never-was", "file_unique_id": "d"})
    large = telegram.add_file(bytes(20 * 1024 * 1024 + 1), "bin")
    await sends(helpline, telegram, 2, video={"file_id": large, "file_unique_id": "d", "duration": 9})

    found = await settled_files(helpline, 2)

    desk = await helpline.at_desk(await helpline.officer(Role.OFFICER))
    _, talk = await desk.get(f"/desk/cases/{(await desk.waiting_cases())[0]}")
    assert [(each.state, each.cause) for each in found] == [(State.LOST, "gone"), (State.REFUSED, "too_large")]
    assert "It does not exist any more where it was sent" in talk
    assert "larger than 20 MB" in talk
    left = await helpline.database.read(
        lambda tx: tx.execute(sa.select(sa.func.count()).select_from(store.attachment_parts)).scalar_one()
    )
    assert left == 0


# In the web chat --------------------------------------------------------------------------------------------------


async def uploads(person: Person, content: bytes, name: str = "a.jpg", once: str = "", **fields: str) -> int:
    form = aiohttp.FormData({"once": once, **fields})
    form.add_field("file", content, filename=name, content_type="image/jpeg")
    async with person._client.post("/chat/file", data=form, headers=OURS, allow_redirects=False) as answer:
        return answer.status


async def test_a_photo_from_the_web_chat_needs_no_script_and_is_kept_once(helpline: Helpline):
    async with Person(helpline) as person:
        page = await person.source()
        assert 'action="/chat/file" enctype="multipart/form-data"' in page
        assert len(page.encode()) < 50_000

        assert await uploads(person, PHOTO, once="one form") == 303
        assert await uploads(person, PHOTO, once="one form") == 303
        await helpline.settled()

        [photo] = await files(helpline)
        [conversation_id] = await helpline.conversation_ids()
        lines = await helpline.lines(conversation_id)
    assert (photo.kind, photo.state) == (Kind.PHOTO, State.KEPT)
    assert photo.sha256 == hashlib.sha256(PHOTO).hexdigest()
    assert [line.attachment for line in lines if line.author.value == "person"] == ["photo"]
    rows = await helpline.database.read(lambda tx: tx.execute(sa.select(store.attachments)).all())
    assert len(rows) == 1  # the second time left nothing behind


async def test_a_form_without_a_file_is_no_message_and_a_file_that_is_too_large_leaves_nothing(helpline: Helpline):
    async with Person(helpline) as person:
        assert await uploads(person, b"", name="") == 303
        assert await uploads(person, bytes(20 * 1024 * 1024 + 200_000)) == 413
        assert await uploads(person, b"") == 303

        async with person._client.post("/chat/file", data=b"x", headers=OURS) as answer:
            assert answer.status == 400

    assert await files(helpline) == []
    rows = await helpline.database.read(lambda tx: tx.execute(sa.select(store.attachments)).all())
    assert rows == []


async def test_a_large_film_is_taken_in_and_given_out_part_by_part(helpline: Helpline):
    film = file("film.mp4") + box(b"mdat", bytes(range(250)) * 20_000)
    async with Person(helpline) as person:
        assert await uploads(person, film, name="a.mp4") == 303
        await helpline.settled()
    [kept] = await files(helpline)
    desk = await helpline.at_desk(await helpline.officer(Role.OFFICER))
    case_id = await case_with(helpline, desk)

    _, headers, copy = await raw(desk, f"/desk/cases/{case_id}/files/{kept.id}/copy")

    assert (kept.kind, kept.size) == (Kind.VIDEO, len(film))
    assert headers["Content-Type"] == "video/mp4"
    assert copy[-4_000_000:] == film[-4_000_000:]


# To the person ----------------------------------------------------------------------------------------------------


async def test_an_officer_sends_a_picture_over_telegram_without_where_it_was_made(
    telegram_helpline: Helpline, telegram: FakeTelegram
):
    helpline = telegram_helpline
    await sends_photo(helpline, telegram)
    desk = await helpline.at_desk(await helpline.officer(Role.OFFICER))
    path = f"/desk/cases/{await case_with(helpline, desk)}/files"

    first = await post_file(desk, path, PHOTO, text="The door looks like this", once="1")
    again = await post_file(desk, path, PHOTO, text="The door looks like this", once="1")
    await post_file(desk, path, b"%PDF-1.7 a map", name="map.pdf", once="2")
    await helpline.settled()

    assert (first[0], again[0]) == (200, 200)
    sent = [each for each in telegram.ledger.sent(CHAT) if each["method"] in {"sendPhoto", "sendDocument"}]
    assert [each["method"] for each in sent] == ["sendPhoto", "sendDocument"]
    captions = [each["body"]["caption"] for each in sent]
    assert "The door looks like this" in captions[0]
    assert "Here is a file for you." in captions[1]
    arrived = telegram.ledger.file(file_id=sent[0]["body"]["photo"][0]["file_id"])
    assert arrived is not None
    assert HIDDEN not in arrived["content"]


async def test_a_picture_for_the_web_chat_opens_for_that_browser_alone(helpline: Helpline):
    desk = await helpline.at_desk(await helpline.officer(Role.OFFICER))
    async with Person(helpline) as person, Person(helpline) as other:
        await person.write("he has a knife, he is outside")
        case_id = await case_with(helpline, desk)
        assert (await post_file(desk, f"/desk/cases/{case_id}/files", PHOTO, once="1"))[0] == 200
        await helpline.settled()
        page = await person.page()
        [link] = re.findall(r'href="(/chat/file/\d+)"', page)

        async with person._client.get(link) as answer:
            headers, content = answer.headers, await answer.read()
        async with other._client.get(link) as answer:
            stranger = answer.status
        await other.write("hello")
        async with other._client.get(link) as answer:
            another = answer.status

    assert "Here is a picture for you." in page
    assert (headers["Content-Type"], headers["Cache-Control"]) == ("image/jpeg", "no-store")
    assert HIDDEN not in content
    assert (stranger, another) == (404, 404)


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"PK\x03\x04x", file("voice.ogg"), bytes(5 * 1024 * 1024 + 1)])
async def test_what_is_no_picture_and_no_pdf_is_not_sent(helpline: Helpline, content: bytes):
    desk = await helpline.at_desk(await helpline.officer(Role.OFFICER))
    async with Person(helpline) as person:
        await person.write("he has a knife, he is outside")
    case_id = await case_with(helpline, desk)

    status, page = await post_file(desk, f"/desk/cases/{case_id}/files", content, once="1")

    assert status == 409
    assert "This was not sent: choose a picture or a PDF" in page
    assert await files(helpline) == []


async def test_no_file_goes_to_a_phone_that_somebody_else_may_hold(helpline: Helpline):
    desk = await helpline.at_desk(await helpline.officer(Role.OFFICER))
    async with Person(helpline) as person:
        await person.write("he has a knife, he is outside")
        case_id = await case_with(helpline, desk)
        await desk.post(f"/desk/cases/{case_id}/duress-word", word="violet umbrella")
        await person.write("violet umbrella")

        status, page = await post_file(desk, f"/desk/cases/{case_id}/files", PHOTO, once="1")

        assert status == 409
        assert "somebody else may hold the phone" in page
        assert await files(helpline) == []
        assert "/chat/file/" not in re.sub('action="/chat/file"', "", await person.page())


# What is left -----------------------------------------------------------------------------------------------------


async def test_an_erased_person_leaves_no_file_behind(
    telegram_helpline: Helpline, telegram: FakeTelegram, tmp_path: Path
):
    helpline = telegram_helpline
    await sends_photo(helpline, telegram)
    [photo] = await settled_files(helpline)
    desk = await helpline.at_desk(await helpline.officer(Role.OFFICER))
    case_id = await case_with(helpline, desk)
    [conversation_id] = await helpline.conversation_ids()
    found = await helpline.database.read(lambda tx: case_store.get_case(tx, case_id))
    assert found is not None

    from bot.conversations.service import erase_conversation

    await erase_conversation(helpline.database, helpline.vault, conversation_id, helpline.waymark.clock.now())

    assert await files(helpline) == []
    assert (await desk.get(f"/desk/cases/{case_id}/files/{photo.id}"))[0] == 404
    assert (await raw(desk, f"/desk/cases/{case_id}/files/{photo.id}/copy"))[0] == 404
    parts = await helpline.database.read(lambda tx: tx.execute(sa.select(store.attachment_parts)).all())
    assert parts == []
    [row] = await helpline.database.read(lambda tx: tx.execute(sa.select(store.attachments)).all())
    assert (row.about_sealed, row.kept_sealed, row.state) == (None, None, "erased")


async def test_nothing_of_a_file_lies_in_clear_and_the_record_proves_it(
    telegram_helpline: Helpline, telegram: FakeTelegram
):
    helpline = telegram_helpline
    await sends_photo(helpline, telegram)
    [photo] = await settled_files(helpline)

    stored = b"".join(
        path.read_bytes() for path in helpline.settings.data_dir.rglob("*") if path.is_file() and path.suffix != ".key"
    )
    assert HIDDEN not in stored
    assert PHOTO[-60:] not in stored
    assert photo.sha256.encode() not in stored
    [kept] = await acts(helpline, "attachment.kept")
    assert kept["mark"] == helpline.vault.index("evidence", photo.sha256)
    report = await helpline.database.read(lambda tx: verify(tx, helpline.vault))
    assert report.first_wrong is None
