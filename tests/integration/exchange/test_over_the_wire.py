"""All fifteen types between two deployments that serve: real keys, real envelopes, real HTTP, two databases."""

from __future__ import annotations

from pathlib import Path

from bot.exchange.post.model import ReceiptState
from bot.exchange.requests import answering, letters_store, looking
from bot.exchange.requests.answering import Answer
from bot.exchange.requests.intake import RequestIntake
from bot.exchange.requests.model import Ground, Status
from bot.exchange.requests.types import REQUEST_TYPES
from bot.kernel import audit
from tests.integration.cases.world import World
from tests.integration.exchange.two_countries import ALL_TYPES, Country, a_draft, an_agreement, filled
from tests.integration.exchange.world import Deployment

CANARY = "Sidi Kanarya"


async def settled(one: Deployment, other: Deployment) -> None:
    """Everything that was written has been carried, handed over and confirmed."""
    for _ in range(6):
        for sender, receiver in ((one, other), (other, one)):
            await sender.send()
            await receiver.work()


async def country_of(deployment: Deployment) -> Country:
    """People, and the room that takes letters about requests in, over a deployment that serves."""
    intake = RequestIntake(deployment.vault)
    deployment.room.receive = intake.receive  # type: ignore[method-assign]
    deployment.room.told = intake.told  # type: ignore[method-assign]
    made = Country(World(deployment.database, deployment.vault), deployment.clock, deployment.country)
    await made.prepare()
    return made


async def test_all_fifteen_types_are_asked_and_answered_over_http(two: tuple[Deployment, Deployment], tmp_path: Path):
    lyon, tunis = two
    terms = {"agreement": an_agreement(), "may_send": ALL_TYPES, "may_receive": ALL_TYPES}
    france, tunisia = await country_of(lyon), await country_of(tunis)
    france.others["TN"] = (await lyon.meet(tunis, **terms)).id
    tunisia.others["FR"] = (await tunis.meet(lyon, **terms)).id
    case_id = await france.case()

    asked = {
        await france.asked(case_id, a_draft(france.others["TN"], key, fields=filled(key, CANARY))): key
        for key in sorted(REQUEST_TYPES)
    }
    await settled(lyon, tunis)
    for request_id in asked:
        assert (await tunisia.do(looking.open_request, request_id)).fields == {}
        await tunisia.do(answering.accept, request_id)
    await settled(lyon, tunis)
    for request_id, key in asked.items():
        for question in REQUEST_TYPES[key].asks:
            answer = Answer(question, f"{CANARY} {question}", "document", "high")
            await tunisia.do(answering.write_answer, request_id, answer, once=f"{key}:{question}")
        await tunisia.do(answering.release_answers, request_id, endangers=False, ground=Ground.CHILD_ONLY)
    await settled(lyon, tunis)

    for request_id, key in asked.items():
        here, there = await france.file(request_id), await tunisia.file(request_id)
        assert here.request.status is there.request.status is Status.ANSWERED
        assert here.answered == there.answered == frozenset(REQUEST_TYPES[key].asks)
        assert here.fields == there.fields == filled(key, CANARY)
        assert sorted(said.text for said in here.lines if said.line.kind == "answer") == sorted(
            said.text for said in there.lines if said.line.kind == "answer"
        )
        letters = await france.see(lambda tx, request_id=request_id: letters_store.letters_of(tx, request_id))
        assert {letter.state for letter in letters} <= {ReceiptState.STORED, ReceiptState.READ, ReceiptState.ANSWERED}
        assert "see" in [event.act for event in here.events]  # the signed word that a human there has seen it
    for each in (france, tunisia):
        assert (await each.see(lambda tx, vault=each.vault: audit.verify(tx, vault))).ok
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path.name
