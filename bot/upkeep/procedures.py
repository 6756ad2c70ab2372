"""The texts of procedures from the command line."""

from __future__ import annotations

from pathlib import Path

from bot.kernel.clock import SystemClock
from bot.kernel.settings import Settings
from bot.texts import service as texts
from bot.upkeep.installation import installation

PROCEDURES = Path(__file__).resolve().parents[2] / "dialogues" / "procedures"


def check_procedures() -> tuple[str, list[str], list[str]]:
    """How much there is, what is wrong with it, a line each, and what is only worth knowing."""
    from dialogues.knowledge.check import check_read
    from dialogues.knowledge.loading import read_all

    read = read_all(PROCEDURES)
    found = check_read(read, on=SystemClock().now().date())
    texts = [text.procedure for text in read.texts]
    workers = sum(text.audience == "worker" for text in texts)
    there = (
        f"{workers} texts for workers and {len(texts) - workers} for children, of {len({t.key for t in texts})} "
        f"procedures; {len(read.overlays)} overlays"
    )
    wrong = [str(problem) for problem in found if problem.blocking]
    return there, wrong, [str(problem) for problem in found if not problem.blocking]


async def export_texts(settings: Settings, folder: Path) -> list[str]:
    """Write every approved edit under `folder` as the file it takes the place of. Returns the names of the files."""
    async with installation(settings) as (database, _vault):
        approved = await database.read(texts.approved_texts)
    for file, content in approved.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return sorted(approved)
