"""When a person may be written to, and officers' answers that wait for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversations", sa.Column("safe_contact_sealed", sa.LargeBinary(), nullable=True))
    op.create_table(
        "waiting_answers",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("officer_id", sa.String(length=36), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_waiting_answers_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting_answers")),
    )
    op.create_index(op.f("ix_waiting_answers_case_id"), "waiting_answers", ["case_id"], unique=False)
    op.create_index(op.f("ix_waiting_answers_due_at"), "waiting_answers", ["due_at"], unique=False)


def downgrade() -> None:
    op.drop_table("waiting_answers")
    with op.batch_alter_table("conversations") as table:
        table.drop_column("safe_contact_sealed")
