"""Who passed on what they had from a partner, and keys that a partner says are revoked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_passings",
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("passing", sa.String(length=36), nullable=False),
        sa.Column("parent", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=True),
        sa.Column("deployment", sa.String(length=64), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.Column("forgotten_at", sa.BigInteger(), nullable=True),
        sa.Column("by_phone", sa.Boolean(), nullable=False),
        sa.Column("letter", sa.String(length=80), nullable=True),
        sa.Column("tried_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_exchange_passings_case_id")),
        sa.ForeignKeyConstraint(["request_id"], ["exchange_requests.id"], name=op.f("fk_exchange_passings_request_id")),
        sa.PrimaryKeyConstraint("request_id", "passing", name=op.f("pk_exchange_passings")),
    )
    op.create_index(op.f("ix_exchange_passings_letter"), "exchange_passings", ["letter"], unique=False)
    op.create_index(op.f("ix_exchange_passings_passing"), "exchange_passings", ["passing"], unique=False)
    op.create_table(
        "exchange_key_doubts",
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("said_by", sa.String(length=36), nullable=False),
        sa.Column("partner_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("signatures", sa.Text(), nullable=False),
        sa.Column("cleared_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["exchange_partners.id"], name=op.f("fk_exchange_key_doubts_partner_id")
        ),
        sa.ForeignKeyConstraint(["said_by"], ["exchange_partners.id"], name=op.f("fk_exchange_key_doubts_said_by")),
        sa.PrimaryKeyConstraint("kid", "said_by", name=op.f("pk_exchange_key_doubts")),
    )
    op.create_index(op.f("ix_exchange_key_doubts_partner_id"), "exchange_key_doubts", ["partner_id"], unique=False)


def downgrade() -> None:
    op.drop_table("exchange_key_doubts")
    op.drop_table("exchange_passings")
