"""The pages on which texts are edited, for the tests of them."""

from __future__ import annotations

import re
from html import unescape

PAGE = "/desk/texts/missing_child/en"


def file_on(page: str) -> str:
    """What stands in the editor."""
    found = re.search(r"<textarea name=\"content\".*?>(.*?)</textarea>", page, re.S)
    assert found is not None
    return unescape(found[1])


async def released(author, approver, page: str, *changes: tuple[str, str], **fields: str) -> None:
    """An author changes the file of a page, an approver lets it out."""
    content = file_on(await author.go(page))
    for before, after in changes:
        assert before in content
        content = content.replace(before, after, 1)
    await author.send(page, content=content, **fields)
    assert "waits for an approver" in author.page, author.page
    await approver.go(page)
    await approver.send(f"{page}/approve")
