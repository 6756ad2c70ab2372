"""Cases on their way to another deployment, and brothers and sisters who travel together."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ON_ITS_WAY = "giver AND state != 'stayed'"


def upgrade() -> None:
    op.create_table(
        "case_transfers",
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("giver", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("group_id", sa.String(length=36), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("band", sa.String(length=8), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("hold", sa.Boolean(), nullable=False),
        sa.Column("wanted_by", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=True),
        sa.Column("handed_at", sa.BigInteger(), nullable=True),
        sa.Column("moved_at", sa.BigInteger(), nullable=True),
        sa.Column("arrival_due_at", sa.BigInteger(), nullable=True),
        sa.Column("arrived_at", sa.BigInteger(), nullable=True),
        sa.Column("missed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_transfers_case_id")),
        sa.ForeignKeyConstraint(["request_id"], ["exchange_requests.id"], name=op.f("fk_case_transfers_request_id")),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_case_transfers")),
    )
    op.create_index(op.f("ix_case_transfers_case_id"), "case_transfers", ["case_id"], unique=False)
    op.create_index(op.f("ix_case_transfers_group_id"), "case_transfers", ["group_id"], unique=False)
    op.create_index(
        "uq_case_transfers_given",
        "case_transfers",
        ["case_id"],
        unique=True,
        sqlite_where=sa.text(ON_ITS_WAY),
        postgresql_where=sa.text(ON_ITS_WAY),
    )
    op.create_table(
        "sibling_cases",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("family_id", sa.String(length=36), nullable=False),
        sa.Column("said_by", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_sibling_cases_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_sibling_cases")),
    )
    op.create_index(op.f("ix_sibling_cases_family_id"), "sibling_cases", ["family_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_sibling_cases_family_id"), table_name="sibling_cases")
    op.drop_table("sibling_cases")
    op.drop_index(
        "uq_case_transfers_given",
        table_name="case_transfers",
        sqlite_where=sa.text(ON_ITS_WAY),
        postgresql_where=sa.text(ON_ITS_WAY),
    )
    op.drop_index(op.f("ix_case_transfers_group_id"), table_name="case_transfers")
    op.drop_index(op.f("ix_case_transfers_case_id"), table_name="case_transfers")
    op.drop_table("case_transfers")
