"""Where settings come from: flags, the environment, a TOML file. What is no setting is refused, with the nearest."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from auricle.server.durable_file import why
from auricle.server.settings.kinds import BadValue, Value, quoted
from auricle.server.settings.schema import PREFIX, SETTINGS, Setting

FILE_VARIABLE: Final = "AURICLE_CONFIG"
"""The variable with the path of the file, which ``--config`` names too."""
OTHER_VARIABLES: Final = (FILE_VARIABLE, "AURICLE_URL", "AURICLE_API_KEY", "AURICLE_TRACE", "AURICLE_TRACE_AUDIO")
"""Variables of ours that are no settings of the server."""
_BY_VARIABLE: Final = {setting.variable: setting for setting in SETTINGS.values()}
MOST_BYTES: Final = 2**20
"""A file of settings that is longer is none."""
_NEAR_KEY: Final = 0.6
_NEAR_VARIABLE: Final = 0.8
"""How much alike a stranger's variable and one of ours must be to be a slip of the pen; others are somebody else's."""


class SettingsError(Exception):
    """The settings cannot be used. The message is one sentence with what to do."""


class Origin(StrEnum):
    """Kinds of sources, the strongest first."""

    FLAG = "flag"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


class Source(NamedTuple):
    """Where a value comes from."""

    origin: Origin
    where: str = ""
    """The flag, the variable, or the file with its line; empty for a default."""

    def __str__(self) -> str:
        return self.where or self.origin.value


class Given(NamedTuple):
    """A value that somebody has given."""

    value: Value
    source: Source


def read_flags(flags: Mapping[str, Value]) -> dict[str, Given]:
    """Return what flags say, by the names of their settings; None and nothing are not given. Raises `SettingsError`."""
    given = {}
    for name, value in flags.items():
        setting = SETTINGS[name]
        if value is None or value == ():
            continue
        source = Source(Origin.FLAG, setting.flag)
        given[name] = Given(_checked(setting, value, source), source)
    return given


def read_environment(environment: Mapping[str, str]) -> dict[str, Given]:
    """Return what variables say; an empty one says nothing. Raises `SettingsError`, for nearly ours too."""
    given = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or variable in OTHER_VARIABLES or not text:
            continue
        setting = _BY_VARIABLE.get(variable)
        if setting is None:
            _refuse_slip(variable)
        elif not _is_service_link(setting, text):
            source = Source(Origin.ENVIRONMENT, variable)
            given[setting.name] = Given(_checked(setting, text.strip(), source), source)
    return given


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A file of settings that has been read."""

    path: Path
    text: str

    def given(self) -> dict[str, Given]:
        """Return what it says. Raises `SettingsError`."""
        given = {}
        for key, value in self._parsed().items():
            setting = SETTINGS.get(key)
            if setting is None:
                near = get_close_matches(key, list(SETTINGS), n=1, cutoff=_NEAR_KEY)
                other = f"; the nearest is {near[0]}" if near else "; `auricle config` prints those that there are"
                raise SettingsError(f"{self._where(key)}: there is no setting {quoted(key)}{other}.")
            source = Source(Origin.FILE, self._where(key))
            try:
                given[key] = Given(setting.kind.from_toml(value), source)
            except BadValue as bad:
                raise _wrong(setting, value, source, bad) from None
        return given

    def _parsed(self) -> dict[str, object]:
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{self.path} is no TOML: {str(error).rstrip('.')}.") from None

    def _where(self, key: str) -> str:
        """Return the path with the line on which a key stands, where that is plain to see."""
        stands = re.compile(rf"""\s*\[?\s*["']?{re.escape(key)}["']?\s*[=.\]]""")
        line = next((number for number, line in enumerate(self.text.splitlines(), 1) if stands.match(line)), None)
        return str(self.path) if line is None else f"{self.path}:{line}"


def read_file(path: str) -> SettingsFile:
    """Read a file of settings. Raises `SettingsError`."""
    try:
        with open(path, "rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise SettingsError(f"{path} is no file of settings: it has more than {MOST_BYTES} bytes.")
        return SettingsFile(Path(path), data.decode("utf-8"))
    except OSError as error:
        raise SettingsError(f"Cannot read the settings of {path}: {why(error)}.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is no TOML: it is not in UTF-8.") from None


def _checked(setting: Setting, value: Value, source: Source) -> Value:
    """Return the value of what a flag or a variable says: text, unless the flag is a switch or was given again."""
    try:
        if isinstance(value, str):
            return setting.kind.from_text(value)
        return setting.kind.from_toml(list(value) if isinstance(value, tuple) else value)
    except BadValue as bad:
        raise _wrong(setting, value, source, bad) from None


def _wrong(setting: Setting, value: object, source: Source, bad: BadValue) -> SettingsError:
    who = f"{source}: {setting.name}" if source.origin is Origin.FILE else str(source)
    if setting.secret:
        return SettingsError(f"{who} takes {bad}.")
    return SettingsError(f"{who} takes {bad}, and not {quoted(value)}.")


def _refuse_slip(variable: str) -> None:
    ours = [each.removeprefix(PREFIX) for each in _BY_VARIABLE]
    near = get_close_matches(variable.removeprefix(PREFIX), ours, n=1, cutoff=_NEAR_VARIABLE)
    if near:
        raise SettingsError(f"There is no variable {quoted(variable)}; the nearest is {PREFIX}{near[0]}.")


def _is_service_link(setting: Setting, text: str) -> bool:
    """Whether Kubernetes has set the variable, for a service named ``auricle``: ``AURICLE_PORT=tcp://10.0.0.7:8765``."""
    return setting.name == "port" and "://" in text
