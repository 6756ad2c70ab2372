"""What a process reads from its environment, once, when it starts.

`load_settings` names every problem at once, in sentences an operator can act on. Secrets are never repeated in
them. A secret may also come from a file: `WAYMARK_TELEGRAM_TOKEN_FILE=/run/credentials/token`.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import hashlib
import hmac
import os
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

from msgspec import Struct
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.kernel.crypto import MASTER_KEY_BYTES, WrongMasterKey

PREFIX = "WAYMARK_"
SETTINGS_FILE = "WAYMARK_SETTINGS_FILE"
TELEGRAM_API = "https://api.telegram.org"
MASTER_KEY_FILE = "master.key"

#: Names with our prefix that other parts of the program read for themselves.
NAMES_READ_ELSEWHERE = frozenset(
    {
        SETTINGS_FILE,
        "WAYMARK_FAILPOINTS",
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


class About(Struct, frozen=True):
    """What the documentation says of a setting, and how the sentence ends when its value is not usable."""

    text: str
    must: str


class Settings(BaseSettings):
    """Every setting, typed. Make it with `load_settings`; it does not change afterwards."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    database_url: Annotated[
        str,
        About(
            "`sqlite:///path` or `postgresql://user:password@host/name`; by default a file in the data folder",
            must="begin with sqlite:/// and a path, or with postgresql://",
        ),
    ] = Field("", repr=False)
    data_dir: Annotated[
        Path,
        About(
            "The folder for the database file, the master key and caches",
            must="be a path",
        ),
    ] = Path("var")
    host: Annotated[
        str,
        About(
            "The address to listen on",
            must="be a host name or an address",
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        About(
            "The port to listen on",
            must="be a whole number from 1 to 65535",
        ),
    ] = Field(8080, ge=1, le=65535)
    public_url: Annotated[
        str,
        About(
            "How people's browsers reach this server; by default `http://localhost:<port>`",
            must="begin with https:// (plain http:// is for this machine and for onion addresses) and have no path",
        ),
    ] = ""
    master_key: Annotated[
        SecretStr,
        About(
            "32 random bytes in base64 or hex that open everything people wrote; "
            "empty: kept in `master.key` in the data folder, made at the first start",
            must="be 32 bytes in base64 or hex (make one with: openssl rand -base64 32)",
        ),
    ] = SecretStr("")
    old_master_key: Annotated[
        SecretStr,
        About(
            "The key to rotate away from, while it is being replaced",
            must="be 32 bytes in base64 or hex",
        ),
    ] = SecretStr("")
    demo: Annotated[
        Literal["auto", "off"],
        About(
            "`auto` seeds a marked demonstration into an empty database with no outside channel; `off` never does",
            must="be auto or off",
        ),
    ] = "auto"
    country: Annotated[
        str,
        About(
            "The country this deployment serves, as ISO 3166 (`FR`)",
            must="be two letters, as in FR",
        ),
    ] = Field("", pattern="^([A-Z]{2})?$")
    exchange_name: Annotated[
        str,
        About(
            "How partners in other countries know this helpline; by default the host of its public address",
            must="be 1 to 120 characters",
        ),
    ] = Field("", max_length=120)
    exit_url: Annotated[
        str,
        About(
            "Where “Leave quickly” in the web chat leads: a page that means nothing to whoever looks",
            must="begin with https://",
        ),
    ] = "https://www.bbc.com/weather"
    telegram_token: Annotated[
        SecretStr,
        About(
            "The bot's token from @BotFather; empty: no Telegram",
            must="look like 123456789:letters-and-digits",
        ),
    ] = SecretStr("")
    telegram_api_url: Annotated[
        str,
        About(
            "The root of the Bot API, for a local Bot API server or a test peer",
            must="begin with https:// or http://",
        ),
    ] = TELEGRAM_API
    telegram_mode: Annotated[
        Literal["polling", "webhook"],
        About(
            "`polling` asks Telegram for messages; `webhook` is called by it",
            must="be polling or webhook",
        ),
    ] = "polling"
    telegram_webhook_secret: Annotated[
        SecretStr,
        About(
            "What Telegram must show when it calls us; by default derived from the token",
            must="be 16 to 256 letters, digits, - or _",
        ),
    ] = SecretStr("")
    smtp_url: Annotated[
        SecretStr,
        About(
            "The mail server, as `smtp://user:password@host:587` or `smtps://…`: it tells partners without Waymark "
            "that a request waits, and nothing more; empty: no e-mail",
            must="begin with smtp:// or smtps:// and name a host",
        ),
    ] = SecretStr("")
    mail_from: Annotated[
        str,
        About(
            "The address that e-mail comes from",
            must="be an e-mail address",
        ),
    ] = Field("", pattern=r"^([A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+)?$")
    understanding: Annotated[
        Literal["auto", "embedder", "ngrams"],
        About(
            "`embedder` reads messages with the language model, `ngrams` without; `auto` takes what is installed",
            must="be auto, embedder or ngrams",
        ),
    ] = "auto"
    heartbeat_url: Annotated[
        str,
        About(
            "An outside watcher to call after each passed audit of the alarms; it alarms when the calls stop",
            must="begin with https:// or http://",
        ),
    ] = Field("", repr=False)
    turn_workers: Annotated[
        int,
        About(
            "How many conversations are worked on at once",
            must="be a whole number from 1 to 256",
        ),
    ] = Field(8, ge=1, le=256)
    rate_burst: Annotated[
        int,
        About(
            "Messages one person may send at once before answers slow down",
            must="be a whole number from 1 to 1000",
        ),
    ] = Field(10, ge=1, le=1000)
    rate_per_minute: Annotated[
        int,
        About(
            "Messages a minute one person may keep sending",
            must="be a whole number from 1 to 1000",
        ),
    ] = Field(20, ge=1, le=1000)
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        About(
            "The least important thing worth a log line",
            must="be DEBUG, INFO, WARNING or ERROR",
        ),
    ] = "INFO"
    log_format: Annotated[
        Literal["console", "json"],
        About(
            "Log lines for a person or for a machine",
            must="be console or json",
        ),
    ] = "console"
    metrics_token: Annotated[
        SecretStr,
        About(
            "The bearer token for `/metrics`; empty: only this machine may read it",
            must="be at least 16 characters",
        ),
    ] = SecretStr("")
    trusted_proxies: Annotated[
        tuple[IPv4Network | IPv6Network, ...],
        About(
            "Addresses of the proxies whose `X-Forwarded-For` is believed, with commas between them",
            must="be addresses or networks with commas between, as in 10.0.0.0/8,127.0.0.1",
        ),
    ] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load_settings` hands over: nothing is read behind its back."""
        return (init_settings,)

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: dict[str, Any]) -> dict[str, Any]:
        values = dict(values)
        if not values.get("public_url"):
            values["public_url"] = f"http://localhost:{values.get('port') or 8080}"
        if not values.get("database_url"):
            values["database_url"] = f"sqlite:///{Path(values.get('data_dir') or 'var') / 'waymark.db'}"
        return values

    @field_validator("country", "log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.strip().upper() if isinstance(value, str) else value

    @field_validator("demo", "telegram_mode", "understanding", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        scheme, _, rest = value.partition("://")
        if scheme == "sqlite":
            _require(rest.startswith("/") and len(rest) > 1 and ":memory:" not in rest)
        else:
            _require(scheme in {"postgresql", "postgres"} and bool(rest))
        return value.replace("postgres://", "postgresql://", 1) if scheme == "postgres" else value

    @field_validator("public_url")
    @classmethod
    def _safe_public_url(cls, value: str) -> str:
        parts = urlsplit(value.rstrip("/"))
        _require(parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.path and not parts.query)
        _require(parts.scheme == "https" or _needs_no_tls(parts.hostname or ""))
        return value.rstrip("/")

    @field_validator("exit_url")
    @classmethod
    def _harmless_address(cls, value: str) -> str:
        parts = urlsplit(value)
        _require(parts.scheme == "https" and bool(parts.hostname))
        return value

    @field_validator("telegram_api_url", "heartbeat_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        parts = urlsplit(value)
        _require(not value or (parts.scheme in {"http", "https"} and bool(parts.hostname)))
        return value.rstrip("/")

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: SecretStr) -> SecretStr:
        parts = urlsplit(value.get_secret_value())
        _require(not value.get_secret_value() or (parts.scheme in {"smtp", "smtps"} and bool(parts.hostname)))
        return value

    @field_validator("master_key", "old_master_key")
    @classmethod
    def _whole_key(cls, value: SecretStr) -> SecretStr:
        _require(not value.get_secret_value() or _decode_key(value.get_secret_value()) is not None)
        return value

    @field_validator("telegram_token")
    @classmethod
    def _token_shape(cls, value: SecretStr) -> SecretStr:
        _require(re.fullmatch(r"(\d+:[\w-]+)?", value.get_secret_value()) is not None)
        return value

    @field_validator("telegram_webhook_secret")
    @classmethod
    def _secret_shape(cls, value: SecretStr) -> SecretStr:
        _require(re.fullmatch(r"([A-Za-z0-9_-]{16,256})?", value.get_secret_value()) is not None)
        return value

    @field_validator("metrics_token")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        _require(not value.get_secret_value() or len(value.get_secret_value()) >= 16)
        return value

    @model_validator(mode="after")
    def _derive_webhook_secret(self) -> Settings:
        token = self.telegram_token.get_secret_value()
        if token and not self.telegram_webhook_secret.get_secret_value():
            derived = hmac.new(token.encode(), b"waymark webhook secret", hashlib.sha256).hexdigest()
            object.__setattr__(self, "telegram_webhook_secret", SecretStr(derived))  # frozen for everyone else
        return self

    @property
    def is_https(self) -> bool:
        """Whether browsers reach us over TLS."""
        return self.public_url.startswith("https://")

    @property
    def has_outside_channel(self) -> bool:
        """Whether people outside this machine can write to us by a channel that needs an account."""
        return bool(self.telegram_token.get_secret_value())


class SettingRow(Struct, frozen=True):
    """One line of the documentation's table of settings."""

    name: str
    default: str
    about: str


def _about(name: str) -> About:
    return next(extra for extra in Settings.model_fields[name].metadata if isinstance(extra, About))


def _row(name: str) -> SettingRow:
    field = Settings.model_fields[name]
    value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    shown = "" if value in ("", ()) else str(value)
    return SettingRow(PREFIX + name.upper(), shown, _about(name).text)


#: The table of settings, in the order of the class. The README carries the same one, and a test compares them.
SETTINGS_TABLE: tuple[SettingRow, ...] = tuple(_row(name) for name in Settings.model_fields)


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
    values: dict[str, Any] = {}
    for name in sorted(given):
        if name in NAMES_READ_ELSEWHERE or name.startswith(PREFIXES_READ_ELSEWHERE):
            continue
        field, value = _field_and_value(name, given[name], problems)
        if field:
            values.setdefault(field, value)
    try:
        settings = Settings(**values)
    except ValidationError as error:
        problems.extend(_sentence(str(detail["loc"][0]), values) for detail in _first_of_each(error))
        raise SettingsWrong(problems) from None
    problems.extend(_contradictions(settings))
    if problems:
        raise SettingsWrong(problems)
    return settings


def master_key_bytes(settings: Settings, *, may_make: bool = True) -> bytes:
    """The master key, from the environment or from its file in the data folder.

    With neither, one is made and stored (mode 0600), but only where nothing can have been sealed with another:
    `may_make=False`, or a database file that holds sealed keys, raises WrongMasterKey with what to do.
    """
    given = settings.master_key.get_secret_value()
    if given:
        return _usable_key(given, "WAYMARK_MASTER_KEY")
    path = settings.data_dir / MASTER_KEY_FILE
    if path.exists():
        return _key_from_file(path)
    database = _sqlite_file(settings.database_url)
    if not may_make or (database is not None and _holds_sealed_keys(database)):
        raise WrongMasterKey(
            f"The key file {path} is missing, and the database was made with a key. "
            "Put that file back, or set WAYMARK_MASTER_KEY to the key it held."
        )
    return _make_key_file(path)


def old_master_key_bytes(settings: Settings) -> bytes | None:
    """The key to rotate away from, or None."""
    given = settings.old_master_key.get_secret_value()
    return _usable_key(given, "WAYMARK_OLD_MASTER_KEY") if given else None


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


def _field_and_value(name: str, value: str, problems: list[str]) -> tuple[str, str]:
    field = name.removeprefix(PREFIX).lower()
    if field in Settings.model_fields:
        return (field, value.strip()) if value.strip() else ("", "")
    if field.endswith("_file") and field.removesuffix("_file") in _secret_fields():
        try:
            return field.removesuffix("_file"), Path(value).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            problems.append(f"{name} names {value}, which cannot be read.")
            return "", ""
    close = difflib.get_close_matches(name, [row.name for row in SETTINGS_TABLE], 1, 0.6)
    hint = f" Did you mean {close[0]}?" if close else ""
    problems.append(f"{name} is not a setting.{hint}")
    return "", ""


def _secret_fields() -> set[str]:
    return {name for name, field in Settings.model_fields.items() if isinstance(field.default, SecretStr)}


def _first_of_each(error: ValidationError) -> list[Any]:
    """One detail a setting: a union reports each of its members."""
    seen: dict[str, Any] = {}
    for detail in error.errors(include_context=False, include_input=False, include_url=False):
        seen.setdefault(str(detail["loc"][0]), detail)
    return list(seen.values())


def _sentence(field: str, values: Mapping[str, Any]) -> str:
    info = Settings.model_fields[field]
    shown = "" if field in _secret_fields() or not info.repr else f"; it is {values.get(field)!r}"
    return f"{PREFIX}{field.upper()} must {_about(field).must}{shown}."


def _contradictions(settings: Settings) -> list[str]:
    problems = []
    if settings.telegram_mode == "webhook":
        if not settings.telegram_token.get_secret_value():
            problems.append("WAYMARK_TELEGRAM_MODE is webhook, but WAYMARK_TELEGRAM_TOKEN is empty.")
        elif settings.telegram_api_url == TELEGRAM_API and not settings.is_https:
            problems.append("WAYMARK_TELEGRAM_MODE is webhook: Telegram calls only a WAYMARK_PUBLIC_URL with https://.")
    if settings.smtp_url.get_secret_value() and not settings.mail_from:
        problems.append("WAYMARK_SMTP_URL is given, but WAYMARK_MAIL_FROM is empty.")
    if settings.data_dir.exists() and not settings.data_dir.is_dir():
        problems.append(f"WAYMARK_DATA_DIR is {settings.data_dir}, which is not a folder.")
    return problems


def _needs_no_tls(host: str) -> bool:
    return host in {"localhost", "127.0.0.1", "::1"} or host.endswith((".localhost", ".onion"))


def _require(holds: bool) -> None:
    if not holds:
        raise ValueError("not usable")


def _decode_key(text: str) -> bytes | None:
    text = text.strip()
    if re.fullmatch(r"[0-9a-fA-F]{64}", text):
        return bytes.fromhex(text)
    try:
        padded = text.translate(str.maketrans("-_", "+/")) + "=" * (-len(text) % 4)
        key = base64.b64decode(padded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == MASTER_KEY_BYTES else None


def _usable_key(text: str, where: str) -> bytes:
    key = _decode_key(text)
    if key is None:
        raise WrongMasterKey(f"{where} does not hold a key: it must be 32 bytes in base64 or hex.")
    if len(set(key)) < 8:
        raise WrongMasterKey(f"{where} holds a key that anyone could guess. Make one with: openssl rand -base64 32")
    return key


def _key_from_file(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise WrongMasterKey(f"The key file {path} can be read by others. Close it with: chmod 600 {path}")
    return _usable_key(path.read_text("ascii", errors="replace"), f"The key file {path}")


def _make_key_file(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    key = os.urandom(MASTER_KEY_BYTES)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(key) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # fails if another process was first: then its key is the key
    except FileExistsError:
        return _key_from_file(path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    return key


def _holds_sealed_keys(database: Path) -> bool:
    """Whether something in this file was sealed already. A file that cannot be read counts as one that was."""
    if not database.exists() or database.stat().st_size == 0:
        return False
    try:
        with closing(sqlite3.connect(f"file:{quote(str(database.absolute()))}?mode=ro", uri=True)) as file:
            tables = file.execute("SELECT 1 FROM sqlite_master WHERE name = 'data_keys'").fetchone()
            return tables is not None and file.execute("SELECT 1 FROM data_keys LIMIT 1").fetchone() is not None
    except sqlite3.Error:
        return True


def _sqlite_file(url: str) -> Path | None:
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None
