"""Partners without Waymark: who called their contact, links to requests, and files that come back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_contact_signatures",
        sa.Column("partner_id", sa.String(length=36), nullable=False),
        sa.Column("officer_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["exchange_partners.id"], name=op.f("fk_exchange_contact_signatures_partner_id")
        ),
        sa.PrimaryKeyConstraint("partner_id", "officer_id", name=op.f("pk_exchange_contact_signatures")),
    )
    op.create_table(
        "exchange_links",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("partner_id", sa.String(length=36), nullable=False),
        sa.Column("made_by", sa.String(length=36), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("token_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("reply_hash", sa.String(length=64), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("views", sa.Integer(), nullable=False),
        sa.Column("mail", sa.String(length=12), nullable=False),
        sa.Column("mail_attempt", sa.Integer(), nullable=False),
        sa.Column("mail_next_at", sa.BigInteger(), nullable=True),
        sa.Column("mailed_at", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["partner_id"], ["exchange_partners.id"], name=op.f("fk_exchange_links_partner_id")),
        sa.ForeignKeyConstraint(["request_id"], ["exchange_requests.id"], name=op.f("fk_exchange_links_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_links")),
        sa.UniqueConstraint("reply_hash", name=op.f("uq_exchange_links_reply_hash")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_exchange_links_token_hash")),
    )
    op.create_index(op.f("ix_exchange_links_request_id"), "exchange_links", ["request_id"], unique=False)
    op.create_index("ix_exchange_links_mail", "exchange_links", ["mail", "mail_next_at"], unique=False)
    op.create_table(
        "exchange_link_files",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("link_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["link_id"], ["exchange_links.id"], name=op.f("fk_exchange_link_files_link_id")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["exchange_requests.id"], name=op.f("fk_exchange_link_files_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_link_files")),
    )
    op.create_index(op.f("ix_exchange_link_files_request_id"), "exchange_link_files", ["request_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_exchange_link_files_request_id"), table_name="exchange_link_files")
    op.drop_table("exchange_link_files")
    op.drop_index("ix_exchange_links_mail", table_name="exchange_links")
    op.drop_index(op.f("ix_exchange_links_request_id"), table_name="exchange_links")
    op.drop_table("exchange_links")
    op.drop_table("exchange_contact_signatures")
