"""Requests between countries and their threads, the refugee gate, dossiers of adults, and holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_situations",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("subject_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("officer_id", sa.String(length=36), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_situations")),
    )
    op.create_index("ix_exchange_situations_subject", "exchange_situations", ["subject_id", "at"], unique=False)
    op.create_table(
        "adult_dossiers",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("claimed", sa.String(length=20), nullable=False),
        sa.Column("tie", sa.String(length=20), nullable=False),
        sa.Column("opened_by", sa.String(length=36), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.String(length=36), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("once", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_adult_dossiers_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adult_dossiers")),
        sa.UniqueConstraint("once", name=op.f("uq_adult_dossiers_once")),
    )
    op.create_index(op.f("ix_adult_dossiers_case_id"), "adult_dossiers", ["case_id"], unique=False)
    op.create_table(
        "exchange_requests",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("partner_id", sa.String(length=36), nullable=False),
        sa.Column("type_key", sa.String(length=30), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=True),
        sa.Column("key_id", sa.String(length=36), nullable=False),
        sa.Column("asks", sa.Text(), nullable=False),
        sa.Column("limit_key", sa.String(length=20), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("drafted_by", sa.String(length=36), nullable=True),
        sa.Column("handler_id", sa.String(length=36), nullable=True),
        sa.Column("drafted_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("approved_by", sa.String(length=36), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("reminded", sa.Integer(), nullable=False),
        sa.Column("adult_id", sa.String(length=36), nullable=True),
        sa.Column("refusal", sa.String(length=20), nullable=True),
        sa.Column("alternative", sa.String(length=20), nullable=True),
        sa.Column("asked_on", sa.BigInteger(), nullable=True),
        sa.Column("assent", sa.String(length=20), nullable=False),
        sa.Column("consent_ref", sa.String(length=80), nullable=False),
        sa.Column("told_withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("forgotten_at", sa.BigInteger(), nullable=True),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_exchange_requests_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_requests")),
    )
    op.create_index(op.f("ix_exchange_requests_case_id"), "exchange_requests", ["case_id"], unique=False)
    op.create_index(op.f("ix_exchange_requests_number"), "exchange_requests", ["number"], unique=False)
    op.create_index("ix_exchange_requests_side", "exchange_requests", ["side", "status", "due_at"], unique=False)
    op.create_table(
        "officer_bodies",
        sa.Column("officer_id", sa.String(length=36), nullable=False),
        sa.Column("body", sa.String(length=120), nullable=False),
        sa.Column("set_by", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name=op.f("fk_officer_bodies_officer_id")),
        sa.PrimaryKeyConstraint("officer_id", name=op.f("pk_officer_bodies")),
    )
    op.create_table(
        "adult_evidence",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("dossier_id", sa.String(length=36), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("favour", sa.String(length=20), nullable=False),
        sa.Column("officer_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("once", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["dossier_id"], ["adult_dossiers.id"], name=op.f("fk_adult_evidence_dossier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adult_evidence")),
        sa.UniqueConstraint("once", name=op.f("uq_adult_evidence_once")),
    )
    op.create_index(op.f("ix_adult_evidence_dossier_id"), "adult_evidence", ["dossier_id"], unique=False)
    op.create_table(
        "adult_marks",
        sa.Column("dossier_id", sa.String(length=36), nullable=False),
        sa.Column("item", sa.String(length=30), nullable=False),
        sa.Column("mark", sa.String(length=10), nullable=False),
        sa.Column("officer_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["dossier_id"], ["adult_dossiers.id"], name=op.f("fk_adult_marks_dossier_id")),
        sa.PrimaryKeyConstraint("dossier_id", "item", name=op.f("pk_adult_marks")),
    )
    op.create_table(
        "exchange_events",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.String(length=30), nullable=False),
        sa.Column("officer_id", sa.String(length=36), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("once", sa.String(length=120), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["exchange_requests.id"], name=op.f("fk_exchange_events_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_events")),
        sa.UniqueConstraint("once", name=op.f("uq_exchange_events_once")),
    )
    op.create_index("ix_exchange_events_request", "exchange_events", ["request_id", "at"], unique=False)
    op.create_table(
        "exchange_lines",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("ours", sa.Boolean(), nullable=False),
        sa.Column("author_id", sa.String(length=36), nullable=True),
        sa.Column("asked", sa.String(length=30), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("other_language", sa.String(length=16), nullable=True),
        sa.Column("other_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("approved_by", sa.String(length=36), nullable=True),
        sa.Column("returned", sa.String(length=20), nullable=True),
        sa.Column("once", sa.String(length=120), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["exchange_requests.id"], name=op.f("fk_exchange_lines_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_lines")),
        sa.UniqueConstraint("once", name=op.f("uq_exchange_lines_once")),
    )
    op.create_index("ix_exchange_lines_request", "exchange_lines", ["request_id", "at"], unique=False)
    op.create_index(
        "uq_exchange_lines_answer",
        "exchange_lines",
        ["request_id", "asked"],
        unique=True,
        sqlite_where=sa.text("kind = 'answer' AND returned IS NULL AND approved_by IS NOT NULL"),
        postgresql_where=sa.text("kind = 'answer' AND returned IS NULL AND approved_by IS NOT NULL"),
    )
    op.create_table(
        "gate_overrides",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("covers", sa.Text(), nullable=False),
        sa.Column("first_id", sa.String(length=36), nullable=False),
        sa.Column("first_role", sa.String(length=20), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("second_id", sa.String(length=36), nullable=True),
        sa.Column("second_role", sa.String(length=20), nullable=True),
        sa.Column("second_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["exchange_requests.id"], name=op.f("fk_gate_overrides_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gate_overrides")),
    )
    op.create_index(op.f("ix_gate_overrides_request_id"), "gate_overrides", ["request_id"], unique=False)
    op.create_table(
        "holds",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=True),
        sa.Column("dossier_id", sa.String(length=36), nullable=True),
        sa.Column("request_id", sa.String(length=36), nullable=True),
        sa.Column("partner_id", sa.String(length=36), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", sa.String(length=36), nullable=True),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_holds_case_id")),
        sa.ForeignKeyConstraint(["dossier_id"], ["adult_dossiers.id"], name=op.f("fk_holds_dossier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    op.create_index(op.f("ix_holds_case_id"), "holds", ["case_id"], unique=False)
    op.create_index(op.f("ix_holds_request_id"), "holds", ["request_id"], unique=False)
    op.create_index(
        "uq_holds_standing",
        "holds",
        ["dossier_id"],
        unique=True,
        sqlite_where=sa.text("state != 'released'"),
        postgresql_where=sa.text("state != 'released'"),
    )
    op.create_table(
        "request_letters",
        sa.Column("envelope_id", sa.String(length=80), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("partner_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("personal", sa.Boolean(), nullable=False),
        sa.Column("put_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["exchange_requests.id"], name=op.f("fk_request_letters_request_id")),
        sa.PrimaryKeyConstraint("envelope_id", name=op.f("pk_request_letters")),
    )
    op.create_index(op.f("ix_request_letters_request_id"), "request_letters", ["request_id"], unique=False)
    op.create_table(
        "hold_releases",
        sa.Column("hold_id", sa.String(length=36), nullable=False),
        sa.Column("person", sa.String(length=120), nullable=False),
        sa.Column("body", sa.String(length=120), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_hold_releases_hold_id")),
        sa.PrimaryKeyConstraint("hold_id", "person", name=op.f("pk_hold_releases")),
    )


def downgrade() -> None:
    op.drop_table("hold_releases")
    op.drop_index(op.f("ix_request_letters_request_id"), table_name="request_letters")
    op.drop_table("request_letters")
    op.drop_index(
        "uq_holds_standing",
        table_name="holds",
        sqlite_where=sa.text("state != 'released'"),
        postgresql_where=sa.text("state != 'released'"),
    )
    op.drop_index(op.f("ix_holds_request_id"), table_name="holds")
    op.drop_index(op.f("ix_holds_case_id"), table_name="holds")
    op.drop_table("holds")
    op.drop_index(op.f("ix_gate_overrides_request_id"), table_name="gate_overrides")
    op.drop_table("gate_overrides")
    op.drop_index(
        "uq_exchange_lines_answer",
        table_name="exchange_lines",
        sqlite_where=sa.text("kind = 'answer' AND returned IS NULL AND approved_by IS NOT NULL"),
        postgresql_where=sa.text("kind = 'answer' AND returned IS NULL AND approved_by IS NOT NULL"),
    )
    op.drop_index("ix_exchange_lines_request", table_name="exchange_lines")
    op.drop_table("exchange_lines")
    op.drop_index("ix_exchange_events_request", table_name="exchange_events")
    op.drop_table("exchange_events")
    op.drop_table("adult_marks")
    op.drop_index(op.f("ix_adult_evidence_dossier_id"), table_name="adult_evidence")
    op.drop_table("adult_evidence")
    op.drop_table("officer_bodies")
    op.drop_index("ix_exchange_requests_side", table_name="exchange_requests")
    op.drop_index(op.f("ix_exchange_requests_number"), table_name="exchange_requests")
    op.drop_index(op.f("ix_exchange_requests_case_id"), table_name="exchange_requests")
    op.drop_table("exchange_requests")
    op.drop_index(op.f("ix_adult_dossiers_case_id"), table_name="adult_dossiers")
    op.drop_table("adult_dossiers")
    op.drop_index("ix_exchange_situations_subject", table_name="exchange_situations")
    op.drop_table("exchange_situations")
