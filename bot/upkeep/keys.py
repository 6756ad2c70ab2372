"""A new master key."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from bot.cases.auditor import look_at_watch
from bot.foreground import CannotDo
from bot.kernel import audit
from bot.kernel.clock import SystemClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, open_database
from bot.kernel.master_key import MASTER_KEY_FILE, master_key_bytes, old_master_key_bytes
from bot.kernel.migrations import current
from bot.kernel.settings import Settings
from bot.upkeep.installation import COMMAND


async def rotate_master_key(settings: Settings) -> str:
    """Wrap every data key under WAYMARK_MASTER_KEY; WAYMARK_OLD_MASTER_KEY still opens them. One transaction.

    No server may run meanwhile: it would go on wrapping new keys under the old master key.
    """
    from bot.alone import alone_on

    path = settings.data_dir / MASTER_KEY_FILE
    old_key, new_key = old_master_key_bytes(settings), settings.master_key.value
    if old_key is None or not new_key:
        kept = f"WAYMARK_OLD_MASTER_KEY_FILE={path}" if path.exists() else "WAYMARK_OLD_MASTER_KEY to the key in use"
        raise CannotDo(
            "make a new key with: openssl rand -base64 32 > new.key; then run this again with "
            f"{kept} and WAYMARK_MASTER_KEY_FILE=new.key"
        )
    if old_key == master_key_bytes(settings):
        raise CannotDo("the old and the new master key are the same")
    with alone_on(settings.database_url):
        database = open_database(settings.database_url)
        try:
            count = await _wrap_anew(database, Vault(old_key), Vault(master_key_bytes(settings)))
        finally:
            await database.close()
    put = f"Put it into {path} (nobody else may read that file). " if path.exists() else ""
    return (
        f"{count} keys are wrapped under the new master key. {put}Start the server with it, keep the old key apart "
        "for as long as backups made before today are kept, then destroy it."
    )


async def _wrap_anew(database: Database, old: Vault, new: Vault) -> int:
    at = SystemClock().now()

    def work(tx: Connection) -> int:
        if current(tx) is None:
            raise CannotDo("this database is empty: there is nothing to wrap anew")
        if database.dialect != "sqlite" and look_at_watch(tx, at=at).alive:
            raise CannotDo("a server is running on this database: stop every one, and run this three minutes later")
        count = new.rewrap_from(tx, old)
        new.prepare(tx, at)
        audit.append(tx, new, at=at, actor=COMMAND, act="keys.rotated", object="keys", facts={"keys": count})
        return count

    return await database.write(work)
