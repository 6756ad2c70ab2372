"""Partners across a border, their keys and ours, and the letters that go to and fro."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_partners",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("skeleton", sa.String(length=400), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("deployment", sa.String(length=64), nullable=True),
        sa.Column("endpoint", sa.String(length=300), nullable=True),
        sa.Column("fetch", sa.Boolean(), nullable=False),
        sa.Column("our_kid", sa.String(length=64), nullable=True),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("seen_seq", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_partners")),
        sa.UniqueConstraint("skeleton", name=op.f("uq_exchange_partners_skeleton")),
        sa.UniqueConstraint("deployment", name=op.f("uq_exchange_partners_deployment")),
    )
    op.create_index("ix_exchange_partners_country", "exchange_partners", ["country"])
    op.create_table(
        "exchange_partner_keys",
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("partner_id", sa.String(length=36), nullable=False),
        sa.Column("sign_public", sa.LargeBinary(), nullable=False),
        sa.Column("seal_public", sa.LargeBinary(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("signatures", sa.Text(), nullable=False),
        sa.Column("vouched_by", sa.String(length=64), nullable=True),
        sa.Column("vouch_mark", sa.String(length=64), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["partner_id"],
            ["exchange_partners.id"],
            name=op.f("fk_exchange_partner_keys_partner_id_exchange_partners"),
        ),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_exchange_partner_keys")),
    )
    op.create_index(op.f("ix_exchange_partner_keys_partner_id"), "exchange_partner_keys", ["partner_id"])
    op.create_table(
        "exchange_own_keys",
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("deployment", sa.String(length=64), nullable=False),
        sa.Column("sign_public", sa.LargeBinary(), nullable=False),
        sa.Column("seal_public", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(length=36), nullable=False),
        sa.Column("private", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("vouched", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_exchange_own_keys")),
    )
    op.create_table(
        "exchange_focal_points",
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("partner_id", sa.String(length=36), nullable=True),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"],
            ["exchange_partners.id"],
            name=op.f("fk_exchange_focal_points_partner_id_exchange_partners"),
        ),
        sa.PrimaryKeyConstraint("country", name=op.f("pk_exchange_focal_points")),
    )
    op.create_table(
        "exchange_letters",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("partner_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("request_type", sa.String(length=40), nullable=True),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("data_classes", sa.Text(), nullable=False),
        sa.Column("consent_ref", sa.String(length=80), nullable=True),
        sa.Column("in_reply_to", sa.String(length=36), nullable=True),
        sa.Column("key_id", sa.String(length=36), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("state_at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["exchange_partners.id"], name=op.f("fk_exchange_letters_partner_id_exchange_partners")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_letters")),
        sa.UniqueConstraint("partner_id", "seq", name="uq_exchange_letters_partner_id_seq"),
    )
    op.create_index("ix_exchange_letters_state", "exchange_letters", ["state", "next_attempt_at"])
    op.create_table(
        "exchange_received",
        sa.Column("partner_id", sa.String(length=36), nullable=False),
        sa.Column("envelope_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["exchange_partners.id"], name=op.f("fk_exchange_received_partner_id_exchange_partners")
        ),
        sa.PrimaryKeyConstraint("partner_id", "envelope_id", name=op.f("pk_exchange_received")),
        sa.UniqueConstraint("partner_id", "seq", name="uq_exchange_received_partner_id_seq"),
    )
    op.create_index("ix_exchange_received_state", "exchange_received", ["state", "next_attempt_at"])
    op.create_table(
        "exchange_gaps",
        sa.Column("partner_id", sa.String(length=36), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("noticed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["exchange_partners.id"], name=op.f("fk_exchange_gaps_partner_id_exchange_partners")
        ),
        sa.PrimaryKeyConstraint("partner_id", "first", name=op.f("pk_exchange_gaps")),
    )


def downgrade() -> None:
    op.drop_table("exchange_gaps")
    op.drop_index("ix_exchange_received_state", table_name="exchange_received")
    op.drop_table("exchange_received")
    op.drop_index("ix_exchange_letters_state", table_name="exchange_letters")
    op.drop_table("exchange_letters")
    op.drop_table("exchange_focal_points")
    op.drop_table("exchange_own_keys")
    op.drop_index(op.f("ix_exchange_partner_keys_partner_id"), table_name="exchange_partner_keys")
    op.drop_table("exchange_partner_keys")
    op.drop_index("ix_exchange_partners_country", table_name="exchange_partners")
    op.drop_table("exchange_partners")
