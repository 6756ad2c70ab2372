"""Records that may be one service, and those that were merged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "directory_duplicates",
        sa.Column("first_id", sa.String(length=36), nullable=False),
        sa.Column("second_id", sa.String(length=36), nullable=False),
        sa.Column("likeness", sa.Integer(), nullable=False),
        sa.Column("signs", sa.Text(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("told_apart_at", sa.BigInteger(), nullable=True),
        sa.Column("told_apart_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["first_id"], ["directory_services.id"], name=op.f("fk_directory_duplicates_first_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["second_id"], ["directory_services.id"], name=op.f("fk_directory_duplicates_second_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("first_id", "second_id", name=op.f("pk_directory_duplicates")),
    )
    op.create_index(op.f("ix_directory_duplicates_second_id"), "directory_duplicates", ["second_id"], unique=False)
    op.create_table(
        "directory_merged",
        sa.Column("service_id", sa.String(length=36), nullable=False),
        sa.Column("into_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_id"], ["directory_services.id"], name=op.f("fk_directory_merged_service_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["into_id"], ["directory_services.id"], name=op.f("fk_directory_merged_into_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("service_id", name=op.f("pk_directory_merged")),
    )
    op.create_index(op.f("ix_directory_merged_into_id"), "directory_merged", ["into_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_directory_merged_into_id"), table_name="directory_merged")
    op.drop_table("directory_merged")
    op.drop_index(op.f("ix_directory_duplicates_second_id"), table_name="directory_duplicates")
    op.drop_table("directory_duplicates")
