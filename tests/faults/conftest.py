"""Databases for processes that are killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.postgres import PostgresServer


@pytest.fixture
def two_urls(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """Two empty databases of a kind."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path / 'lyon.db'}", f"sqlite:///{tmp_path / 'tunis.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database(), server.new_database()


@pytest.fixture
def three_urls(two_urls: tuple[str, str], kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """Three empty databases of a kind."""
    if kind == "sqlite":
        return [*two_urls, f"sqlite:///{tmp_path / 'munich.db'}"]
    server: PostgresServer = request.getfixturevalue("postgres")
    return [*two_urls, server.new_database()]
