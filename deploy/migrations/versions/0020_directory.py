"""What searches read knows the areas that a service serves. NULL until the next start writes the table anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("directory_search", sa.Column("areas", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("directory_search", "areas")
