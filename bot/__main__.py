"""`./waymark …` and `python -m bot …`."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry of the launcher: one command, then the exit code tells."""
    if sys.argv[1:] == ["up"]:
        from bot.foreground import up

        up()
    else:
        from bot.commands import app

        app(prog_name="./waymark")


if __name__ == "__main__":
    main()
