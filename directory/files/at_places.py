"""Services at a location, as the pages of HSDS list them: those of one service, however far apart, are one service."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from directory.files.hsds_objects import at_its_places, from_its_places

Json = dict[str, Any]

#: A service with more places is none.
MOST_PLACES = 500


class Gathered:
    """What was read of each service, on the disk: however long the file is, few of it are held in memory."""

    def __init__(self) -> None:
        self._kept = sqlite3.connect("")  # of no name: SQLite puts it where it likes, and takes it away at the end
        self._kept.execute("CREATE TABLE links (number INTEGER PRIMARY KEY, service TEXT, link TEXT)")
        self._kept.execute("CREATE INDEX links_service ON links (service)")

    def add(self, number: int, link: Json) -> None:
        service = str(link["service"].get("id") or f"of line {number}").casefold()
        self._kept.execute("INSERT INTO links VALUES (?, ?, ?)", (number, service, json.dumps(link)))

    def services(self) -> Iterator[tuple[int, Any]]:
        """Each service with its places, in the order of the file; the number is that of its first place. A place that
        is there twice comes by itself once more: whoever takes it in says that it was there before."""
        with closing(self._kept):
            found = self._kept.execute("SELECT min(number), service FROM links GROUP BY service ORDER BY 1").fetchall()
            for number, service in found:
                query = "SELECT number, link FROM links WHERE service = ? ORDER BY number LIMIT ?"
                places: dict[str, Json] = {}
                again: list[tuple[int, Json]] = []
                for at, text in self._kept.execute(query, (service, MOST_PLACES + 1)):
                    link = json.loads(text)
                    key = str(link["location"].get("id") or at)
                    if key in places:
                        again.append((at, link))
                    else:
                        places[key] = link
                yield number, from_its_places(at_its_places(list(places.values())))
                yield from ((at, from_its_places(at_its_places([link]))) for at, link in again)
