"""The queue is ordered and counted from one index; reviews of what was urgent; files opened by breaking the glass."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    columns = ["status", "priority", "due_at", "id", "owner_id", "offered_to"]
    op.create_index("ix_cases_waiting", "cases", columns, unique=False)
    op.drop_index("ix_cases_queue", table_name="cases")


def downgrade() -> None:
    op.create_index("ix_cases_queue", "cases", ["status", "priority", "due_at"], unique=False)
    op.drop_index("ix_cases_waiting", table_name="cases")
