"""Which line told a child: where it never arrived, they were not told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("case_tellings", sa.Column("line_id", sa.String(length=36), nullable=True))


def downgrade() -> None:
    op.drop_column("case_tellings", "line_id")
