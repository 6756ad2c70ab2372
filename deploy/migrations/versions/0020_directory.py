"""Searches know the areas that a service serves, and when everything was last looked through for duplicates.

The areas are NULL until the next start writes the table that searches read anew.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("directory_search", sa.Column("areas", sa.Text(), nullable=True))
    op.create_table(
        "directory_looks",
        sa.Column("look", sa.String(length=16), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=True),
        sa.Column("begun_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("services", sa.Integer(), nullable=False),
        sa.Column("newest", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("look", name=op.f("pk_directory_looks")),
    )


def downgrade() -> None:
    op.drop_table("directory_looks")
    op.drop_column("directory_search", "areas")
