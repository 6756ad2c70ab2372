"""Typesets one paper: what it says comes on standard input, the PDF goes out on standard output.

A program of its own (`pdf` starts it), so that the typesetter is in memory only while it works, keeps no word of a
child after it, and takes nothing else with it if it breaks.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typst

HERE = Path(__file__).parent
#: Letters without a picture are an error in these, so that nobody is handed a page with boxes on it.
STANDARDS: list[typst.PDFStandard] = ["a-3a", "ua-1"]


def main() -> None:
    asked = json.load(sys.stdin.buffer)
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(HERE / "fonts")])
    made = typst.compile(
        HERE / "pair.typ",
        root=HERE,
        font_paths=fonts,
        sys_inputs={"said": json.dumps(asked["said"])},
        pdf_standards=STANDARDS,
        timestamp=asked["at"],
    )
    assert isinstance(made, bytes)
    sys.stdout.buffer.write(made)


if __name__ == "__main__":
    main()
