"""The directory at 1,000, 10,000 and 100,000 services: import, search in process and over HTTP, names of places.

Each figure stands beside a floor measured in the same run: an import beside reading the same lines and keeping one
row for each; a search beside reading its three records by their ids, both by the clock on the wall and in processor
time; an answer over HTTP beside the same bytes from a bare handler; a name of a place beside a look into a dictionary.
Services lie within 60 km of the shipped places, which is far denser than any real directory; one in twenty serves a
town as its area.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sqlite3
import statistics
import sys
import tempfile
import time
import unicodedata
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import sqlalchemy as sa
from aiohttp import web
from sqlalchemy.engine import Connection

from bot.kernel.clock import SystemClock
from bot.kernel.database import Database, open_database
from bot.kernel.migrations import migrate
from bot.kernel.settings import Settings
from bot.kernel.words import Words
from directory import store
from directory.__main__ import build_web
from directory.api import HsdsApi
from directory.asking import Directory
from directory.gazetteer import GAZETTEER, Gazetteer, script_of
from directory.model import NEEDS, FoundPlace, fixed_id
from directory.places import Place, Places, load_supplement
from directory.spelling import fold
from directory.store.tables import services
from directory.wishes import Wishes

SIZES = (1_000, 10_000, 100_000)
SEARCHES, HTTP_SEARCHES = 1_000, 300
NAMES_OF_A_SCRIPT = 1_000
SCRIPTS = ("LATIN", "ARABIC", "CYRILLIC", "ETHIOPIC")
#: Towns of so many people are asked for, and an answer so many degrees away is the same town.
TOWN, SAME_PLACE = 20_000, 0.15

#: An import in a process of its own, which says how much memory it took at most.
IMPORT = """
import asyncio, json, re, sys, time
from datetime import UTC, datetime
from pathlib import Path
from bot.kernel.database import open_database
from directory.files.commands import import_file

def peak_mb():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

async def run():
    database = open_database(sys.argv[1])
    before = peak_mb()
    started = time.perf_counter()
    report = await import_file(database, Path(sys.argv[2]), by="bench", at=datetime.now(UTC))
    seconds = time.perf_counter() - started
    await database.close()
    print(json.dumps({"new": report.new, "seconds": seconds, "before_mb": before, "peak_mb": peak_mb()}))

