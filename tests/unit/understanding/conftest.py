"""The real understanding, learnt once and kept beside the program's other data."""

from pathlib import Path

import pytest

from dialogues.understanding import learnt_folder
from dialogues.understanding.reading import Understanding

ROOT = Path(__file__).parents[3]
PROJECT = ROOT / "dialogues"


@pytest.fixture(scope="session")
def understanding() -> Understanding:
    return Understanding.load(PROJECT, learnt_folder(ROOT / "var" / "understanding"))


@pytest.fixture
def small_project(tmp_path: Path) -> Path:
    """A dialogue project of a few sentences: learnt in an instant, without the embedder."""
    (tmp_path / "nlu").mkdir()
    (tmp_path / "safety").mkdir()
    (tmp_path / "nlu" / "talk.en.yml").write_text(
        """version: "3.1"
nlu:
- intent: greet
  examples: |
    - hello
    - hello there
    - good morning
- intent: procedure/adult_with_child
  examples: |
    - how do I check the uncle
    - verify the aunt of a child
- intent: search_service/shelter
  examples: |
    - a place to sleep in [Calais](place)
    - I need a bed
""",
        encoding="utf-8",
    )
    (tmp_path / "safety" / "immediate_danger.yml").write_text(
        """code: immediate_danger
words:
  en:
    P0: |
      has .. (knife|gun)
    P1: |
      =help
examples:
  en:
    P0: |
      he has a knife
      a man with a gun is outside
    P1: |
      i am scared
""",
        encoding="utf-8",
    )
    (tmp_path / "safety" / "harmless.yml").write_text(
        """harmless:
  en:
    games: |
      we play football
      the film was long
context:
  harmless:
    en: |
      (game|film)
  negation:
    en: |
      (no|not)
""",
        encoding="utf-8",
    )
    return tmp_path
