"""What was passed on may be what a partner answered, and not only what it asked about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("of_answer", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("exchange_passings", column)


def downgrade() -> None:
    op.drop_column("exchange_passings", "of_answer")
