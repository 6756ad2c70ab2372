"""Whom a service is looked for, and what it must be known to be."""

from __future__ import annotations

from msgspec import Struct

from directory.model import Gender


class Wishes(Struct, frozen=True, kw_only=True):
    """None and False: it does not matter, or nobody knows. What nobody has said of a service is not promised."""

    age: int | None = None
    gender: Gender | None = None
    open_now: bool = False
    open_tonight: bool = False
    speaks: str | None = None  # BCP 47
    no_papers: bool = False
    free: bool = False
    pregnant: bool = False
    disability: bool = False
    staff: str | None = None  # women or men, to be asked for
    lately_checked: bool = False  # for who is in danger: nothing that nobody checked of late, whatever is asked for
    nationality: str | None = None  # ISO 3166-1 alpha-2; services that leave it out are not offered


NO_WISHES = Wishes()
