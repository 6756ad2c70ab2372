"""What is installed is what was looked at: the same versions everywhere, by hash, from wherever one gets them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LOCKS = ("requirements.lock", "tests/requirements.lock", "deploy/installer.lock")
ENTRY = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9._-]*)(?:\[[a-z0-9,_-]+\])?==(?P<version>[A-Za-z0-9.+!]+)"
    r"(?: ; (?P<marker>[^\\]+?))? \\(?P<hashes>(?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)+)"
)


def entries(lock: str) -> dict[str, set[str]]:
    """The pinned versions of each package. (One package may have several, each for its own machines.)"""
    found: dict[str, set[str]] = {}
    for entry in ENTRY.finditer(_text(lock)):
        found.setdefault(entry["name"], set()).add(f"{entry['version']} ; {entry['marker'] or ''}")
    return found


def _text(lock: str) -> str:
    return (ROOT / lock).read_text("utf-8")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_entry_is_pinned_and_has_hashes(lock: str):
    rest = ENTRY.sub("", _text(lock))

    assert entries(lock)
    assert [line for line in rest.splitlines() if line.strip() and not line.strip().startswith("#")] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_says_from_where(lock: str):
    assert not re.search(r"https?:|file:|git\+|@ |index-url|find-links|trusted-host|(?<!waymark )/[a-z]+/", _text(lock))


def test_tests_run_with_what_is_served():
    served, tested = entries("requirements.lock"), entries("tests/requirements.lock")
    on_all_machines = {name: {f"{each.split(' ; ')[0]} ; " for each in versions} for name, versions in served.items()}

    others = {name: found for name, found in served.items() if tested.get(name) not in (found, on_all_machines[name])}
    assert others == {}


def test_everything_that_is_asked_for_is_locked():
    import tomllib

    project = tomllib.loads(_text("pyproject.toml"))["project"]
    asked = {re.split(r"[\s\[<>=!~;]", wanted)[0].lower().replace("_", "-") for wanted in project["dependencies"]}

    assert asked <= entries("requirements.lock").keys()


# --- nothing of the machine it was made on ---

BINARY = {".png", ".npz", ".ico", ".woff2", ".ttf", ".jpg", ".gif", ".webp", ".mp4", ".m4a", ".ogg"}
#: What a path or a host of somebody's machine looks like. Split up, so that this file is not found by itself.
OF_A_MACHINE = re.compile(
    "|".join(
        [
            r"(?<![\w./])/" + r"(?:work|home|root|Users|mnt|tmp/w)" + r"/",
            r"(?<=[\w-])\." + r"(?:internal|local|lan|corp)(?::\d+)?/",
            "arti" + "factory|nex" + "us[.-]|pypi" + r"\.org|files\.python" + "hosted",
            r"(?<!\d)(?:10|192\.168)" + r"\.\d+\.\d+\.\d+:\d+",
        ]
    )
)


def committed_files() -> list[Path]:
    """What is or would be committed; all files where this is no checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    names = listed.stdout.splitlines() if listed.returncode == 0 else []
    paths = [ROOT / name for name in names] or [
        path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts and "var" not in path.parts
    ]
    return [path for path in paths if path.is_file() and path.suffix not in BINARY]


def test_no_file_names_a_path_or_a_host_of_somebodys_machine():
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in committed_files()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if OF_A_MACHINE.search(line)
    ]

    assert found == []
