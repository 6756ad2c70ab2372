"""Who agreed to be told when a question is answered, or when a rule they were given changes. Sealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "askers",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("conversation_index", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=36), nullable=False),
        sa.Column("conversation_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("procedure", sa.String(length=60), nullable=False),
        sa.Column("about", sa.String(length=20), nullable=False),
        sa.Column("audience", sa.String(length=10), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("given", sa.String(length=16), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_askers")),
        sa.UniqueConstraint(
            "conversation_index", "procedure", "about", name=op.f("uq_askers_conversation_index_procedure_about")
        ),
    )


def downgrade() -> None:
    op.drop_table("askers")
