"""What people and officers write arrives as they wrote it, in any script.

The rule: words keep the very code points in which they were sent. Nothing is normalised, for what a person wrote may
be evidence, and what is composed in one hand is decomposed in another. Three things change (`bot.channels.text.clean`):
line ends and tabs are made the same, the white space around a message goes, and so does what cannot be seen and could
mislead: controls and marks that turn the direction of text. The joiners of Persian and of emoji stay.
"""

from __future__ import annotations

import re
import uuid
from html import escape

import pytest
from msgspec.structs import replace

from bot.cases import consent
from bot.cases.consent import Purpose
from bot.cases.hand import Hand
from bot.cases.record import service as record
from bot.kernel.access import Role
from tests.integration.app.program import Desk, Helpline, Person, serving, settings_for, telegram_update
from tests.integration.cases.test_consent import AGREED
from tests.peers.telegram import FakeTelegram

CHAT = 4242
SCRIPTS = {
    "Latin, composed and decomposed, with stacked marks": "Où est ma sœur ? O\u0301 e\u0302\u0301 Việt ñu \U0001f98a",
    "Arabic with vowels": "أَنَا خَائِفٌ مِنَ الرَّجُلِ — لٰكِنْ \U0001f625",
    "Persian with joiners": "می\u200cخواهم به خانه\u200cام برگردم، کتاب\u200cها را نبردند \U0001f4da",
    "Cyrillic with stress": "Мої́ м\u0430\u0301ма и брат ещё там, їхати? Ђорђе \U0001f697",
    "Ethiopic": "እኔ ብቻዬን ነኝ፤ እናቴ የት ናት፧ ትግርኛ እዛረብ እየ። \U0001f1ea\U0001f1ea",
    "Bengali": "আমি একা আছি। আমার ক্ষুধা লেগেছে, র\u200d্যাব আসছে না \U0001f64f\U0001f3fd",
    "Devanagari": "मैं अकेली हूँ। क\u094d\u200dष और क\u094dष एक नहीं \U0001f44b\U0001f3fe",
    "Tamil": "நான் தனியாக இருக்கிறேன். ஸ்ரீ, கொ கோ கௌ \U0001f3e0",
    "Chinese": "我一个人。爸爸在哪里？\U00020bb7 \u9f8d\u7adc \U0001f468\u200d\U0001f469\u200d\U0001f466",
    "Burmese": "ကျွန်တော် တစ်ယောက်တည်း ရှိပါတယ်၊ ဗျည်း \u1004\u103a\u1039\u1000 \u2764\ufe0f",
}
MISLEADS = "he is \u202emy elcnu\u202c and\u2066 \u200e\ufeffkind\u2069"


@pytest.fixture
async def helpline(tmp_path, telegram: FakeTelegram):
    given = {"telegram_api_url": telegram.url, "telegram_mode": "webhook", "demo": "off"}
    async with serving(settings_for(tmp_path / "on", rate_burst=1000, rate_per_minute=1000, **given)) as program:
        yield program


async def takes_the_other(desk: Desk, *held: str) -> str:
    """Take the case that the officer does not hold."""
    [case_id] = set(await desk.waiting_cases()) - set(held)
    assert (await desk.post(f"/desk/cases/{case_id}/claim"))[0] == 200
    return case_id


async def shown(desk: Desk, case_id: str) -> list[str]:
    """The talk on the desk's page as it was sent: what stands in an element that finds its own direction."""
    _, headers, page = await desk.raw(f"/desk/cases/{case_id}")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    return re.findall(r'<span class="m-words" lang="[^"]*" dir="auto">(.*?)</span>', page.decode(), re.S)


async def test_ten_scripts_come_and_go_as_they_were_written(helpline: Helpline, telegram: FakeTelegram):
    texts = list(SCRIPTS.values())
    amira = await helpline.officer(Role.OFFICER)
    desk = await helpline.at_desk(amira)
    telegram.ledger.meet(CHAT, "private")
    async with Person(helpline) as girl:
        await girl.write("I want to talk to a person")
        in_web = await takes_the_other(desk)
        await helpline.webhook(telegram_update(1, "I want to talk to a person"))
        await helpline.settled()
        in_telegram = await takes_the_other(desk, in_web)

        for number, text in enumerate([*texts, MISLEADS], start=2):
            await girl.send(text=f" \t{text}\r\n")
            assert await helpline.webhook(telegram_update(number, f" \t{text}\r\n")) == 200
        await helpline.settled()
        for case_id in (in_web, in_telegram):
            for text in texts:
                answered = await desk.post(f"/desk/cases/{case_id}/answer", text=text, once=str(uuid.uuid4()))
                assert answered[0] == 200
        await helpline.settled()
        page = await girl.source()

    came = {escape(text) for text in texts}
    for case_id in (in_web, in_telegram):
        talk = await shown(desk, case_id)
        said = [line for line in talk if line in came]
        assert said == [escape(text) for text in texts] * 2  # what came, then what was answered
        assert "he is my elcnu and kind" in talk
    lines = [await helpline.lines(each) for each in await helpline.conversation_ids()]
    for talk in lines:
        kept = [line.text.encode() for line in talk if line.author.value == "person"]
        assert kept[1:-1] == [text.encode() for text in texts]
    officers = re.findall(r'<div class="m officer[^>]*dir="auto">.*?<p>(.*?)</p>', page, re.S)
    assert officers == [escape(text) for text in texts]
    assert [sent["text"] for sent in telegram.ledger.sent(CHAT)][-len(texts) :] == texts


async def test_the_printed_file_and_the_file_for_an_agency_hold_the_same_bytes(helpline: Helpline):
    texts = list(SCRIPTS.values())
    everything = "\n".join(texts)
    amira = await helpline.officer(Role.OFFICER)
    desk = await helpline.at_desk(amira)
    async with Person(helpline) as girl:
        await girl.write("I want to talk to a person")
    case_id = await takes_the_other(desk)
    said = {"name": (texts[0],), "other_names": (texts[5],), "separation": (everything,)}
    agreed = replace(AGREED, purpose=Purpose.TRANSFER, items=tuple(sorted(said)), withheld=())

    def fill_in(tx) -> str:
        hand = Hand(amira, helpline.vault, helpline.waymark.words, helpline.waymark.clock.now())
        record.write_fields(tx, hand, case_id, said, seen={})
        consent.record(tx, hand, case_id, agreed)
        return consent.of_case(tx, case_id)[0].id

    consent_id = await helpline.database.write(fill_in)

    _, _, paper = await desk.raw(f"/desk/cases/{case_id}/print")
    _, _, exported = await desk.raw(f"/desk/cases/{case_id}/primero", consent=consent_id)

    for text in texts:
        assert escape(text).encode() in paper
        assert text.encode() in exported
