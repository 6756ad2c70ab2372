"""How far a person has read what officers wrote, and whether they show it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reading_marks",
        sa.Column("conversation_id", sa.String(length=36), nullable=False),
        sa.Column("read_seq", sa.Integer(), nullable=True),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", name=op.f("pk_reading_marks")),
    )


def downgrade() -> None:
    op.drop_table("reading_marks")