asyncio.run(run())
"""


async def run(settings: Settings) -> None:
    """Print one JSON object for each size, then one for each script of the names."""
    with tempfile.TemporaryDirectory(prefix="waymark-bench-") as name:
        for size in SIZES:
            folder = Path(name) / str(size)
            folder.mkdir()
            await _measure(folder, size)
    _names(settings.data_dir / GAZETTEER)


def _say(**figures: Any) -> None:
    rounded = {key: round(value, 3) if isinstance(value, float) else value for key, value in figures.items()}
    print(json.dumps({"bench": "directory", **rounded}, ensure_ascii=False), flush=True)


def _quantiles(seconds: list[float]) -> tuple[float, float]:
    """p50 and p99 in milliseconds."""
    ordered = sorted(seconds)
    return 1000 * statistics.median(ordered), 1000 * ordered[int(len(ordered) * 0.99)]


# --- services -----------------------------------------------------------------------------------------------------


def _line(number: int, chance: random.Random, places: list[Place]) -> str:
    place = chance.choice(places)
    service_id = fixed_id("bench", str(number))
    needs = chance.sample(sorted(NEEDS), chance.randint(1, 3))
    return json.dumps(
        {
            "id": service_id,
            "name": f"Service {number} in {place.name}",
            "description": "What is done here, in a sentence or two, as an editor would write it down.",
            "status": "active",
            "minimum_age": chance.choice([None, 0, 12, 16]),
            "maximum_age": chance.choice([None, 17, 25]),
            "organization": {"id": fixed_id("bench owner", str(number % 500)), "name": f"Organisation {number % 500}"},
            "attributes": [{"taxonomy_term": {"code": need}} for need in needs],
            "phones": [{"number": f"+39 0184 {number:06d}"}],
            "languages": [{"code": code} for code in chance.sample(("it", "fr", "ar", "en", "ti"), 2)],
            "service_areas": [{"name": place.name, "extent_type": "text"}] if number % 20 == 0 else [],
            "schedules": [
                {
                    "freq": "WEEKLY",
                    "byday": "MO,TU,WE,TH,FR",
                    "opens_at": "09:00",
                    "closes_at": "17:00",
                    "timezone_name": "Europe/Rome",
                }
            ],
            "service_at_locations": [
                {
                    "location": {
                        "id": fixed_id("bench location", str(number)),
                        "location_type": "physical",
                        "name": place.name,
                        "latitude": round(place.latitude + chance.gauss(0, 0.2), 5),
                        "longitude": round(place.longitude + chance.gauss(0, 0.25), 5),
                        "addresses": [{"address_1": f"{number} street", "city": place.name, "country": place.country}],
                    }
                }
            ],
        }
    )


async def _measure(folder: Path, size: int) -> None:
    chance, places = random.Random(size), load_supplement()
    file, url = folder / "services.ndjson", f"sqlite:///{folder / 'directory.db'}"
    with file.open("w", encoding="utf-8") as lines:
        for number in range(size):
            lines.write(_line(number, chance, places) + "\n")
    floor = _bare_import(file, folder / "bare.db")
    database = open_database(url)
    await migrate(database)
    await database.close()
    importing = await asyncio.create_subprocess_exec(sys.executable, "-c", IMPORT, url, str(file), stdout=PIPE)
    said, _ = await importing.communicate()
    told = json.loads(said)
    database = open_database(url)
    try:
        rebuilt = await database.write(_put_in_force)
        figures = await _searched(database, chance, places)
        figures |= await _searched_over_http(database, chance, places)
    finally:
        await database.close()
    _say(
        services=told["new"],
        import_rows_a_second=told["new"] / told["seconds"],
        floor_import_rows_a_second=size / floor,
        import_peak_mb=told["peak_mb"],
        before_import_mb=told["before_mb"],
        rebuild_search_seconds=rebuilt,
        **figures,
    )


def _bare_import(file: Path, path: Path) -> float:
    started = time.perf_counter()
    with closing(sqlite3.connect(path)) as bare, file.open(encoding="utf-8") as lines:
        bare.execute("CREATE TABLE services (id TEXT PRIMARY KEY, record TEXT)")
        bare.executemany("INSERT INTO services VALUES (?, ?)", ((json.loads(line)["id"], line) for line in lines))
        bare.commit()
    return time.perf_counter() - started


def _put_in_force(tx: Connection) -> float:
    """As if every record had been reviewed and checked today: drafts are offered to nobody. Returns the seconds it
    takes to write the table that searches read."""
    at = datetime.now(UTC)
    checked = {"verified_at": at, "verified_by": "bench", "verification_method": "phone", "verification_source": "x"}
    tx.execute(services.update().values(state="current", **checked))
    started = time.perf_counter()
    store.rebuild_search(tx)
    seconds = time.perf_counter() - started
    if tx.dialect.name == "sqlite":
        tx.execute(sa.text("ANALYZE"))
    return seconds


async def _timed(
    count: int, ask: Callable[[], Awaitable[object]], now: Callable[[], float] = time.perf_counter
) -> tuple[float, float]:
    """`now`: the clock on the wall, or the processor time of this process, whatever others on the machine do."""
    seconds = []
    for _ in range(count):
        started = now()
        await ask()
        seconds.append(now() - started)
    return _quantiles(seconds)


async def _searched(database: Database, chance: random.Random, places: list[Place]) -> dict[str, float]:
    directory = Directory(database, SystemClock(), Words.load())
    await directory.prepare()
    needs = sorted(NEEDS)
    ids = await database.read(lambda tx: store.list_ids(tx, limit=1000))

    async def search() -> None:
        place = chance.choice(places)
        point = FoundPlace(place.name, place.country, place.latitude, place.longitude)
        await directory.near(chance.choice(needs), point, language="fr", wishes=Wishes(age=chance.choice([None, 14])))

    async def read_three() -> None:
        three = chance.sample(ids, 3)
        await database.read(lambda tx: store.get_services(tx, three))

    await _timed(20, search)
    figures: dict[str, float] = {}
    for clock, now in (("", time.perf_counter), ("_cpu", time.process_time)):
        for name, ask in (("search", search), ("floor_search", read_three)):
            p50, p99 = await _timed(SEARCHES, ask, now)
            figures |= {f"{name}{clock}_p50_ms": p50, f"{name}{clock}_p99_ms": p99}
    return figures


async def _searched_over_http(database: Database, chance: random.Random, places: list[Place]) -> dict[str, float]:
    application = build_web(HsdsApi(database, public_url="http://127.0.0.1"))
    same: dict[str, bytes] = {}

    async def bare(_: web.Request) -> web.Response:
        return web.Response(body=same["bytes"], content_type="application/json")

    application.router.add_post("/bare", bare)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:

            async def ask(path: str) -> None:
                place = chance.choice(places)
                body = {"lat": place.latitude, "lon": place.longitude, "proximity": 10_000, "per_page": 3}
                async with session.post(path, json=body) as answer:
                    same["bytes"] = await answer.read()

            await _timed(10, lambda: ask("/hsds/service_at_locations"))
            p50, p99 = await _timed(HTTP_SEARCHES, lambda: ask("/hsds/service_at_locations"))
            floor50, floor99 = await _timed(HTTP_SEARCHES, lambda: ask("/bare"))
    finally:
        await runner.cleanup()
    return {"http_p50_ms": p50, "http_p99_ms": p99, "floor_http_p50_ms": floor50, "floor_http_p99_ms": floor99}


# --- names of places ----------------------------------------------------------------------------------------------


def _names(path: Path) -> None:
    """Names misspelt by one slip, with the country of the conversation and without.

    With a gazetteer, names of its towns of 20,000 people and more whose GeoNames id is odd: the even ones were used
    for tuning. Without one, the shipped places.
    """
    gazetteer, places = Gazetteer.open(path), Places.load()
    chance = random.Random(20_261_129)
    for script in SCRIPTS:
        named, namesakes = _towns(path, script) if gazetteer is not None else _shipped(script)
        asked = [
            (name, _slip(name, chance), *rest)
            for name, *rest in chance.sample(named, min(len(named), NAMES_OF_A_SCRIPT))
        ]
        exact = {fold(name): name for name, *_ in named}
        for hinted in (True, False):
            _ask_names(places, gazetteer, script, asked, exact, namesakes, hinted=hinted)


Named = tuple[str, str, float, float]
#: The points of all places that have a name in a country: which of them was meant, no name says.
Namesakes = Mapping[tuple[str, str], list[tuple[float, float]]]


def _towns(path: Path, script: str) -> tuple[list[Named], Namesakes]:
    query = "SELECT geonames_id, name, country, latitude, longitude, population, spellings FROM places ORDER BY id"
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute(query).fetchall()
    found: list[Named] = []
    namesakes: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for number, name, country, latitude, longitude, population, spellings in rows:
        written = (
            [fold(name)] if script == "LATIN" else [each for each in spellings.split("|") if script_of(each) == script]
        )
        for each in written:
            namesakes.setdefault((each, country), []).append((latitude, longitude))
        if number % 2 and population >= TOWN and written and _usable(written[0]):
            found.append((written[0], country, latitude, longitude))
    return found, namesakes


def _shipped(script: str) -> tuple[list[Named], Namesakes]:
    found = [
        (name, place.country, place.latitude, place.longitude)
        for place in load_supplement()
        for name in place.spellings()[:6]
        if script_of(name) == script and _usable(name)
    ]
    namesakes: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for name, country, latitude, longitude in found:
        namesakes.setdefault((name, country), []).append((latitude, longitude))
    return found, namesakes


def _usable(name: str) -> bool:
    return len(name) >= 4 and re.fullmatch(r"[^\W\d_]+( [^\W\d_]+)*", unicodedata.normalize("NFC", name)) is not None


def _slip(name: str, chance: random.Random) -> str:
    """A letter left out, doubled, changed for its neighbour, or taken for another of the name."""
    at = chance.randrange(1, len(name))
    match chance.choice(("out", "double", "swap", "other")):
        case "out":
            return name[:at] + name[at + 1 :]
        case "double":
            return name[:at] + name[at] + name[at:]
        case "swap":
            return name[: at - 1] + name[at] + name[at - 1] + name[at + 1 :]
    return name[:at] + chance.choice(name.replace(" ", "")) + name[at + 1 :]


def _ask_names(
    places: Places,
    gazetteer: Gazetteer | None,
    script: str,
    asked: list[tuple[Any, ...]],
    exact: dict[str, str],
    namesakes: Namesakes,
    *,
    hinted: bool,
) -> None:
    """How often the first answer, and one of three, is the very place that was meant; how often it is that place or
    one of the same name in the same country; and how often the first is the place where the name has no slip in it:
    more than that nobody can reach who has only the name."""
    itself, of_the_name, unslipped = [0, 0], [0, 0], 0
    seconds, floor = [], []
    for name, typed, country, latitude, longitude in asked:
        hint = country if hinted else None
        started = time.perf_counter()
        found = places.resolve(typed, country=hint, beyond=gazetteer)
        seconds.append(time.perf_counter() - started)
        for right, points in ((itself, [(latitude, longitude)]), (of_the_name, namesakes[name, country])):
            at = [_among(place, points) for place in found]
            right[0] += at[:1] == [True]
            right[1] += any(at)
        unslipped += any(
            _among(place, [(latitude, longitude)]) for place in places.resolve(name, country=hint, beyond=gazetteer)[:1]
        )
        started = time.perf_counter()
        exact.get(fold(typed))
        floor.append(time.perf_counter() - started)
    p50, p99 = _quantiles(seconds)
    _say(
        script=script.lower(),
        names=len(asked),
        of="gazetteer" if gazetteer is not None else "shipped",
        country_known=hinted,
        top_1=itself[0] / len(asked),
        top_3=itself[1] / len(asked),
        top_1_of_the_name=of_the_name[0] / len(asked),
        top_3_of_the_name=of_the_name[1] / len(asked),
        ceiling_top_1_without_a_slip=unslipped / len(asked),
        place_p50_ms=p50,
        place_p99_ms=p99,
        floor_place_p50_ms=_quantiles(floor)[0],
    )


def _among(place: Place, points: list[tuple[float, float]]) -> bool:
    return any(
        abs(place.latitude - latitude) < SAME_PLACE and abs(place.longitude - longitude) < SAME_PLACE
        for latitude, longitude in points
    )
