"""The file of keys: JSON, readable by its owner alone, with hashes instead of secrets.

It is replaced as a whole, under a lock: whoever reads it finds the old keys or the new ones. A file that is something
else is never written over.
"""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from auricle.server.durable_file import why
from auricle.server.keys.api_key import ApiKey
from auricle.server.keys.replaced_file import locked, replace
from auricle.server.keys.scopes import Scope

VERSION: Final = 1
MOST_BYTES: Final = 16 * 2**20


class KeyFileError(Exception):
    """The file of keys cannot be used. The message is one sentence with what to do."""


def read_keys(path: str) -> tuple[ApiKey, ...]:
    """Return the keys of a file. Raises `KeyFileError`."""
    try:
        with open(path, "rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise KeyFileError(
            f"There is no file of keys {path}: `auricle keys add NAME --keys-file {path}` makes one."
        ) from None
    except OSError as error:
        raise KeyFileError(f"Cannot read the keys of {path}: {why(error)}.") from None
    return _parsed(data, path)


def change_keys(path: str, change: Callable[[tuple[ApiKey, ...]], tuple[ApiKey, ...]]) -> None:
    """Replace the keys of a file, which is made where there is none, by what ``change`` makes of them.

    What ``change`` raises is raised, and changes nothing. Raises `KeyFileError`.
    """
    target = Path(os.path.realpath(path))
    try:
        with locked(target.parent):
            before = _parsed(target.read_bytes(), path) if target.exists() else ()
            text = _written(change(before))
            _parsed(text.encode(), path)  # what could not be read again is not written
            replace(target, text)
    except OSError as error:
        raise KeyFileError(f"Cannot write the keys of {path}: {why(error)}.") from None


def _written(keys: tuple[ApiKey, ...]) -> str:
    return json.dumps({"auricle_keys": VERSION, "keys": [_as_json(key) for key in keys]}, indent=2) + "\n"


def _as_json(key: ApiKey) -> dict[str, object]:
    fields: dict[str, object] = {
        "name": key.name,
        "prefix": key.prefix,
        "sha256": key.digest,
        "created": key.created.isoformat(),
        "expires": None if key.expires is None else key.expires.isoformat(),
        "scopes": sorted(scope.value for scope in key.scopes),
        "sessions": key.sessions,
        "requests_per_minute": key.requests_per_minute,
        "audio_minutes_per_day": key.audio_minutes_per_day,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _parsed(data: bytes, path: str) -> tuple[ApiKey, ...]:
    wrong = f"{path} is no file of keys"
    if len(data) > MOST_BYTES:
        raise KeyFileError(f"{wrong}: it has more than {MOST_BYTES} bytes.")
    try:
        body = json.loads(data)
        version, keys = body["auricle_keys"], body["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise KeyFileError(f"{wrong}, and is left as it is: name another one.") from None
    if version != VERSION:
        raise KeyFileError(f"{path} is of version {version!r}, and this program knows {VERSION}.")
    read = []
    for number, entry in enumerate(keys if isinstance(keys, list) else [None], 1):
        try:
            read.append(_key(entry))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise KeyFileError(f"Key {number} of {path} cannot be read: {_detail(error)}.") from None
    for name, values in (("name", [key.name for key in read]), ("prefix", [key.prefix for key in read])):
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise KeyFileError(f"{path} has the {name} {twice!r} twice: remove one of the two.")
    return tuple(read)


def _key(entry: Any) -> ApiKey:
    known = {
        "name", "prefix", "sha256", "created", "expires", "scopes", "sessions", "requests_per_minute",
        "audio_minutes_per_day",
    }  # fmt: skip
    strange = entry.keys() - known
    if strange:
        raise ValueError(f"{min(strange)!r} means nothing there")
    return ApiKey(
        name=_text(entry["name"]),
        prefix=_text(entry["prefix"]),
        digest=_digest(entry["sha256"]),
        created=_time(entry["created"]),
        expires=None if entry.get("expires") is None else _time(entry["expires"]),
        scopes=frozenset(map(Scope, entry.get("scopes", [Scope.TRANSCRIBE]))),
        sessions=_count(entry.get("sessions")),
        requests_per_minute=_count(entry.get("requests_per_minute")),
        audio_minutes_per_day=_amount(entry.get("audio_minutes_per_day")),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text is missing")
    return value


def _digest(value: object) -> str:
    if not isinstance(value, str) or len(value) != 64 or set(value) - set("0123456789abcdef"):
        raise ValueError("sha256 is 64 hexadecimal digits")
    return value


def _time(value: object) -> datetime:
    read = datetime.fromisoformat(_text(value))
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def _count(value: object) -> int | None:
    if value is not None and (type(value) is not int or value < 1):
        raise ValueError("a limit is a whole number of at least 1")
    return value


def _amount(value: object) -> float | None:
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 < float(str(value)) < float("inf"):
        raise ValueError("a limit is a number above 0")
    return float(str(value))


def _detail(error: Exception) -> str:
    return f"it has no {error}" if isinstance(error, KeyError) else str(error).rstrip(".")
