"""Where officers are paged outside the desk, the pages on their way there, guests in a talk, second steps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "page_ways",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("officer_id", sa.String(length=36), nullable=False),
        sa.Column("way", sa.String(length=12), nullable=False),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("address_index", sa.String(length=64), nullable=False),
        sa.Column("session_hash", sa.String(length=64), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=True),
        sa.Column("code_expires_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name=op.f("fk_page_ways_officer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page_ways")),
    )
    op.create_index(op.f("ix_page_ways_officer_id"), "page_ways", ["officer_id"], unique=False)
    op.create_index(op.f("ix_page_ways_session_hash"), "page_ways", ["session_hash"], unique=False)
    op.create_index(
        "uq_page_ways_push",
        "page_ways",
        ["address_index"],
        unique=True,
        sqlite_where=sa.text("way = 'push'"),
        postgresql_where=sa.text("way = 'push'"),
    )
    op.create_table(
        "page_sends",
        sa.Column("key", sa.String(length=180), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("officer_id", sa.String(length=36), nullable=False),
        sa.Column("way_id", sa.String(length=36), nullable=False),
        sa.Column("way", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("doubts", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=20), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_page_sends_case_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_page_sends")),
    )
    op.create_index(op.f("ix_page_sends_case_id"), "page_sends", ["case_id"], unique=False)
    op.create_index("ix_page_sends_next_at", "page_sends", ["way", "next_at"], unique=False)
    op.create_index(op.f("ix_page_sends_way_id"), "page_sends", ["way_id"], unique=False)
    op.create_table(
        "case_guests",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("conversation_id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("from_seq", sa.Integer(), nullable=False),
        sa.Column("invited_by", sa.String(length=36), nullable=False),
        sa.Column("invited_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("reply_hash", sa.String(length=64), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("views", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_guests_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_guests")),
        sa.UniqueConstraint("reply_hash", name=op.f("uq_case_guests_reply_hash")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_case_guests_token_hash")),
    )
    op.create_index(op.f("ix_case_guests_case_id"), "case_guests", ["case_id"], unique=False)
    op.create_table(
        "case_guest_lines",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("guest_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("about_seq", sa.Integer(), nullable=True),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("once", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_guest_lines_case_id")),
        sa.ForeignKeyConstraint(["guest_id"], ["case_guests.id"], name=op.f("fk_case_guest_lines_guest_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_guest_lines")),
        sa.UniqueConstraint("once", name=op.f("uq_case_guest_lines_once")),
    )
    op.create_index(op.f("ix_case_guest_lines_case_id"), "case_guest_lines", ["case_id"], unique=False)
    op.create_table(
        "case_unlocks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("officer_id", sa.String(length=36), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_unlocks_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_unlocks")),
    )
    op.create_index("ix_case_unlocks_at", "case_unlocks", ["at"], unique=False)
    op.create_index("ix_case_unlocks_case", "case_unlocks", ["case_id", "officer_id", "expires_at"], unique=False)


def downgrade() -> None:
    op.drop_table("case_unlocks")
    op.drop_table("case_guest_lines")
    op.drop_table("case_guests")
    op.drop_table("page_sends")
    op.drop_table("page_ways")
