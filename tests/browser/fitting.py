"""What does not fit on a page: cut off at the edge, to be pushed sideways, too low to press, from the wrong side."""

from __future__ import annotations

from playwright.sync_api import Page

#: A window that is no wider than this is a phone's: there nothing has to be pushed sideways.
NARROW = 480

MISFITS = """([language, sideways, narrow]) => {
    const found = [], whole = document.scrollingElement, say = (what, it) => found.push(`${what}: ${it}`);
    const cut = (it) => it.scrollWidth > it.clientWidth, here = (it) => it.outerHTML.slice(0, 160);
    if (cut(whole)) say("wider than its window", whole.scrollWidth - whole.clientWidth);
    if (language && whole.lang !== language) say("in another language", whole.lang);
    if (whole.dir !== (whole.lang === "ar" ? "rtl" : "ltr")) say("written from the other side", whole.dir);
    for (const it of document.querySelectorAll(".who")) if (cut(it)) say("a name is cut off", here(it));
    if (innerWidth <= narrow && !sideways) {
        for (const it of document.querySelectorAll(".table-wrap")) if (cut(it)) say("pushed sideways", here(it));
    }
    for (const it of document.querySelectorAll("button, .button, nav a, input:not([type=hidden])")) {
        if (it.offsetParent && it.getBoundingClientRect().height < 18) say("too low to press", here(it));
    }
    return found;
}"""


def misfits(page: Page, language: str, *, sideways: bool) -> list[str]:
    """In the window as it is now. `language`: which it must be in, if any; `sideways`: its tables may be pushed."""
    return [f"{page.viewport_size}: {each}" for each in page.evaluate(MISFITS, [language, sideways, NARROW])]
