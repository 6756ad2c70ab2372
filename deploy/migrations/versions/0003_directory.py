"""What people report about a service, how a partner's columns are read, and a wider index of points."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "directory_reports",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("service_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reporter", sa.String(length=64), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_id"], ["directory_services.id"], name=op.f("fk_directory_reports_service_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_reports")),
    )
    op.create_index(op.f("ix_directory_reports_service_id"), "directory_reports", ["service_id"], unique=False)
    op.create_table(
        "directory_column_mappings",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("titles", sa.Text(), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_column_mappings")),
    )

    op.drop_index("ix_directory_locations_point", table_name="directory_locations")
    op.create_index(
        "ix_directory_locations_point", "directory_locations", ["latitude", "longitude", "id"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_directory_locations_point", table_name="directory_locations")
    op.create_index("ix_directory_locations_point", "directory_locations", ["latitude", "longitude"], unique=False)
    op.drop_table("directory_column_mappings")
    op.drop_index(op.f("ix_directory_reports_service_id"), table_name="directory_reports")
    op.drop_table("directory_reports")
