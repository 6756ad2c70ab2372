"""Hours and numbers of single places of a service, weeks of a season, and more texts in other languages.

NULL, in every one of them: as it was before there was a column for it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

#: The rows of single places, which say nothing without their column.
_OF_PLACES = ("directory_schedules", "directory_special_days", "directory_phones")
_TEXTS = ("directory_organizations", "directory_organization_drafts")


def upgrade() -> None:
    for table in _OF_PLACES:
        op.add_column(table, sa.Column("location_id", sa.String(36), nullable=True))
    op.add_column("directory_services_at_locations", sa.Column("zone", sa.String(64), nullable=True))
    op.add_column("directory_schedules", sa.Column("season", sa.Integer(), nullable=True))
    op.add_column("directory_schedules", sa.Column("valid_from", sa.Date(), nullable=True))
    op.add_column("directory_schedules", sa.Column("valid_to", sa.Date(), nullable=True))
    op.add_column("directory_locations", sa.Column("directions_in", sa.Text(), nullable=True))
    for table in _TEXTS:
        op.add_column(table, sa.Column("language", sa.String(12), nullable=True))
        op.add_column(table, sa.Column("descriptions", sa.Text(), nullable=True))


def downgrade() -> None:
    # Without the column they would be taken for hours and numbers of the service wherever it is: nobody is sent to a
    # shut door by what is not there.
    op.execute("DELETE FROM directory_schedules WHERE location_id IS NOT NULL OR season IS NOT NULL")
    op.execute("DELETE FROM directory_special_days WHERE location_id IS NOT NULL")
    op.execute("DELETE FROM directory_phones WHERE location_id IS NOT NULL")
    for table in _TEXTS:
        op.drop_column(table, "descriptions")
        op.drop_column(table, "language")
    op.drop_column("directory_locations", "directions_in")
    op.drop_column("directory_schedules", "valid_to")
    op.drop_column("directory_schedules", "valid_from")
    op.drop_column("directory_schedules", "season")
    op.drop_column("directory_services_at_locations", "zone")
    for table in _OF_PLACES:
        op.drop_column(table, "location_id")
