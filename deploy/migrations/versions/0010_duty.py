"""The queue is ordered and counted from one index; reviews of what was urgent; files opened by breaking the glass."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    columns = ["status", "priority", "due_at", "id", "owner_id", "offered_to"]
    op.create_index("ix_cases_waiting", "cases", columns, unique=False)
    op.drop_index("ix_cases_queue", table_name="cases")
    op.create_table(
        "case_reviews",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("reviewed_at", sa.BigInteger(), nullable=True),
        sa.Column("reviewed_by", sa.String(length=36), nullable=True),
        sa.Column("answers", sa.Text(), nullable=True),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_reviews_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_reviews")),
    )
    op.create_index("ix_case_reviews_due", "case_reviews", ["reviewed_at", "due_at"], unique=False)
    op.create_table(
        "case_glass",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("officer_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("why_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("seen_by", sa.String(length=36), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_glass_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_glass")),
    )
    op.create_index("ix_case_glass_case", "case_glass", ["case_id", "officer_id", "expires_at"], unique=False)
    op.create_index("ix_case_glass_seen", "case_glass", ["seen_at", "at"], unique=False)


def downgrade() -> None:
    op.drop_table("case_glass")
    op.drop_table("case_reviews")
    op.create_index("ix_cases_queue", "cases", ["status", "priority", "due_at"], unique=False)
    op.drop_index("ix_cases_waiting", table_name="cases")
