"""Settings name every problem, once, and never repeat a secret."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from bot.kernel.settings import (
    SETTINGS_TABLE,
    SettingsWrong,
    load_settings,
    settings_as_markdown,
)

KEY = bytes(range(32))


def problems_of(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsWrong) as caught:
        load_settings(environ)
    return caught.value.problems


def test_an_empty_environment_is_enough():
    settings = load_settings({})

    assert settings.database_url == "sqlite:///var/waymark.db"
    assert settings.public_url == "http://localhost:8080"
    assert settings.demo == "auto"
    assert not settings.has_outside_channel


def test_every_problem_is_named_at_once():
    problems = problems_of(
        {
            "WAYMARK_PORT": "eighty",
            "WAYMARK_DEMO": "yes",
            "WAYMARK_COUNTRY": "France",
            "WAYMARK_DATABASE_URL": "mysql://x",
            "WAYMARK_PUBLIC_URL": "http://help.example.org",
            "WAYMARK_TRUSTED_PROXIES": "10.0.0.0/8, proxy",
            "WAYMARK_TELEGRAM_TOKN": "1:a",
            "WAYMARK_TURN_WORKERS": "0",
        }
    )

    assert len(problems) == 8
    assert "WAYMARK_PORT must be a whole number from 1 to 65535; it is 'eighty'." in problems
    assert "WAYMARK_TELEGRAM_TOKN is not a setting. Did you mean WAYMARK_TELEGRAM_TOKEN?" in problems
    unknown = problems_of({"WAYMARK_NOPE": "1", "WAYMARK_COUNTRY": "UK"})
    assert unknown[0] == "WAYMARK_NOPE is not a setting."
    assert (
        "WAYMARK_COUNTRY must be the two letters of a country" in unknown[1]
    )  # so written nobody has a number to call


def test_problems_do_not_repeat_secrets():
    environ = {
        "WAYMARK_MASTER_KEY": "canary-key",
        "WAYMARK_TELEGRAM_TOKEN": "canary token",
        "WAYMARK_METRICS_TOKEN": "canary",
        "WAYMARK_DATABASE_URL": "mysql://user:canary@host/name",
        "WAYMARK_HEARTBEAT_URL": "ftp://canary",
    }

    assert len(problems_of(environ)) == 5
    assert "canary" not in " ".join(problems_of(environ))


def test_secrets_do_not_show_in_the_settings_themselves():
    settings = load_settings(
        {
            "WAYMARK_TELEGRAM_TOKEN": "123:canary",
            "WAYMARK_MASTER_KEY": KEY.hex(),
            "WAYMARK_DATABASE_URL": "postgresql://waymark:canary@host/name",
            "WAYMARK_HEARTBEAT_URL": "https://watch.example/canary",
        }
    )

    assert "canary" not in repr(settings)
    assert KEY.hex() not in repr(settings)


def test_a_webhook_needs_a_token_and_an_address_telegram_calls():
    no_token = problems_of({"WAYMARK_TELEGRAM_MODE": "webhook"})
    no_tls = problems_of({"WAYMARK_TELEGRAM_MODE": "webhook", "WAYMARK_TELEGRAM_TOKEN": "1:a"})

    assert no_token[0] == "WAYMARK_TELEGRAM_MODE is webhook, but WAYMARK_TELEGRAM_TOKEN is empty."
    assert "https://" in no_token[1]
    assert no_tls == no_token[1:]


def test_contradictions_are_named_beside_what_cannot_be_used_and_none_is_made_up(tmp_path: Path):
    webhook = {"WAYMARK_TELEGRAM_MODE": "webhook", "WAYMARK_SMTP_URL": "smtp://mail.example"}

    beside = problems_of({"WAYMARK_PORT": "eighty", **webhook})
    unknown = problems_of(
        {"WAYMARK_TELEGRAM_TOKEN_FILE": str(tmp_path / "gone"), "WAYMARK_PUBLIC_URL": "http://example.org", **webhook}
    )

    assert [problem.split()[0] for problem in beside] == [
        "WAYMARK_PORT",
        "WAYMARK_TELEGRAM_MODE",
        "WAYMARK_TELEGRAM_MODE",
        "WAYMARK_SMTP_URL",
    ]
    assert [problem.split()[0] for problem in unknown] == [
        "WAYMARK_TELEGRAM_TOKEN_FILE",
        "WAYMARK_PUBLIC_URL",
        "WAYMARK_SMTP_URL",
    ]


def test_the_webhook_secret_is_derived_from_the_token_and_says_nothing_about_it():
    environ = {"WAYMARK_TELEGRAM_TOKEN": "123:canary"}
    secret = load_settings(environ).telegram_webhook_secret.value

    assert secret == load_settings(environ).telegram_webhook_secret.value
    assert len(secret) == 64
    assert "canary" not in secret


@pytest.mark.parametrize("address", ["https://help.example.org/", "http://localhost:9", "http://abc.onion"])
def test_public_addresses_that_are_safe(address: str):
    assert load_settings({"WAYMARK_PUBLIC_URL": address}).public_url == address.rstrip("/")


@pytest.mark.parametrize("address", ["http://example.org", "help.example.org", "https://a.b/path", "https://"])
def test_public_addresses_that_are_not(address: str):
    assert "WAYMARK_PUBLIC_URL must begin with https://" in problems_of({"WAYMARK_PUBLIC_URL": address})[0]


def test_proxies_are_networks():
    settings = load_settings({"WAYMARK_TRUSTED_PROXIES": "10.0.0.0/8, ::1"})

    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1"))


def test_settings_come_from_a_file_too_and_the_environment_wins(tmp_path: Path):
    file = tmp_path / "waymark.env"
    file.write_text('# ours\nWAYMARK_PORT=9000\nWAYMARK_COUNTRY="it"\n')

    settings = load_settings({"WAYMARK_SETTINGS_FILE": str(file), "WAYMARK_COUNTRY": "fr"})

    assert (settings.port, settings.country) == (9000, "FR")


def test_a_file_that_is_wrong_is_named_with_the_line(tmp_path: Path):
    file = tmp_path / "waymark.env"
    file.write_text("WAYMARK_PORT=9000\nPORT=1\n")

    assert problems_of({"WAYMARK_SETTINGS_FILE": str(file)}) == [f"{file}, line 2: expected WAYMARK_NAME=value."]
    assert "cannot be read" in problems_of({"WAYMARK_SETTINGS_FILE": "/nowhere"})[0]


def test_a_secret_may_come_from_a_file_of_its_own(tmp_path: Path):
    token = tmp_path / "token"
    token.write_text("123:abc\n")

    settings = load_settings({"WAYMARK_TELEGRAM_TOKEN_FILE": str(token)})

    assert settings.telegram_token.value == "123:abc"
    assert "cannot be read" in problems_of({"WAYMARK_TELEGRAM_TOKEN_FILE": "/nowhere"})[0]
    assert "not a setting" in problems_of({"WAYMARK_PORT_FILE": str(token)})[0]


def test_names_that_other_parts_read_are_not_problems():
    load_settings({"WAYMARK_FAILPOINTS": "a:1", "WAYMARK_TEST_POSTGRES_BIN": "/x", "HOME": "/root"})


def test_settings_do_not_change():
    with pytest.raises(AttributeError, match="immutable"):
        load_settings({}).port = 1  # type: ignore[misc]


def test_the_table_has_a_line_for_every_setting():
    table = settings_as_markdown()

    assert all(f"`{row.name}`" in table and row.about for row in SETTINGS_TABLE)
    assert "| `WAYMARK_PORT` | `8080` | The port to listen on |" in table
