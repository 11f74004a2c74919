"""Settings: read once from files and the environment, validated, frozen."""

from __future__ import annotations

import difflib
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
CONFIG_FOLDER = PROJECT_FOLDER / "config"
MIGRATIONS_FOLDER = PROJECT_FOLDER / "migrations"

PREFIX = "WIJKECONOMIE_"
# Names that are set by everyone's habit rather than by our scheme.
WELL_KNOWN = {
    "DATABASE_URL": "database.url",
    "DATABASE_OWNER_URL": "database.owner_url",
    "WIJKECONOMIE_HOME": "service.home",
}
CHOICES = {
    "security.password_hashing": ("standard", "cheap"),
    "logging.level": ("DEBUG", "INFO", "WARNING", "ERROR"),
    "logging.format": ("text", "json"),
}


class SettingsError(Exception):
    """A setting is unknown, missing or unusable; the message names it and says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a process needs to know before it starts."""

    service_home: Path
    service_external_url: str
    service_time_zone: ZoneInfo
    service_production: bool
    server_host: str
    server_port: int
    server_threads: int
    worker_hands: int
    worker_look_every_s: int
    database_url: str
    database_owner_url: str
    database_pool_size: int
    security_secret_key: str
    security_session_days: int
    security_password_hashing: str
    security_login_attempts: str
    mail_host: str
    mail_port: int
    mail_encrypted: bool
    mail_username: str
    mail_password: str
    mail_sender: str
    logging_level: str
    logging_format: str

    @property
    def is_embedded(self) -> bool:
        """Whether the database is our own embedded PostgreSQL."""
        return not self.database_url

    @property
    def external_url(self) -> str:
        """Address that members use, without a slash at the end."""
        plain = f"http://{self.server_host}:{self.server_port}"
        return (self.service_external_url or plain).rstrip("/")


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the defaults, the file that ``WIJKECONOMIE_CONFIG`` names, and the environment.

    Raises:
        SettingsError: an unknown name, a value of the wrong kind, or, in production, a
            value that is missing. The message names the setting and where it stood.
    """
    values = _flatten(_read_toml(CONFIG_FOLDER / "default.toml"))
    if named := environ.get(f"{PREFIX}CONFIG"):
        path = Path(named)
        _override(values, _flatten(_read_toml(path)), where=str(path))
    _override(values, _from_environment(environ, values), where="the environment")
    return _validated(values)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read settings file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"settings file {path} is not valid TOML: {error}") from error


def _flatten(tables: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for section, table in tables.items():
        if not isinstance(table, dict):
            raise SettingsError(f"{section} must stand in a section such as [service]")
        flat.update({f"{section}.{name}": value for name, value in table.items()})
    return flat


def _from_environment(environ: Mapping[str, str], known: Mapping[str, Any]) -> dict[str, str]:
    by_name = {f"{PREFIX}{key.replace('.', '_').upper()}": key for key in known} | WELL_KNOWN
    found: dict[str, str] = {}
    for name, value in environ.items():
        if name in by_name:
            found[by_name[name]] = value
        elif name.startswith(PREFIX) and name != f"{PREFIX}CONFIG":
            raise SettingsError(f"unknown setting {name}{_suggestion(name, by_name)}")
    return found


def _suggestion(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else "; docs/settings.md lists them"


def _override(values: dict[str, Any], changes: Mapping[str, Any], *, where: str) -> None:
    for key, value in changes.items():
        if key not in values:
            raise SettingsError(f"unknown setting {key} in {where}{_suggestion(key, values)}")
        values[key] = _converted(key, value, like=values[key], where=where)


def _converted(key: str, value: object, *, like: object, where: str) -> object:
    if isinstance(like, bool):
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if str(value).lower() in words:
            return words[str(value).lower()]
        raise SettingsError(f"{key} in {where} must be true or false, not {value!r}")
    if isinstance(like, int):
        if str(value).isdecimal():
            return int(str(value))
        raise SettingsError(f"{key} in {where} must be a whole number, not {value!r}")
    if not isinstance(value, str):
        raise SettingsError(f"{key} in {where} must be text, not {value!r}")
    return value


def _validated(values: dict[str, Any]) -> Settings:
    for key, allowed in CHOICES.items():
        if values[key] not in allowed:
            raise SettingsError(f"{key} must be one of {', '.join(allowed)}, not {values[key]!r}")
    if not 0 < values["server.port"] < 65_536:
        raise SettingsError(f"server.port must be 1 to 65535, not {values['server.port']}")
    for key in ("worker.hands", "worker.look_every_s"):
        if values[key] < 1:
            raise SettingsError(f"{key} must be 1 at least")
    try:
        values["service.time_zone"] = ZoneInfo(values["service.time_zone"])
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SettingsError(f"service.time_zone is not a known zone: {error}") from error
    for key in ("database.url", "database.owner_url"):
        values[key] = _database_address(key, values[key])
    if values["service.production"]:
        _require_for_production(values)
    values["service.home"] = Path(values["service.home"]).expanduser().absolute()
    return Settings(**{key.replace(".", "_"): value for key, value in values.items()})


def _database_address(key: str, value: str) -> str:
    scheme, separator, rest = value.partition("://")
    if not value:
        return ""
    if not separator or scheme.partition("+")[0] not in {"postgresql", "postgres"}:
        raise SettingsError(f"{key} must be an address as in postgresql://user@host/database")
    return f"postgresql+psycopg://{rest}"


def _require_for_production(values: Mapping[str, Any]) -> None:
    needed = (
        "database.url",
        "database.owner_url",
        "security.secret_key",
        "service.external_url",
    )
    if missing := [key for key in needed if not values[key]]:
        raise SettingsError(f"in production these settings must be given: {', '.join(missing)}")
    if values["security.password_hashing"] != "standard":
        raise SettingsError("security.password_hashing must be standard in production")


def secret_key(settings: Settings) -> str:
    """The key that signs sessions: as set, else made once and kept in the home folder."""
    if settings.security_secret_key:
        return settings.security_secret_key
    path = settings.service_home / "secret_key"
    if not path.exists():
        settings.service_home.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48), encoding="ascii")
        try:
            path.hardlink_to(draft)  # the first of several processes wins
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii")
