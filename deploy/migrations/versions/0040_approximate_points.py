"""Whether the point of a place is the middle of its town. NULL: it is where the door is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("directory_locations", sa.Column("approximate", sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column("directory_locations", "approximate")
