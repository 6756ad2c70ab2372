"""`python -m dialogues.knowledge check`: what an editor runs before sending a text in."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from dialogues.knowledge.check import check
from dialogues.knowledge.loading import read_folder, read_overlays, stamped, stamped_overlay
from dialogues.knowledge.model import ORIGINAL_LANGUAGE, TranslationState
from dialogues.knowledge.reading import OVERLAYS_FOLDER, fingerprint

FOLDER = Path(__file__).resolve().parent.parent / "procedures"

EXPLANATION = """\
check   reads every text and prints what to mend as file:line: what. Exits 1 if anything must be mended.
stamp   says that translations were read against the English as it is now: writes its fingerprint into `of`.
        Run it after translating, never instead of translating.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m dialogues.knowledge", epilog=EXPLANATION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="say what is wrong with the procedures, and where")
    checking.add_argument("--on", type=date.fromisoformat, default=None, help="the day to judge reviews by (today)")
    checking.add_argument(
        "--notes", action="store_true", help="print what is worth knowing too, not only what is wrong"
    )
    stamping = commands.add_parser("stamp", help="mark translations as made from the present English")
    stamping.add_argument("files", nargs="+", help="such as missing_child/fr.md")
    for command in (checking, stamping):
        command.add_argument("--folder", type=Path, default=FOLDER)
    chosen = parser.parse_args(arguments)
    if chosen.command == "stamp":
        return stamp(chosen.folder, chosen.files)
    return report(chosen.folder, chosen.on or datetime.now(UTC).date(), notes=chosen.notes)


def report(folder: Path, on: date, *, notes: bool) -> int:
    """Print what `check` finds, and a line that sums it up."""
    problems = check(folder, on=on)
    blocking = [problem for problem in problems if problem.blocking]
    for problem in problems if notes else blocking:
        print(problem)
    loaded, _ = read_folder(folder)
    keys = {text.procedure.key for text in loaded}
    hidden = len(problems) - len(blocking)
    also = f", {hidden} notes{'' if notes else ' (see them with --notes)'}" if hidden else ""
    print(f"{len(loaded)} texts of {len(keys)} procedures read: {len(blocking) or 'no'} problems{also}.")
    return 1 if blocking else 0


def stamp(folder: Path, files: Sequence[str]) -> int:
    """Write the fingerprint of the English into the named translations."""
    loaded, problems = read_folder(folder)
    by_file = {text.file: text.procedure for text in loaded}
    originals = {
        (text.procedure.key, text.procedure.audience, text.procedure.jurisdiction): text.procedure
        for text in loaded
        if text.procedure.language == ORIGINAL_LANGUAGE
    }
    for file in files:
        if file.startswith(f"{OVERLAYS_FOLDER}/"):
            if not _stamp_overlay(folder, file):
                return 1
            continue
        translation = by_file.get(file)
        if translation is None or translation.translation_state is TranslationState.ORIGINAL:
            print(f"{file}: not a translation that can be read.", file=sys.stderr)
            print(*(problem for problem in problems if problem.file == file), sep="\n", file=sys.stderr)
            return 1
        original = originals[translation.key, translation.audience, translation.jurisdiction]
        path = folder / file
        path.write_text(stamped(path.read_text(encoding="utf-8"), fingerprint(original)), encoding="utf-8")
        print(f"{file}: made from {fingerprint(original)}.")
    return 0


def _stamp_overlay(folder: Path, file: str) -> bool:
    """Write the fingerprint of each variation's English beside its translations."""
    overlays, problems = read_overlays(folder, [text.procedure for text in read_folder(folder)[0]])
    overlay = next((overlay for overlay in overlays if file == f"{OVERLAYS_FOLDER}/{overlay.jurisdiction}.yml"), None)
    if overlay is None:
        print(f"{file}: not an overlay that can be read.", file=sys.stderr)
        print(*(problem for problem in problems if problem.file == file), sep="\n", file=sys.stderr)
        return False
    path = folder / file
    path.write_text(stamped_overlay(path.read_text(encoding="utf-8"), overlay), encoding="utf-8")
    print(f"{file}: {len(overlay.variations)} variations stamped.")
    return True


if __name__ == "__main__":
    sys.exit(main())
