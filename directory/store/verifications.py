"""Who checked a record, when and how."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from directory.model import Verification
from directory.store.reading import get_services
from directory.store.search import note_for_search
from directory.store.tables import services, verifications


def add_verification(tx: Connection, service_id: str, verification: Verification, *, row_id: str) -> None:
    """Keep who checked what, and make it the record's latest unless a later check is known already."""
    kept = {
        "id": row_id,
        "service_id": service_id,
        "at": verification.at,
        "by": verification.by,
        "method": verification.method.value,
        "source": verification.source,
    }
    tx.execute(verifications.insert().values(kept))
    tx.execute(
        services.update()
        .where(
            services.c.id == service_id,
            sa.or_(services.c.verified_at.is_(None), services.c.verified_at <= verification.at),
        )
        .values(
            verified_at=verification.at,
            verified_by=verification.by,
            verification_method=verification.method.value,
            verification_source=verification.source,
            modified_at=verification.at,
        )
    )
    note_for_search(tx, get_services(tx, [service_id]))


def clear_verification(tx: Connection, service_id: str, *, at: datetime) -> None:
    """As if nobody had checked the record. The checks themselves stay in its history."""
    nobody: dict[str, Any] = dict.fromkeys(("verified_at", "verified_by", "verification_method", "verification_source"))
    tx.execute(services.update().where(services.c.id == service_id).values({**nobody, "modified_at": at}))
    note_for_search(tx, get_services(tx, [service_id]))
