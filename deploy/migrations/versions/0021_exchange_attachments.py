"""Files that travel with a request between two countries, in parts, and the letters that carry them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_attachments",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("ours", sa.Boolean(), nullable=False),
        sa.Column("ref", sa.String(length=36), nullable=False),
        sa.Column("line", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("data_class", sa.String(length=20), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("officer_id", sa.String(length=36), nullable=True),
        sa.Column("source_id", sa.String(length=36), nullable=True),
        sa.Column("original", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("about_sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"], ["exchange_requests.id"], name=op.f("fk_exchange_attachments_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_attachments")),
        sa.UniqueConstraint("request_id", "ours", "ref", name="uq_exchange_attachments_ref"),
    )
    op.create_index("ix_exchange_attachments_expires_at", "exchange_attachments", ["expires_at"], unique=False)
    op.create_table(
        "exchange_attachment_parts",
        sa.Column("attachment_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("envelope_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["exchange_attachments.id"], name=op.f("fk_exchange_attachment_parts_attachment_id")
        ),
        sa.PrimaryKeyConstraint("attachment_id", "number", name=op.f("pk_exchange_attachment_parts")),
    )
    op.create_index(
        op.f("ix_exchange_attachment_parts_envelope_id"), "exchange_attachment_parts", ["envelope_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("exchange_attachment_parts")
    op.drop_table("exchange_attachments")
