"""The master key is made once, read by its owner alone, and never made where another sealed something."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.kernel.crypto import Vault, WrongMasterKey, data_keys
from bot.kernel.database import open_database
from bot.kernel.master_key import master_key_bytes, old_master_key_bytes
from bot.kernel.settings import load_settings

KEY = bytes(range(32))


@pytest.mark.parametrize(
    "written", [KEY.hex(), base64.b64encode(KEY).decode(), base64.urlsafe_b64encode(KEY).decode().rstrip("=")]
)
def test_the_master_key_may_be_written_in_hex_or_base64(written: str):
    assert master_key_bytes(load_settings({"WAYMARK_MASTER_KEY": written})) == KEY
    assert old_master_key_bytes(load_settings({"WAYMARK_OLD_MASTER_KEY": written})) == KEY


def test_a_master_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path):
    settings = load_settings({"WAYMARK_DATA_DIR": str(tmp_path / "data")})

    key = master_key_bytes(settings)

    assert len(key) == 32
    assert master_key_bytes(settings) == key
    assert (tmp_path / "data" / "master.key").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["master.key"]


async def test_no_key_is_made_where_something_was_sealed_with_another(tmp_path: Path):
    settings = load_settings({"WAYMARK_DATA_DIR": str(tmp_path)})
    database = open_database(settings.database_url)
    await database.write(data_keys.create)  # migrated, and nothing in it yet
    key = master_key_bytes(settings)
    await database.write(lambda tx: Vault(key).prepare(tx, datetime(2026, 11, 23, tzinfo=UTC)))
    (tmp_path / "master.key").unlink()

    with pytest.raises(WrongMasterKey, match=r"is missing.*Put that file back"):
        master_key_bytes(settings)
    assert not (tmp_path / "master.key").exists()
    await database.close()


def test_no_key_is_made_beside_a_database_that_cannot_be_read(tmp_path: Path):
    (tmp_path / "waymark.db").write_bytes(b"something")

    with pytest.raises(WrongMasterKey):
        master_key_bytes(load_settings({"WAYMARK_DATA_DIR": str(tmp_path)}))


def test_no_key_is_made_where_the_caller_knows_better(tmp_path: Path):
    with pytest.raises(WrongMasterKey):
        master_key_bytes(load_settings({"WAYMARK_DATA_DIR": str(tmp_path)}), may_make=False)


def test_a_key_file_others_can_read_is_refused(tmp_path: Path):
    settings = load_settings({"WAYMARK_DATA_DIR": str(tmp_path)})
    master_key_bytes(settings)
    (tmp_path / "master.key").chmod(0o640)

    with pytest.raises(WrongMasterKey, match="chmod 600"):
        master_key_bytes(settings)


def test_a_cut_or_guessable_key_is_refused(tmp_path: Path):
    settings = load_settings({"WAYMARK_DATA_DIR": str(tmp_path)})
    master_key_bytes(settings)
    (tmp_path / "master.key").write_text("half")

    with pytest.raises(WrongMasterKey, match="does not hold a key"):
        master_key_bytes(settings)
    with pytest.raises(WrongMasterKey, match="guess"):
        master_key_bytes(load_settings({"WAYMARK_MASTER_KEY": "00" * 32}))
