"""What a process reads from its environment, once, when it starts.

`load_settings` names every problem at once, in sentences an operator can act on. Secrets are never repeated in
them. A secret may also come from a file: `WAYMARK_TELEGRAM_TOKEN_FILE=/run/credentials/token`.
"""

from __future__ import annotations

import difflib
import hashlib
import hmac
import os
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from msgspec import Struct
from msgspec.structs import replace

from bot.kernel import setting_texts
from bot.kernel.setting_texts import About, Secret

PREFIX = "WAYMARK_"
SETTINGS_FILE = "WAYMARK_SETTINGS_FILE"
TELEGRAM_API = "https://api.telegram.org"

#: Names with our prefix that other parts of the program read for themselves.
NAMES_READ_ELSEWHERE = frozenset(
    {
        SETTINGS_FILE,
        "WAYMARK_FAILPOINTS",
        "WAYMARK_RASA",
        "WAYMARK_HSDS_SCHEMAS",
        "WAYMARK_PYTHON",
        "WAYMARK_TEST_POSTGRES_BIN",
        "WAYMARK_VENV",
    }
)
PREFIXES_READ_ELSEWHERE = ("WAYMARK_TEST_", "WAYMARK_LAUNCHER_")


class SettingsWrong(Exception):
    """The environment cannot be used as it is. `problems` holds a sentence for each thing to put right."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(Struct, frozen=True, kw_only=True):
    """Every setting, typed. Make it with `load_settings`; it does not change afterwards."""

    database_url: Annotated[
        str,
        About(
            "`sqlite:///path` or `postgresql://user:password@host/name`; by default a file in the data folder",
            must="begin with sqlite:/// and a path, or with postgresql://",
            read=setting_texts.database,
            shown=False,
        ),
    ] = ""
    data_dir: Annotated[
        Path,
        About(
            "The folder for the database file, the master key and caches",
            must="be a path",
            read=Path,
        ),
    ] = Path("var")
    host: Annotated[
        str,
        About(
            "The address to listen on",
            must="be a host name or an address",
            read=str,
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        About(
            "The port to listen on",
            must="be a whole number from 1 to 65535",
            read=setting_texts.whole_number(1, 65535),
        ),
    ] = 8080
    public_url: Annotated[
        str,
        About(
            "How people's browsers reach this server; by default `http://localhost:<port>`",
            must="begin with https:// (plain http:// is for this machine and for onion addresses) and have no path",
            read=setting_texts.public_address,
        ),
    ] = ""
    master_key: Annotated[
        Secret,
        About(
            "32 random bytes in base64 or hex that open everything people wrote; "
            "empty: kept in `master.key` in the data folder, made at the first start",
            must="be 32 bytes in base64 or hex (make one with: openssl rand -base64 32)",
            read=setting_texts.secret(setting_texts.master_key),
        ),
    ] = Secret("")
    old_master_key: Annotated[
        Secret,
        About(
            "The key to rotate away from, while it is being replaced",
            must="be 32 bytes in base64 or hex",
            read=setting_texts.secret(setting_texts.master_key),
        ),
    ] = Secret("")
    demo: Annotated[
        Literal["auto", "off"],
        About(
            "`auto` seeds a marked demonstration into an empty database with no outside channel; `off` never does",
            must="be auto or off",
            read=setting_texts.one_of("auto", "off"),
        ),
    ] = "auto"
    country: Annotated[
        str,
        About(
            "The country this deployment serves, as ISO 3166 (`FR`)",
            must="be the two letters of a country in ISO 3166, as FR (the United Kingdom is GB)",
            read=setting_texts.country,
        ),
    ] = ""
    exchange_name: Annotated[
        str,
        About(
            "How partners in other countries know this helpline; by default the host of its public address",
            must="be 1 to 120 characters",
            read=setting_texts.matching(r".{1,120}"),
        ),
    ] = ""
    exit_url: Annotated[
        str,
        About(
            "Where “Leave quickly” in the web chat leads: a page that means nothing to whoever looks",
            must="begin with https://",
            read=setting_texts.harmless_address,
        ),
    ] = "https://www.bbc.com/weather"
    telegram_token: Annotated[
        Secret,
        About(
            "The bot's token from @BotFather; empty: no Telegram",
            must="look like 123456789:letters-and-digits",
            read=setting_texts.secret(setting_texts.matching(r"\d+:[\w-]+")),
        ),
    ] = Secret("")
    telegram_api_url: Annotated[
        str,
        About(
            "The root of the Bot API, for a local Bot API server or a test peer",
            must="begin with https:// or http://",
            read=setting_texts.web_address,
        ),
    ] = TELEGRAM_API
    telegram_mode: Annotated[
        Literal["polling", "webhook"],
        About(
            "`polling` asks Telegram for messages; `webhook` is called by it",
            must="be polling or webhook",
            read=setting_texts.one_of("polling", "webhook"),
        ),
    ] = "polling"
    telegram_webhook_secret: Annotated[
        Secret,
        About(
            "What Telegram must show when it calls us; by default derived from the token",
            must="be 16 to 256 letters, digits, - or _",
            read=setting_texts.secret(setting_texts.matching(r"[A-Za-z0-9_-]{16,256}")),
        ),
    ] = Secret("")
    smtp_url: Annotated[
        Secret,
        About(
            "The mail server, as `smtp://user:password@host:587` or `smtps://…`: it tells partners without Waymark "
            "that a request waits, and officers that a case does, and nothing more; empty: no e-mail",
            must="begin with smtp:// or smtps:// and name a host",
            read=setting_texts.secret(setting_texts.mail_server),
        ),
    ] = Secret("")
    mail_from: Annotated[
        str,
        About(
            "The address that e-mail comes from",
            must="be an e-mail address",
            read=setting_texts.matching(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+"),
        ),
    ] = ""
    push_key: Annotated[
        Secret,
        About(
            "32 random bytes in base64 by which browsers know who may page their officer while the desk is closed "
            "(VAPID); with another key each browser has to be connected anew; empty: no pages to browsers",
            must="be 32 bytes in base64 (make one with: openssl rand -base64 32)",
            read=setting_texts.secret(setting_texts.push_key),
        ),
    ] = Secret("")
    push_services: Annotated[
        tuple[str, ...],
        About(
            "The push services that may be called, as `name`, `*.name` or a whole origin, with commas between them; "
            "empty: those of Chrome, Firefox, Safari and Edge",
            must="be names of hosts, or origins with https:// (http:// on this machine), with commas between them",
            read=setting_texts.push_services,
        ),
    ] = ()
    map_tiles_url: Annotated[
        str,
        About(
            "Tiles for the maps of the desk, as `https://tiles.example.org/{z}/{x}/{y}.png`: whoever serves them learns"
            " where officers look; empty: the shipped borders",
            must="begin with https:// and have {z}, {x} and {y} in its path",
            read=setting_texts.map_tiles,
        ),
    ] = ""
    map_tiles_credit: Annotated[
        str,
        About(
            "Whose the tiles are, as their licence asks for it",
            must="be at most 200 characters",
            read=setting_texts.matching(r".{0,200}"),
        ),
    ] = ""
    translate_url: Annotated[
        str,
        About(
            "The root of a LibreTranslate server that officers may send a person's words to, a click each time; "
            "whoever runs it reads them; empty: no machine translation",
            must="begin with https://, or with http:// on this machine or a network of its own",
            read=setting_texts.translation_server,
        ),
    ] = ""
    translate_key: Annotated[
        Secret,
        About(
            "The key that the translation server asks for, if it does",
            must="be 1 to 200 characters",
            read=setting_texts.secret(setting_texts.matching(r"\S{1,200}")),
        ),
    ] = Secret("")
    understanding: Annotated[
        Literal["auto", "embedder", "ngrams"],
        About(
            "`embedder` reads messages with the language model, `ngrams` without; `auto` takes what is installed",
            must="be auto, embedder or ngrams",
            read=setting_texts.one_of("auto", "embedder", "ngrams"),
        ),
    ] = "auto"
    heartbeat_url: Annotated[
        str,
        About(
            "An outside watcher to call after each passed audit of the alarms; it alarms when the calls stop",
            must="begin with https:// or http://",
            read=setting_texts.web_address,
            shown=False,
        ),
    ] = ""
    turn_workers: Annotated[
        int,
        About(
            "How many conversations are worked on at once",
            must="be a whole number from 1 to 256",
            read=setting_texts.whole_number(1, 256),
        ),
    ] = 8
    rate_burst: Annotated[
        int,
        About(
            "Messages one person may send at once before answers slow down",
            must="be a whole number from 1 to 1000",
            read=setting_texts.whole_number(1, 1000),
        ),
    ] = 10
    rate_per_minute: Annotated[
        int,
        About(
            "Messages a minute one person may keep sending",
            must="be a whole number from 1 to 1000",
            read=setting_texts.whole_number(1, 1000),
        ),
    ] = 20
    keep_talks_days: Annotated[
        int,
        About(
            "Days after the last message of a talk that became no case until its words are erased; "
            "0: as `bot/retention.yml` proposes, 90",
            must="be a whole number from 0 to 36500",
            read=setting_texts.whole_number(0, 36500),
        ),
    ] = 0
    keep_cases_days: Annotated[
        int,
        About(
            "Days after the last case of a person was closed until their words are erased; "
            "0: as `bot/retention.yml` proposes, 365",
            must="be a whole number from 0 to 36500",
            read=setting_texts.whole_number(0, 36500),
        ),
    ] = 0
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        About(
            "The least important thing worth a log line",
            must="be DEBUG, INFO, WARNING or ERROR",
            read=setting_texts.one_of("DEBUG", "INFO", "WARNING", "ERROR"),
        ),
    ] = "INFO"
    log_format: Annotated[
        Literal["console", "json"],
        About(
            "Log lines for a person or for a machine",
            must="be console or json",
            read=setting_texts.one_of("console", "json"),
        ),
    ] = "console"
    metrics_token: Annotated[
        Secret,
        About(
            "The bearer token for `/metrics`; empty: only this machine may read it",
            must="be at least 16 characters",
            read=setting_texts.secret(setting_texts.matching(r".{16,}")),
        ),
    ] = Secret("")
    trusted_proxies: Annotated[
        tuple[IPv4Network | IPv6Network, ...],
        About(
            "Addresses of the proxies whose `X-Forwarded-For` is believed, with commas between them",
            must="be addresses or networks with commas between, as in 10.0.0.0/8,127.0.0.1",
            read=setting_texts.networks,
        ),
    ] = ()

    def __repr__(self) -> str:
        return "Settings(…)"  # an address may hold a password

    @property
    def is_https(self) -> bool:
        """Whether browsers reach us over TLS."""
        return self.public_url.startswith("https://")

    @property
    def has_outside_channel(self) -> bool:
        """Whether people outside this machine can write to us by a channel that needs an account."""
        return bool(self.telegram_token.value)


class SettingRow(Struct, frozen=True):
    """One line of the documentation's table of settings."""

    name: str
    default: str
    about: str


