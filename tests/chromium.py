"""Debian's Chromium, for tests that look at a page as a person does."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = "/usr/bin/chromium"
#: What a page shows is waited for so long: a busy machine is no mistake of the program.
PATIENCE_SECONDS = 30
#: The toolbar and the address bar that nobody sees are pages of their own, a process each, and took an eighth of the
#: work of these tests. The last list of this kind counts, so what playwright switches off is said again.
SWITCHED_OFF = (
    "InitialWebUI", "PreloadTopChromeWebUI", "WebUIOmniboxAimPopup", "WebUIOmniboxPopup",
    "WebUIToolbarProcessOverheadExperiment",
    "AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "MediaRouter", "OptimizationHints", "PaintHolding",
    "ThirdPartyStoragePartitioning", "Translate",
)  # fmt: skip
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(SWITCHED_OFF)}",
)
expect.set_options(timeout=1000 * PATIENCE_SECONDS)
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1360, "height": 820}


@contextlib.contextmanager
def running_chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


def picture(page: Page, name: str) -> None:
    """Keep how a page looks in the folder that `WAYMARK_TEST_PICTURES` names. Nothing asks a picture, and painting long
    pages took a tenth of the work of these tests."""
    if folder := os.environ.get("WAYMARK_TEST_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def console_of(page: Page) -> list[str]:
    """Errors and warnings of a page, filled while it lives. A broken content policy speaks here."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said
