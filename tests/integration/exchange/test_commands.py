"""`./waymark partner`: two installations come to trust each other and exchange letters by hand, as people would."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection
from typer.testing import CliRunner

from bot.commands import app
from bot.exchange.partners import store as partners
from bot.exchange.partners.description import TEMPLATE
from bot.exchange.post import store
from bot.exchange.requests import gate_store, sending
from bot.exchange.requests import store as requests
from bot.exchange.requests.model import Request, Side, Status
from bot.kernel.access import Role
from bot.kernel.clock import SystemClock
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id
from bot.kernel.officers import add_officer, hash_password, set_password
from bot.kernel.settings import load_settings
from bot.upkeep.installation import installation

PASSWORDS = {"amira": "a heron over the marsh", "bruno": "seven boats at anchor"}


class Installation:
    """A folder, and commands over it."""

    def __init__(self, folder: Path, name: str, country: str, port: int) -> None:
        self.folder = folder
        folder.mkdir()
        self.environment = {
            "WAYMARK_DATA_DIR": str(folder / "data"),
            "WAYMARK_DEMO": "off",
            "WAYMARK_EXCHANGE_NAME": name,
            "WAYMARK_COUNTRY": country,
            "WAYMARK_PUBLIC_URL": f"https://{name.split()[0].lower()}.example:{port}",
        }

    def run(self, *words: str, input: str = "") -> tuple[int, str]:
        """Run `./waymark partner …` inside this process. One that ends in a traceback fails the test."""
        others = {name: None for name in os.environ if name.startswith("WAYMARK_")}
        done = CliRunner().invoke(app, ["partner", *words], input=input, env={**others, **self.environment})
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
        return done.exit_code, done.output

    def add_admins(self) -> None:
        async def add() -> None:
            async with installation(load_settings(self.environment)) as (database, vault):
                hashed = {name: hash_password(password) for name, password in PASSWORDS.items()}

                def work(tx: Connection) -> None:
                    for name in PASSWORDS:
                        officer = add_officer(
                            tx, vault, name=name, sign_in_name=name, roles=[Role.ADMIN], at=SystemClock().now()
                        )
                        set_password(tx, officer.id, hashed[name])

                await database.write(work)

        asyncio.run(add())

    def put(self, text: str) -> str:
        """A letter to the only partner there is."""

        async def write() -> str:
            async with installation(load_settings(self.environment)) as (database, vault):
                return await database.write(lambda tx: _put(tx, vault, text))

        return asyncio.run(write())

    def state_of(self, envelope_id: str) -> str:
        async def look() -> str:
            async with installation(load_settings(self.environment)) as (database, _vault):
                found = await database.read(lambda tx: store.letter(tx, envelope_id))
                assert found is not None
                return found.state

        return asyncio.run(look())


def _put(tx: Connection, vault: Vault, text: str) -> str:
    """A message about a request that the only partner there is has made, and we have taken on."""
    at = SystemClock().now()
    (partner,) = partners.everyone(tx, vault)
    key = vault.new_key(tx, at)
    request = Request(
        id=new_id(), number="XAAA-BBB", side=Side.THEIRS, partner_id=partner.id, type_key="info_child",
        status=Status.ACCEPTED, case_id=None, key_id=key.id, asks=("harm",), limit="usual", language="en",
        drafted_by=None, handler_id=None, drafted_at=at, asked_on=at, consent_ref="consent-1",
    )  # fmt: skip
    requests.add_request(tx, request, body_sealed=None)
    known = {"fears": [], "asylum": False, "origins": []}
    sealed = key.seal_json(known, table="exchange_situations", row="s", field="situation")
    gate_store.add_situation(tx, row_id="s", subject_id=request.id, officer_id="o", at=at, sealed=sealed)
    return sending.send(tx, vault, request, "request_message", {"text": text}, actor="system:test", at=at)


@pytest.fixture
def lyon(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "lyon", "Lyon Refuge", "FR", 8443)


@pytest.fixture
def tunis(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "tunis", "Tunis Child Protection", "TN", 8444)


def describe(here: Installation, name: str, country: str) -> Path:
    year = SystemClock().now().year
    text = TEMPLATE.replace("Tunis Child Protection", name).replace("country: TN", f"country: {country}")
    text = re.sub(r"valid_from: \S+", f"valid_from: {year}-01-01", text)
    text = re.sub(r"valid_to: \S+", f"valid_to: {year + 1}-02-01", text)
    file = here.folder / f"{country}.yml"
    file.write_text(text.replace("reports_to: unknown", "reports_to: []"), "utf-8")
    return file


def groups_of(here: Installation) -> str:
    code, said = here.run("fingerprint")
    assert code == 0
    return " ".join(re.findall(r"\b\d{5}\b", said))


def sign(here: Installation, partner: str, admin: str, heard: str, password: str | None = None) -> tuple[int, str]:
    return here.run("sign", partner, "--as", admin, input=f"{heard}\n{password or PASSWORDS[admin]}\n")


def acquaint(here: Installation, there: Installation, name: str, country: str) -> None:
    key_file = there.folder / "key.json"
    if not key_file.exists():
        assert there.run("export", str(key_file), "--key")[0] == 0
    code, said = here.run("add", str(describe(here, name, country)), str(key_file))
    assert (code, "Nothing passes yet" in said) == (0, True), said
    for admin in PASSWORDS:
        code, said = sign(here, name, admin, groups_of(there))
        assert code == 0, said


def test_two_installations_come_to_trust_each_other_and_exchange_letters_by_hand(
    lyon: Installation, tunis: Installation
):
    for each in (lyon, tunis):
        each.add_admins()
    acquaint(lyon, tunis, "Tunis Child Protection", "TN")
    acquaint(tunis, lyon, "Lyon Refuge", "FR")
    envelope_id = lyon.put("CANARY-7731")
    by_hand, back = lyon.folder / "for-tunis.json", tunis.folder / "for-lyon.json"

    assert lyon.run("export", str(by_hand), "--to", "Tunis")[0] == 0
    code, said = tunis.run("import", str(by_hand))
    assert (code, said.splitlines()[0]) == (0, "letter 1 is stored")
    assert tunis.run("import", str(by_hand))[1].splitlines()[0] == "letter 1 is here already"
    assert tunis.run("export", str(back), "--to", "Lyon")[0] == 0
    assert lyon.run("import", str(back))[0] == 0

    assert lyon.state_of(envelope_id) == "stored"
    assert "CANARY" not in by_hand.read_text()
    code, said = lyon.run("list")
    assert (code, "Tunis Child Protection" in said, "open" in said) == (0, True, True)
    code, said = tunis.run("show", "Lyon")
    assert code == 0
    assert "https://lyon.example:8443" in said
    assert "reports to   to none" in said


def test_signing_takes_the_right_password_the_right_digits_and_two_people(lyon: Installation, tunis: Installation):
    lyon.add_admins()
    assert tunis.run("export", str(tunis.folder / "key.json"), "--key")[0] == 0
    added = lyon.run("add", str(describe(lyon, "Tunis Child Protection", "TN")), str(tunis.folder / "key.json"))
    assert added[0] == 0
    heard = groups_of(tunis)

    assert "password is wrong" in sign(lyon, "Tunis", "amira", heard, password="seven boats at anchor")[1]
    assert "not the digits" in sign(lyon, "Tunis", "amira", "12345 " * 10)[1]
    assert "One more admin" in sign(lyon, "Tunis", "amira", heard)[1]
    assert "Another admin has to call" in sign(lyon, "Tunis", "amira", heard)[1]
    assert "key_unverified" in lyon.run("list")[1]
    assert "Signed by two admins" in sign(lyon, "Tunis", "bruno", heard)[1]

    code, said = lyon.run("revoke", "Tunis")
    assert (code, "1 keys" in said) == (0, True)
    assert "key_revoked" in lyon.run("list")[1]
    assert "was revoked" in lyon.run("export", str(lyon.folder / "x.json"), "--to", "Tunis")[1]


def test_whom_to_call_in_a_country_is_named_and_replaced(tmp_path: Path):
    lyon = Installation(tmp_path / "lyon", "Lyon Refuge", "FR", 8801)

    async def named() -> tuple[str, str]:
        async with installation(load_settings(lyon.environment)) as (database, _):
            point = await database.read(lambda tx: partners.focal_point(tx, "TN"))
            assert point is not None
            return point.contact.name, point.contact.phone

    code, said = lyon.run("focal", "tn", "--person", "Amel", "--phone", "+216 71 000 000")
    assert code == 0
    assert "call Amel, +216 71 000 000" in said
    assert asyncio.run(named()) == ("Amel", "+216 71 000 000")
    lyon.run("focal", "TN", "--person", "Sonia", "--phone", "+216 71 111 111")
    assert asyncio.run(named()) == ("Sonia", "+216 71 111 111")
    assert "two letters" in lyon.run("focal", "Tunisia", "--person", "Amel", "--phone", "1")[1]
    assert "phone number" in lyon.run("focal", "TN", "--person", "Amel", "--phone", "soon")[1]
    assert asyncio.run(named()) == ("Sonia", "+216 71 111 111")


def test_what_is_wrong_is_said_with_what_to_do(lyon: Installation, tunis: Installation):
    junk = lyon.folder / "junk"
    junk.write_bytes(b"\x00\xff junk")
    good = describe(lyon, "Tunis Child Protection", "TN")

    assert lyon.run("list")[1].startswith("There are no partners yet")
    for words, says in (
        (["add", str(junk)], "is not text"),
        (["add", str(good), str(junk)], "no key file"),
        (["import", str(junk)], "holds no letters"),
        (["show", "nobody"], "there is no partner 'nobody'"),
        (["revoke"], "name the partner"),
        (["revoke", "--own"], "--yes"),
        (["export", str(junk), "--key"], "is there already"),
        (["export", str(lyon.folder / "new")], "--to PARTNER"),
    ):
        code, said = lyon.run(*words)
        assert (code, says in said) == (2, True), said
    assert lyon.run("add", str(good))[0] == 0
    near = describe(lyon, "Tunis Child Protections", "TN")
    assert "could be taken for" in lyon.run("add", str(near))[1]
    same = describe(lyon, "Tunis ChiId Protection", "TN")
    assert "looks the same" in lyon.run("add", str(same), "--yes")[1]
    assert lyon.run("template")[1] == TEMPLATE
    assert lyon.run("rotate")[0] == 0
