"""Every place that somebody named, where there was more than one; and the cases of a conversation are found at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_places",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("place_sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_places_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_places")),
    )
    op.create_index(op.f("ix_case_places_case_id"), "case_places", ["case_id"])
    op.create_index("ix_cases_conversation", "cases", ["conversation_id"])


def downgrade() -> None:
    op.drop_index("ix_cases_conversation", table_name="cases")
    op.drop_index(op.f("ix_case_places_case_id"), table_name="case_places")
    op.drop_table("case_places")
