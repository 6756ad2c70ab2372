"""Replies that could not reach somebody are found by their conversation, when that person writes again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

UNREACHED = sa.text("state = 'dead' AND cause IN ('blocked', 'chat_not_found')")


def upgrade() -> None:
    op.create_index(
        op.f("ix_outbox_unreached"),
        "outbox",
        ["conversation_id"],
        sqlite_where=UNREACHED,
        postgresql_where=UNREACHED,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_outbox_unreached"), table_name="outbox")
