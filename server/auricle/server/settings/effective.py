"""The effective settings: the strongest source of each one wins, and everybody can see which that was."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from auricle.server.settings.kinds import Value, as_toml
from auricle.server.settings.schema import SETTINGS, Group, Setting
from auricle.server.settings.sources import (
    FILE_VARIABLE,
    Given,
    Origin,
    SettingsFile,
    Source,
    read_environment,
    read_file,
    read_flags,
)

MASK: Final = "********"
"""What stands for a secret."""
_DEFAULT: Final = Source(Origin.DEFAULT)


@dataclass(frozen=True, slots=True)
class Effective:
    """The effective settings of a server."""

    given: Mapping[str, Given]
    """Every setting by its name, with its source."""
    file: SettingsFile | None
    """The file that was read; None where none was named."""

    def value(self, name: str) -> Value:
        """Return the value of a setting."""
        return self.given[name].value

    def changes(self, later: "Effective") -> tuple[Setting, ...]:
        """Return the settings whose values are others in ``later``."""
        return tuple(setting for name, setting in SETTINGS.items() if self.given[name].value != later.given[name].value)

    def as_toml(self, *, explains: bool) -> str:
        """Return the settings as a file that would say the same but for secrets, with where each value comes from.

        ``explains``: with what each one means, too.
        """
        lines: list[str] = [] if self.file is None else [f"# read: {self.file.path}"]
        width = max(len(_entry(name, given)) for name, given in self.given.items() if len(_entry(name, given)) < 50)
        for group in Group:
            lines += ["", f"# {group}"]
            for setting in (each for each in SETTINGS.values() if each.group is group):
                if explains:
                    lines += ["", f"# {setting.help} It is {setting.kind.takes}."]
                given = self.given[setting.name]
                why = f": {setting.unset}" if given.value is None else ""
                lines.append(f"{_entry(setting.name, given):{width}}  # {given.source}{why}")
        return "\n".join(lines).lstrip("\n") + "\n"

    def as_document(self) -> dict[str, dict[str, object]]:
        """Return the settings as a JSON object; infinity, which JSON does not have, is a string."""
        return {
            name: {
                "value": _shown(name, given.value),
                "source": given.source.origin.value,
                "where": given.source.where or None,
            }
            for name, given in self.given.items()
        }


def effective(flags: Mapping[str, Value], environment: Mapping[str, str], file: str | None) -> Effective:
    """Return the settings that flags, variables and a file make: flag, variable, file, default, the strongest first.

    ``file`` is what ``--config`` says; None leaves it to its variable. Raises `SettingsError`.
    """
    path = file or environment.get(FILE_VARIABLE) or None
    read = None if path is None else read_file(path)
    sources = (read_flags(flags), read_environment(environment), {} if read is None else read.given())
    given = {}
    for name, setting in SETTINGS.items():
        said = next((source[name] for source in sources if name in source), None)
        given[name] = Given(setting.default, _DEFAULT) if said is None else said
    return Effective(given, read)


def _entry(name: str, given: Given) -> str:
    if given.value is None or SETTINGS[name].secret:
        return f"# {name} ={'' if given.value is None else ' ' + MASK}"
    return f"{name} = {as_toml(given.value)}"


def _shown(name: str, value: Value) -> Value:
    if SETTINGS[name].secret and value is not None:
        return MASK
    return "inf" if value == float("inf") else value
