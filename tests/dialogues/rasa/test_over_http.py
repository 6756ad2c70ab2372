"""Rasa's HTTP API answers here as a real Rasa 3.6.21 did: `answers.json`, written by `calls.py`."""

from __future__ import annotations

import json

from aiohttp.test_utils import TestClient, TestServer

from dialogues.runtime.manners import EXACTLY_AS_RASA
from dialogues.server.host import Host
from dialogues.server.http import make_app
from tests.dialogues.rasa.calls import PROJECT, answers, calls


async def test_a_client_of_rasas_api_is_answered_as_by_a_real_rasa() -> None:
    host = Host.load(PROJECT, manners=EXACTLY_AS_RASA)
    wrong: list[str] = []
    async with TestClient(TestServer(make_app(host))) as client:
        for number, (call, rasa) in enumerate(zip(calls(), answers(), strict=True), 1):
            headers = {"Content-Type": "application/json", "Accept": call.accept}
            answer = await client.request(call.method, call.path, data=call.data, headers=headers)
            ours = call.compared(answer.status, await answer.text())
            if call.differs is not None:
                assert call.differs != rasa["status"] or ours["body"] != rasa["body"], f"{call.call} no longer differs"
                ours, rasa = {"status": ours["status"]}, {"status": call.differs}
            wrong += [
                f"{number}. {call.call}, {key}:\n    Rasa: {json.dumps(rasa[key])}\n    ours: {json.dumps(ours[key])}"
                for key in ours
                if ours[key] != rasa[key]
            ]

    assert wrong == []
