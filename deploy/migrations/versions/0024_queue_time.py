"""How long people waited lately is read from an index of its own."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_cases_opened", "cases", ["priority", "opened_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_cases_opened", table_name="cases")
