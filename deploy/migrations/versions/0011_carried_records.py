"""Records a child carries: sheets, copies, and documents that were brought."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "carried_sheets",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("record_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("officer_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("replaced_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_carried_sheets_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carried_sheets")),
    )
    op.create_index(
        "uq_carried_sheets_present",
        "carried_sheets",
        ["case_id", "kind"],
        unique=True,
        sqlite_where=sa.text("replaced_at IS NULL"),
        postgresql_where=sa.text("replaced_at IS NULL"),
    )
    op.create_table(
        "carried_copies",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("consent_id", sa.String(length=36), nullable=False),
        sa.Column("record_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("issuer", sa.String(length=200), nullable=False),
        sa.Column("made_by", sa.String(length=36), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_carried_copies_case_id")),
        sa.ForeignKeyConstraint(["consent_id"], ["consents.id"], name=op.f("fk_carried_copies_consent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carried_copies")),
    )
    op.create_index(op.f("ix_carried_copies_case_id"), "carried_copies", ["case_id"], unique=False)
    op.create_table(
        "carried_documents",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("brought_by", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("put_away_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_carried_documents_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carried_documents")),
    )
    op.create_index(op.f("ix_carried_documents_case_id"), "carried_documents", ["case_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_carried_documents_case_id"), table_name="carried_documents")
    op.drop_table("carried_documents")
    op.drop_index(op.f("ix_carried_copies_case_id"), table_name="carried_copies")
    op.drop_table("carried_copies")
    op.drop_index(
        "uq_carried_sheets_present",
        table_name="carried_sheets",
        sqlite_where=sa.text("replaced_at IS NULL"),
        postgresql_where=sa.text("replaced_at IS NULL"),
    )
    op.drop_table("carried_sheets")
