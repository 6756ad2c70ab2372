"""Edits of the texts, and the register of questions that had no answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "text_edits",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("file", sa.String(length=120), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("author_id", sa.String(length=36), nullable=False),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.String(length=36), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_edits")),
    )
    for name, state in (("uq_text_edits_draft", "draft"), ("uq_text_edits_approved", "approved")):
        op.create_index(
            name,
            "text_edits",
            ["file"],
            unique=True,
            sqlite_where=sa.text(f"state = '{state}'"),
            postgresql_where=sa.text(f"state = '{state}'"),
        )
    op.create_table(
        "gaps",
        sa.Column("procedure", sa.String(length=60), nullable=False),
        sa.Column("why", sa.String(length=20), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("audience", sa.String(length=10), nullable=False),
        sa.Column("askers", sa.Integer(), nullable=False),
        sa.Column("last_asked", sa.Date(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("procedure", "why", "language", "country", "audience", name=op.f("pk_gaps")),
    )


def downgrade() -> None:
    op.drop_table("gaps")
    op.drop_index("uq_text_edits_approved", table_name="text_edits")
    op.drop_index("uq_text_edits_draft", table_name="text_edits")
    op.drop_table("text_edits")
