"""Return codes, those who came back with one, and the word that says that somebody else holds the phone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversations", sa.Column("duress_words", sa.Text(), nullable=True))
    op.add_column("conversations", sa.Column("watched_since", sa.BigInteger(), nullable=True))
    op.add_column("conversations", sa.Column("shown_from", sa.Integer(), nullable=True))
    op.create_table(
        "case_receipts",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("receipt_index", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_receipts_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_receipts")),
        sa.UniqueConstraint("receipt_index", name=op.f("uq_case_receipts_receipt_index")),
    )
    op.create_table(
        "receipt_tries",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("conversation_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt_tries")),
    )
    op.create_index("ix_receipt_tries_at", "receipt_tries", ["at"], unique=False)
    op.create_table(
        "case_returns",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("returning_case_id", sa.String(length=36), nullable=False),
        sa.Column("from_conversation_id", sa.String(length=36), nullable=False),
        sa.Column("conversation_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("decided_by", sa.String(length=36), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_returns_case_id")),
        sa.ForeignKeyConstraint(["returning_case_id"], ["cases.id"], name=op.f("fk_case_returns_returning_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_returns")),
    )
    op.create_index("ix_case_returns_case_id", "case_returns", ["case_id"], unique=False)
    op.create_index("ix_case_returns_returning_case_id", "case_returns", ["returning_case_id"], unique=False)
    op.create_index("ix_case_returns_conversation_id", "case_returns", ["conversation_id"], unique=False)


def downgrade() -> None:
    op.drop_table("case_returns")
    op.drop_table("receipt_tries")
    op.drop_table("case_receipts")
    for name in ("shown_from", "watched_since", "duress_words"):
        op.drop_column("conversations", name)
