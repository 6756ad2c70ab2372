"""A hold can stand for the sake of a brother, a sister or somebody of the household: it remembers whose."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("holds", sa.Column("origin_id", sa.String(length=36), nullable=True))


def downgrade() -> None:
    op.drop_column("holds", "origin_id")