def _abouts() -> dict[str, About]:
    hints = get_type_hints(Settings, include_extras=True)
    return {name: hints[name].__metadata__[0] for name in Settings.__struct_fields__}


_ABOUT = _abouts()
_DEFAULT = Settings()
_SECRETS = frozenset(name for name in _ABOUT if isinstance(getattr(_DEFAULT, name), Secret))


def _row(name: str) -> SettingRow:
    value = getattr(_DEFAULT, name)
    shown = "" if value == () or name in _SECRETS else str(value)
    return SettingRow(PREFIX + name.upper(), shown, _ABOUT[name].text)


#: The table of settings, in the order of the class. The README carries the same one, and a test compares them.
SETTINGS_TABLE: tuple[SettingRow, ...] = tuple(_row(name) for name in _ABOUT)


def settings_as_markdown() -> str:
    """The table of settings as it stands in the README."""
    lines = ["| variable | default | what it does |", "|---|---|---|"]
    for row in SETTINGS_TABLE:
        lines.append(f"| `{row.name}` | {f'`{row.default}`' if row.default else ''} | {row.about} |")
    return "\n".join(lines)


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read `environ` (by default the process's own) and the file named by WAYMARK_SETTINGS_FILE, which it overrides.

    Raises SettingsWrong with every problem there is.
    """
    problems: list[str] = []
    given = _from_file(os.environ if environ is None else environ, problems)
    texts: dict[str, str | None] = {}
    for name in sorted(given):
        if name in NAMES_READ_ELSEWHERE or name.startswith(PREFIXES_READ_ELSEWHERE):
            continue
        field, text = _field_and_text(name, given[name], problems)
        if field:
            texts.setdefault(field, text)
    values, unusable = _read(texts)
    problems.extend(filter(None, unusable.values()))
    settings = _with_what_follows(Settings(**values))
    problems.extend(sentence for fields, sentence in _contradictions(settings) if not fields & unusable.keys())
    if problems:
        raise SettingsWrong(problems)
    return settings


def _read(texts: Mapping[str, str | None]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values, and what is wrong with those that cannot be used: nothing more where their file could not be read."""
    values: dict[str, Any] = {}
    unusable = {}
    for field in (name for name in _ABOUT if name in texts):
        text = texts[field]
        try:
            if text is None:
                unusable[field] = ""
            else:
                values[field] = _ABOUT[field].read(text)
        except ValueError:
            unusable[field] = _sentence(field, str(text))
    return values, unusable


def _with_what_follows(settings: Settings) -> Settings:
    """What was not given and is derived from what was."""
    token = settings.telegram_token.value
    derived = hmac.new(token.encode(), b"waymark webhook secret", hashlib.sha256).hexdigest() if token else ""
    return replace(
        settings,
        public_url=settings.public_url or f"http://localhost:{settings.port}",
        database_url=settings.database_url or f"sqlite:///{settings.data_dir / 'waymark.db'}",
        telegram_webhook_secret=settings.telegram_webhook_secret
        if settings.telegram_webhook_secret.value
        else Secret(derived),
    )


def _from_file(environ: Mapping[str, str], problems: list[str]) -> dict[str, str]:
    given = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    path = given.get(SETTINGS_FILE)
    if not path:
        return given
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        problems.append(f"{SETTINGS_FILE} names {path}, which cannot be read.")
        return given
    from_file: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        name, found, value = line.strip().partition("=")
        if not name or name.startswith("#"):
            continue
        if not found or not name.strip().startswith(PREFIX):
            problems.append(f"{path}, line {number}: expected WAYMARK_NAME=value.")
            continue
        from_file[name.strip()] = value.strip().strip("\"'")
    return from_file | given


def _field_and_text(name: str, value: str, problems: list[str]) -> tuple[str, str | None]:
    field = name.removeprefix(PREFIX).lower()
    if field in _ABOUT:
        return (field, value.strip()) if value.strip() else ("", "")
    if field.endswith("_file") and field.removesuffix("_file") in _SECRETS:
        try:
            return field.removesuffix("_file"), Path(value).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            problems.append(f"{name} names {value}, which cannot be read.")
            return field.removesuffix("_file"), None
    names = [row.name.removeprefix(PREFIX) for row in SETTINGS_TABLE]  # which all begin alike, and so seem alike
    close = difflib.get_close_matches(name.removeprefix(PREFIX), names, 1, 0.6)
    hint = f" Did you mean {PREFIX}{close[0]}?" if close else ""
    problems.append(f"{name} is not a setting.{hint}")
    return "", ""


def _sentence(field: str, text: str) -> str:
    about = _ABOUT[field]
    shown = f"; it is {text!r}" if about.shown and field not in _SECRETS else ""
    return f"{PREFIX}{field.upper()} must {about.must}{shown}."


def _contradictions(settings: Settings) -> list[tuple[set[str], str]]:
    """What cannot hold together, each with the fields it was read from: where one of them was given and could not be
    used, its default stands there and nothing can be said."""
    found: list[tuple[set[str], str]] = []
    if settings.telegram_mode == "webhook":
        if not settings.telegram_token.value:
            sentence = "WAYMARK_TELEGRAM_MODE is webhook, but WAYMARK_TELEGRAM_TOKEN is empty."
            found.append(({"telegram_mode", "telegram_token"}, sentence))
        if settings.telegram_api_url == TELEGRAM_API and not settings.is_https:
            sentence = "WAYMARK_TELEGRAM_MODE is webhook: Telegram calls only a WAYMARK_PUBLIC_URL with https://."
            found.append(({"telegram_mode", "telegram_api_url", "public_url"}, sentence))
    if settings.smtp_url.value and not settings.mail_from:
        found.append(({"smtp_url", "mail_from"}, "WAYMARK_SMTP_URL is given, but WAYMARK_MAIL_FROM is empty."))
    if settings.data_dir.exists() and not settings.data_dir.is_dir():
        sentence = f"WAYMARK_DATA_DIR is {settings.data_dir}, which is not a folder."
        found.append(({"data_dir"}, sentence))
    return found
