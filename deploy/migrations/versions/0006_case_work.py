"""The work on a case: hand-overs, rota, record, consent, referrals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "duty_profiles",
        sa.Column("officer_id", sa.String(length=36), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("skills", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("officer_id", name=op.f("pk_duty_profiles")),
    )
    op.create_table(
        "rota_absences",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("officer_id", sa.String(length=36), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(length=36), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rota_absences")),
    )
    op.create_index(op.f("ix_rota_absences_officer_id"), "rota_absences", ["officer_id"], unique=False)
    op.create_table(
        "rota_shifts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("officer_id", sa.String(length=36), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("days", sa.String(length=7), nullable=False),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("first", sa.String(length=10), nullable=False),
        sa.Column("last", sa.String(length=10), nullable=True),
        sa.Column("on_call", sa.Boolean(), nullable=False),
        sa.Column("made_by", sa.String(length=36), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rota_shifts")),
    )
    op.create_index(op.f("ix_rota_shifts_officer_id"), "rota_shifts", ["officer_id"], unique=False)
    op.create_table(
        "shift_notes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("officer_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.String(length=36), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("once", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift_notes")),
        sa.UniqueConstraint("once", name=op.f("uq_shift_notes_once")),
    )
    op.create_index(op.f("ix_shift_notes_at"), "shift_notes", ["at"], unique=False)
    op.create_table(
        "case_facts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("field", sa.String(length=30), nullable=False),
        sa.Column("value_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("officer_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("replaced_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_facts_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_facts")),
    )
    op.create_index(
        "uq_case_facts_present",
        "case_facts",
        ["case_id", "field"],
        unique=True,
        sqlite_where=sa.text("replaced_at IS NULL"),
        postgresql_where=sa.text("replaced_at IS NULL"),
    )
    op.create_table(
        "case_fingerprints",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_fingerprints_case_id")),
        sa.PrimaryKeyConstraint("case_id", "fingerprint", name=op.f("pk_case_fingerprints")),
    )
    op.create_index("ix_case_fingerprints_fingerprint", "case_fingerprints", ["fingerprint"], unique=False)
    op.create_table(
        "case_risks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("why_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("officer_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("needs_signature", sa.Boolean(), nullable=False),
        sa.Column("signed_by", sa.String(length=36), nullable=True),
        sa.Column("signed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_risks_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_risks")),
    )
    op.create_index(op.f("ix_case_risks_case_id"), "case_risks", ["case_id"], unique=False)
    op.create_table(
        "case_tasks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("what_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("why_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(length=36), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("done_by", sa.String(length=36), nullable=True),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_tasks_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_tasks")),
    )
    op.create_index(op.f("ix_case_tasks_case_id"), "case_tasks", ["case_id"], unique=False)
    op.create_index("ix_case_tasks_due", "case_tasks", ["done_at", "due_at"], unique=False)
    op.create_table(
        "consents",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("giver", sa.String(length=20), nullable=False),
        sa.Column("age", sa.Integer(), nullable=True),
        sa.Column("capacity", sa.String(length=20), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("way", sa.String(length=12), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("recipient", sa.String(length=80), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("withheld", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=True),
        sa.Column("named_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("why_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_by", sa.String(length=36), nullable=False),
        sa.Column("second_by", sa.String(length=36), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_consents_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index(op.f("ix_consents_case_id"), "consents", ["case_id"], unique=False)
    op.create_index("ix_consents_purpose", "consents", ["case_id", "purpose", "recipient"], unique=False)
    op.create_table(
        "hand_overs",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("from_officer", sa.String(length=36), nullable=False),
        sa.Column("to_officer", sa.String(length=36), nullable=False),
        sa.Column("offered_by", sa.String(length=36), nullable=False),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_hand_overs_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_overs")),
    )
    op.create_index(op.f("ix_hand_overs_case_id"), "hand_overs", ["case_id"], unique=False)
    op.create_index(op.f("ix_hand_overs_from_officer"), "hand_overs", ["from_officer"], unique=False)
    op.create_index(op.f("ix_hand_overs_to_officer"), "hand_overs", ["to_officer"], unique=False)
    op.create_index(
        "uq_hand_overs_offered",
        "hand_overs",
        ["case_id"],
        unique=True,
        sqlite_where=sa.text("state = 'offered'"),
        postgresql_where=sa.text("state = 'offered'"),
    )
    op.create_table(
        "rota_changes",
        sa.Column("shift_id", sa.String(length=36), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("officer_id", sa.String(length=36), nullable=True),
        sa.Column("made_by", sa.String(length=36), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["shift_id"], ["rota_shifts.id"], name=op.f("fk_rota_changes_shift_id")),
        sa.PrimaryKeyConstraint("shift_id", "day", name=op.f("pk_rota_changes")),
    )
    op.create_table(
        "rota_swaps",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("shift_id", sa.String(length=36), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("from_officer", sa.String(length=36), nullable=False),
        sa.Column("to_officer", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["shift_id"], ["rota_shifts.id"], name=op.f("fk_rota_swaps_shift_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rota_swaps")),
    )
    op.create_index(
        "uq_rota_swaps_asked",
        "rota_swaps",
        ["shift_id", "day"],
        unique=True,
        sqlite_where=sa.text("state = 'asked'"),
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_table(
        "case_shares",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("consent_id", sa.String(length=36), nullable=False),
        sa.Column("what", sa.String(length=80), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("shared_by", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawal_seen_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_shares_case_id")),
        sa.ForeignKeyConstraint(["consent_id"], ["consents.id"], name=op.f("fk_case_shares_consent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_shares")),
    )
    op.create_index(op.f("ix_case_shares_case_id"), "case_shares", ["case_id"], unique=False)
    op.create_index(op.f("ix_case_shares_consent_id"), "case_shares", ["consent_id"], unique=False)
    op.add_column("case_notes", sa.Column("kind", sa.String(length=12), server_default="internal", nullable=False))
    op.add_column("cases", sa.Column("offered_to", sa.String(length=36), nullable=True))
    op.add_column("cases", sa.Column("stage", sa.String(length=20), server_default="registered", nullable=False))
    op.create_index("ix_cases_offered", "cases", ["offered_to"], unique=False)
    op.create_index("ix_cases_queue_language", "cases", ["status", "priority", "language", "due_at"], unique=False)
    op.create_table(
        "referrals",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("consent_id", sa.String(length=36), nullable=False),
        sa.Column("recipient", sa.String(length=80), nullable=False),
        sa.Column("urgency", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("ask_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("said_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("sent_by", sa.String(length=36), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("reminded_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=20), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("feedback", sa.String(length=20), nullable=True),
        sa.Column("link_hash", sa.String(length=64), nullable=True),
        sa.Column("code_hash", sa.String(length=64), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=True),
        sa.Column("reply_hash", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_referrals_case_id")),
        sa.ForeignKeyConstraint(["consent_id"], ["consents.id"], name=op.f("fk_referrals_consent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referrals")),
        sa.UniqueConstraint("link_hash", name=op.f("uq_referrals_link_hash")),
        sa.UniqueConstraint("reply_hash", name=op.f("uq_referrals_reply_hash")),
    )
    op.create_index(op.f("ix_referrals_case_id"), "referrals", ["case_id"], unique=False)
    op.create_index("ix_referrals_waiting", "referrals", ["state", "reminded_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_referrals_waiting", table_name="referrals")
    op.drop_index(op.f("ix_referrals_case_id"), table_name="referrals")
    op.drop_table("referrals")
    op.drop_index("ix_cases_queue_language", table_name="cases")
    op.drop_index("ix_cases_offered", table_name="cases")
    op.drop_column("cases", "stage")
    op.drop_column("cases", "offered_to")
    op.drop_column("case_notes", "kind")
    op.drop_index(op.f("ix_case_shares_consent_id"), table_name="case_shares")
    op.drop_index(op.f("ix_case_shares_case_id"), table_name="case_shares")
    op.drop_table("case_shares")
    op.drop_index(
        "uq_rota_swaps_asked",
        table_name="rota_swaps",
        sqlite_where=sa.text("state = 'asked'"),
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.drop_table("rota_swaps")
    op.drop_table("rota_changes")
    op.drop_index(
        "uq_hand_overs_offered",
        table_name="hand_overs",
        sqlite_where=sa.text("state = 'offered'"),
        postgresql_where=sa.text("state = 'offered'"),
    )
    op.drop_index(op.f("ix_hand_overs_to_officer"), table_name="hand_overs")
    op.drop_index(op.f("ix_hand_overs_from_officer"), table_name="hand_overs")
    op.drop_index(op.f("ix_hand_overs_case_id"), table_name="hand_overs")
    op.drop_table("hand_overs")
    op.drop_index("ix_consents_purpose", table_name="consents")
    op.drop_index(op.f("ix_consents_case_id"), table_name="consents")
    op.drop_table("consents")
    op.drop_index("ix_case_tasks_due", table_name="case_tasks")
    op.drop_index(op.f("ix_case_tasks_case_id"), table_name="case_tasks")
    op.drop_table("case_tasks")
    op.drop_index(op.f("ix_case_risks_case_id"), table_name="case_risks")
    op.drop_table("case_risks")
    op.drop_index("ix_case_fingerprints_fingerprint", table_name="case_fingerprints")
    op.drop_table("case_fingerprints")
    op.drop_index(
        "uq_case_facts_present",
        table_name="case_facts",
        sqlite_where=sa.text("replaced_at IS NULL"),
        postgresql_where=sa.text("replaced_at IS NULL"),
    )
    op.drop_table("case_facts")
    op.drop_index(op.f("ix_shift_notes_at"), table_name="shift_notes")
    op.drop_table("shift_notes")
    op.drop_index(op.f("ix_rota_shifts_officer_id"), table_name="rota_shifts")
    op.drop_table("rota_shifts")
    op.drop_index(op.f("ix_rota_absences_officer_id"), table_name="rota_absences")
    op.drop_table("rota_absences")
    op.drop_table("duty_profiles")
