"""What two people said of a held adult whom a request likely names: that the child does not go with them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "named_adults",
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("dossier_id", sa.String(length=36), nullable=False),
        sa.Column("first_id", sa.String(length=36), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("second_id", sa.String(length=36), nullable=True),
        sa.Column("second_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["dossier_id"], ["adult_dossiers.id"], name=op.f("fk_named_adults_dossier_id")),
        sa.ForeignKeyConstraint(["request_id"], ["exchange_requests.id"], name=op.f("fk_named_adults_request_id")),
        sa.PrimaryKeyConstraint("request_id", "dossier_id", name=op.f("pk_named_adults")),
    )


def downgrade() -> None:
    op.drop_table("named_adults")
