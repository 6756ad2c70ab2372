"""A table by which services are found near a point, filled when the program starts next; and more about services."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


#: Nullable, so that the release before this one can go on writing.
MORE = (
    ("directory_services", "pregnant", sa.Boolean()),
    ("directory_services", "disability", sa.Boolean()),
    ("directory_services", "nationalities", sa.Text()),
    ("directory_services", "status_required", sa.Text()),
    ("directory_services", "staff_genders", sa.Text()),
    ("directory_services", "areas", sa.Text()),
    ("directory_services", "capacity_available", sa.Integer()),
    ("directory_services", "capacity_maximum", sa.Integer()),
    ("directory_services", "capacity_at", sa.BigInteger()),
    ("directory_services", "referral", sa.Text()),
    ("directory_locations", "accessibility", sa.Text()),
)


def upgrade() -> None:
    for table, column, kind in MORE:
        op.add_column(table, sa.Column(column, kind, nullable=True))
    op.create_table(
        "directory_search",
        sa.Column("need", sa.String(length=32), nullable=False),
        sa.Column("cell", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("service_id", sa.String(length=36), nullable=False),
        sa.Column("location_id", sa.String(length=36), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("confidential", sa.Boolean(), nullable=False),
        sa.Column("physical", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=False),
        sa.Column("minimum_age", sa.Integer(), nullable=True),
        sa.Column("maximum_age", sa.Integer(), nullable=True),
        sa.Column("girls", sa.Boolean(), nullable=False),
        sa.Column("boys", sa.Boolean(), nullable=False),
        sa.Column("papers_needed", sa.Boolean(), nullable=True),
        sa.Column("free", sa.Boolean(), nullable=True),
        sa.Column("pregnant", sa.Boolean(), nullable=True),
        sa.Column("disability", sa.Boolean(), nullable=True),
        sa.Column("nationalities", sa.Text(), nullable=False),
        sa.Column("staff_genders", sa.Text(), nullable=False),
        sa.Column("full_until", sa.BigInteger(), nullable=True),
        sa.Column("languages", sa.Text(), nullable=False),
        sa.Column("opening", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_id"], ["directory_services.id"], name=op.f("fk_directory_search_service_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("need", "cell", "service_id", "location_id", name=op.f("pk_directory_search")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_directory_search_service_id", "directory_search", ["service_id"], unique=False)

    op.create_table(
        "directory_provider_links",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("service_id", sa.String(length=36), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["directory_services.id"],
            name=op.f("fk_directory_provider_links_service_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_directory_provider_links")),
    )
    op.create_index(
        op.f("ix_directory_provider_links_service_id"), "directory_provider_links", ["service_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_directory_provider_links_service_id"), table_name="directory_provider_links")
    op.drop_table("directory_provider_links")
    op.drop_index("ix_directory_search_service_id", table_name="directory_search")
    op.drop_table("directory_search")
    for table, column, _kind in reversed(MORE):
        op.drop_column(table, column)
