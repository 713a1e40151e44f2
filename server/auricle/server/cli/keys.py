"""``auricle keys``: make, list and revoke the API keys of a server."""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from auricle.server.cli.exit_codes import Exit
from auricle.server.cli.option_errors import OptionError
from auricle.server.keys.access import utc_now
from auricle.server.keys.api_key import ApiKey, digest_of, new_secret, spelt
from auricle.server.keys.day_audio import DayAudio
from auricle.server.keys.key_file import KeyFileError, change_keys, read_keys
from auricle.server.keys.scopes import Scope
from auricle.server.keys.usage_file import UsageFile, UsageFileError

_FORMAT: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@-]{0,62}[A-Za-z0-9])?")
_AFTER: Final = re.compile(r"([1-9][0-9]{0,4})([dhm])")
_UNITS: Final = {"d": "days", "h": "hours", "m": "minutes"}
_RELOAD: Final = "A running server reads its keys again at SIGHUP."


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """What is wanted of a new key. A limit of None is no limit."""

    file: str
    name: str
    expires: str | None = None
    scopes: tuple[Scope, ...] = ()
    sessions: int | None = None
    requests_per_minute: int | None = None
    audio_minutes_per_day: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A key that is there."""

    file: str
    name: str


async def add(wanted: NewKey) -> Exit:
    """Make a key and print it, which is the only time that anybody sees it. Raises `OptionError`."""
    if not _FORMAT.fullmatch(wanted.name):
        raise OptionError("A name of a key has letters, digits and . _ @ -, as in app or alice@example.org.")
    now = datetime.now(UTC).replace(microsecond=0)
    presented = new_secret()
    key = ApiKey(
        name=wanted.name,
        prefix=presented.prefix,
        digest=digest_of(presented.secret),
        created=now,
        expires=None if wanted.expires is None else _expiry(wanted.expires, now),
        scopes=frozenset(wanted.scopes) or frozenset({Scope.TRANSCRIBE}),
        sessions=wanted.sessions,
        requests_per_minute=wanted.requests_per_minute,
        audio_minutes_per_day=wanted.audio_minutes_per_day,
    )

    def added(keys: tuple[ApiKey, ...]) -> tuple[ApiKey, ...]:
        if any(each.name == key.name for each in keys):
            raise OptionError(f"There is a key {key.name} already: revoke it, or choose another name.")
        return (*keys, key)

    _change(wanted.file, added)
    print(
        f"The key of {key.name}, which is shown this once; {wanted.file} has its hash alone. {_RELOAD}", file=sys.stderr
    )
    print(spelt(presented))
    return Exit.GOOD


async def revoke(named: Named) -> Exit:
    """Take a key away. Raises `OptionError`."""

    def left(keys: tuple[ApiKey, ...]) -> tuple[ApiKey, ...]:
        rest = tuple(key for key in keys if key.name != named.name)
        if len(rest) == len(keys):
            known = ", ".join(key.name for key in keys) or "none"
            raise OptionError(f"There is no key {named.name} in {named.file}; there are {known}.")
        return rest

    read_keys_of(named.file)  # nothing is made where there is nothing
    _change(named.file, left)
    print(f"The key of {named.name} is revoked. {_RELOAD}", file=sys.stderr)
    return Exit.GOOD


def print_keys(file: str, usage_file: str | None, *, as_json: bool) -> None:
    """Print the keys of a file, without their hashes, and the audio that they have had today, where that is kept.

    Raises `OptionError`.
    """
    keys, today = read_keys_of(file), None if usage_file is None else _today(usage_file)
    if as_json:
        print(json.dumps([_document(key, today) for key in keys], indent=2))
        return
    head = ("NAME", "KEY", "SCOPES", "EXPIRES", "SESSIONS", "REQUESTS/MIN", "AUDIO MIN/DAY", "TODAY")
    rows = [head, *(_row(key, today) for key in keys)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def read_keys_of(file: str) -> tuple[ApiKey, ...]:
    """Return the keys of a file. Raises `OptionError`."""
    try:
        return read_keys(file)
    except KeyFileError as error:
        raise OptionError(str(error)) from error


def _change(file: str, change: Callable[[tuple[ApiKey, ...]], tuple[ApiKey, ...]]) -> None:
    try:
        change_keys(file, change)
    except KeyFileError as error:
        raise OptionError(str(error)) from error


def _expiry(text: str, now: datetime) -> datetime:
    """Return when a key ends: a time of ISO 8601, in UTC without a zone, or ``90d``, ``12h``, ``30m`` from now."""
    after = _AFTER.fullmatch(text)
    try:
        if after is not None:
            return now + timedelta(**{_UNITS[after[2]]: int(after[1])})
        given = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise OptionError(
            f"--expires takes a date, as in 2027-12-31, or a time from now, as in 90d, and not {text!r}."
        ) from None
    expires = given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    if expires <= now:
        raise OptionError(f"--expires {text} is over already.")
    return expires


def _today(file: str) -> DayAudio:
    try:
        return UsageFile(file).of(utc_now().date())
    except UsageFileError as error:
        raise OptionError(str(error)) from error


def _document(key: ApiKey, today: DayAudio | None) -> dict[str, object]:
    return {
        "name": key.name,
        "prefix": key.prefix,
        "created": key.created.isoformat(),
        "expires": None if key.expires is None else key.expires.isoformat(),
        "expired": key.has_expired(datetime.now(UTC)),
        "scopes": sorted(key.scopes),
        "sessions": key.sessions,
        "requests_per_minute": key.requests_per_minute,
        "audio_minutes_per_day": key.audio_minutes_per_day,
        "audio_minutes_today": None if today is None else round(today.seconds(key.prefix) / 60, 3),
    }


def _row(key: ApiKey, today: DayAudio | None) -> tuple[str, ...]:
    expires = "never" if key.expires is None else f"{key.expires:%Y-%m-%d %H:%M}"
    over = " (over)" if key.has_expired(datetime.now(UTC)) else ""
    limits = (key.sessions, key.requests_per_minute, key.audio_minutes_per_day)
    told = ("-" if limit is None else f"{limit:g}" for limit in limits)
    had = "-" if today is None else f"{today.seconds(key.prefix) / 60:.1f}"
    return (key.name, f"ak_{key.prefix}.…", ",".join(sorted(key.scopes)), f"{expires}{over}", *told, had)
