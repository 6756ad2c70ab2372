"""Who sits on the panel of a best-interests determination, and what each of them thinks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_panel",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("member", sa.String(length=36), nullable=False),
        sa.Column("named_by", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("view_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("view_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_panel_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_panel")),
    )
    op.create_index(op.f("ix_case_panel_case_id"), "case_panel", ["case_id"], unique=False)
    op.create_index(
        "uq_case_panel_standing",
        "case_panel",
        ["member", "case_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("case_panel")
