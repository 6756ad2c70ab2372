"""One Chromium for all tests that look at a page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.chromium import running_chromium


@pytest.fixture(scope="package")
def one_chromium() -> Iterator[Browser]:
    """Playwright holds the thread while it runs: no test of this folder may be asynchronous itself."""
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def chromium(one_chromium: Browser) -> Iterator[Browser]:
    """A start takes three seconds of work, so a module hands it on to the next one, with nothing open in it."""
    yield one_chromium
    for context in one_chromium.contexts:
        context.close()
