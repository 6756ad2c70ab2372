"""A safe place's address that waits for a second person, and who opened one for which case."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "directory_safe_place_changes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("service_id", sa.String(length=36), nullable=False),
        sa.Column("what", sa.String(length=12), nullable=False),
        sa.Column("why", sa.String(length=20), nullable=False),
        sa.Column("key_id", sa.String(length=36), nullable=True),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("latitude_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("longitude_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("proposed_by", sa.String(length=36), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=True),
        sa.Column("ended_by", sa.String(length=36), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("note_key_id", sa.String(length=36), nullable=True),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["directory_services.id"],
            name=op.f("fk_directory_safe_place_changes_service_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_safe_place_changes")),
    )
    op.create_index(op.f("ix_directory_safe_place_changes_service_id"), "directory_safe_place_changes", ["service_id"])
    op.create_index(
        "uq_directory_safe_place_changes_waiting",
        "directory_safe_place_changes",
        ["service_id"],
        unique=True,
        sqlite_where=sa.text("outcome IS NULL"),
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.create_table(
        "case_address_openings",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("referral_id", sa.String(length=36), nullable=False),
        sa.Column("service_id", sa.String(length=36), nullable=False),
        sa.Column("officer_id", sa.String(length=36), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("why_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("once", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_address_openings_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_address_openings")),
        sa.UniqueConstraint("once", name=op.f("uq_case_address_openings_once")),
    )
    op.create_index("ix_case_address_openings_case", "case_address_openings", ["case_id"])
    op.create_index("ix_case_address_openings_at", "case_address_openings", ["at"])


def downgrade() -> None:
    op.drop_table("case_address_openings")
    op.drop_table("directory_safe_place_changes")
