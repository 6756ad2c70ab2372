"""With which adult a child is referred, where one goes along. Null in what is there: the child goes alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("referrals", sa.Column("adult_id", sa.String(length=36), nullable=True))


def downgrade() -> None:
    op.drop_column("referrals", "adult_id")
