"""Files of services that are taken in a little at a time, and what of them would have to be taken back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "directory_imports",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("touched_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_imports")),
    )
    op.create_index("ix_directory_imports_state", "directory_imports", ["state", "touched_at"])
    op.create_table(
        "directory_imported",
        sa.Column("import_id", sa.String(length=36), nullable=False),
        sa.Column("record_id", sa.String(length=36), nullable=False),
        sa.Column("organization", sa.Boolean(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["directory_imports.id"], name=op.f("fk_directory_imported_import_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "record_id", "organization", name=op.f("pk_directory_imported")),
    )
    op.create_table(
        "directory_import_pieces",
        sa.Column("import_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["directory_imports.id"],
            name=op.f("fk_directory_import_pieces_import_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("import_id", "position", name=op.f("pk_directory_import_pieces")),
    )


def downgrade() -> None:
    op.drop_table("directory_import_pieces")
    op.drop_table("directory_imported")
    op.drop_index("ix_directory_imports_state", table_name="directory_imports")
    op.drop_table("directory_imports")
