"""A hold can stand for the sake of somebody of the same family or household and remembers whose; and two people can say
of somebody that they only bear the name of an adult with whom the child may not go."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("holds", sa.Column("origin_id", sa.String(length=36), nullable=True))
    op.create_table(
        "namesakes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("dossier_id", sa.String(length=36), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("first_id", sa.String(length=36), nullable=False),
        sa.Column("first_body", sa.String(length=120), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("second_id", sa.String(length=36), nullable=True),
        sa.Column("second_body", sa.String(length=120), nullable=True),
        sa.Column("second_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.String(length=36), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("once", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["dossier_id"], ["adult_dossiers.id"], name=op.f("fk_namesakes_dossier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_namesakes")),
        sa.UniqueConstraint("once", name=op.f("uq_namesakes_once")),
    )
    op.create_index(op.f("ix_namesakes_dossier_id"), "namesakes", ["dossier_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_namesakes_dossier_id"), table_name="namesakes")
    op.drop_table("namesakes")
    op.drop_column("holds", "origin_id")
