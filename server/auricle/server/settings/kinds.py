"""Kinds of settings: what values they take, as text of flags and variables, as TOML, and as words for people."""

import json
import math
import re
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

from auricle.core.node import MOST_NODE, is_node_name

Value = str | int | float | bool | tuple[str, ...] | None
"""The value of a setting; None where it is not set."""
SHOWN: Final = 60
"""Characters of a wrong value that an error quotes."""
_YES: Final = ("1", "true", "yes", "on")
_NO: Final = ("0", "false", "no", "off")


class BadValue(ValueError):
    """A value that a setting does not take. The message is what it takes, as a clause: ``a number above 0``."""


class Kind(Protocol):
    """What values a setting takes."""

    @property
    def takes(self) -> str:
        """What it takes, in words, with the unit: ``a number of seconds above 0``."""

    def from_text(self, text: str) -> Value:
        """Return the value that a flag or a variable says. Raises `BadValue`."""

    def from_toml(self, value: object) -> Value:
        """Return the value that a file says. Raises `BadValue`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A whole number, its bounds among those that are taken."""

    least: int
    most: int
    unit: str = ""

    @property
    def takes(self) -> str:
        """As `Kind.takes`."""
        of = f" of {self.unit}" if self.unit else ""
        return f"a whole number{of} from {self.least} to {self.most}"

    def from_text(self, text: str) -> int:
        """As `Kind.from_text`."""
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
            raise BadValue(self.takes)
        return self.from_toml(int(text))

    def from_toml(self, value: object) -> int:
        """As `Kind.from_toml`."""
        if type(value) is not int or not self.least <= value <= self.most:
            raise BadValue(self.takes)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number within bounds, which are taken themselves; a bound of 0 only with ``may_be_zero``."""

    least: float = 0.0
    most: float = 1e9
    unit: str = "seconds"
    may_be_zero: bool = False
    may_be_infinite: bool = False

    @property
    def takes(self) -> str:
        """As `Kind.takes`."""
        from_ = "above 0" if self.least == 0 and not self.may_be_zero else f"from {self.least:g}"
        to = "" if self.most == 1e9 else f" to {self.most:g}"
        return f"a number of {self.unit} {from_}{to}{', or inf for never' if self.may_be_infinite else ''}"

    def from_text(self, text: str) -> float:
        """As `Kind.from_text`."""
        try:
            return self.from_toml(float(text))
        except ValueError:
            raise BadValue(self.takes) from None

    def from_toml(self, value: object) -> float:
        """As `Kind.from_toml`."""
        if type(value) not in (int, float):
            raise BadValue(self.takes)
        number = float(str(value))
        if number == math.inf and self.may_be_infinite:
            return number
        # A comparison with what is no number is false.
        within = self.least <= number <= self.most and (number > 0 or self.may_be_zero)
        if not within:
            raise BadValue(self.takes)
        return number


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeName:
    """The name of a node, as `auricle.core.node` has them."""

    @property
    def takes(self) -> str:
        """As `Kind.takes`."""
        return f"up to {MOST_NODE} letters, digits, hyphens and underscores"

    def from_text(self, text: str) -> str:
        """As `Kind.from_text`."""
        return self.from_toml(text)

    def from_toml(self, value: object) -> str:
        """As `Kind.from_toml`."""
        if not isinstance(value, str) or not is_node_name(value):
            raise BadValue(self.takes)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Any text, of the kind that ``what`` says: ``a file``."""

    what: str = "text"

    @property
    def takes(self) -> str:
        """As `Kind.takes`."""
        return self.what

    def from_text(self, text: str) -> str:
        """As `Kind.from_text`."""
        return self.from_toml(text)

    def from_toml(self, value: object) -> str:
        """As `Kind.from_toml`."""
        if not isinstance(value, str) or "\0" in value:
            raise BadValue(self.takes)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A text that is not shown, with at least so many characters."""

    least: int

    @property
    def takes(self) -> str:
        """As `Kind.takes`."""
        return f"at least {self.least} characters"

    def from_text(self, text: str) -> str:
        """As `Kind.from_text`."""
        return self.from_toml(text)

    def from_toml(self, value: object) -> str:
        """As `Kind.from_toml`."""
        if not isinstance(value, str) or len(value) < self.least:
            raise BadValue(self.takes)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of some words."""

    words: tuple[str, ...]

    @property
    def takes(self) -> str:
        """As `Kind.takes`."""
        return " or ".join((", ".join(self.words[:-1]), self.words[-1]))

    def from_text(self, text: str) -> str:
        """As `Kind.from_text`."""
        return self.from_toml(text.lower())

    def from_toml(self, value: object) -> str:
        """As `Kind.from_toml`."""
        if not isinstance(value, str) or value not in self.words:
            raise BadValue(self.takes)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """Yes or no."""

    @property
    def takes(self) -> str:
        """As `Kind.takes`."""
        return "true or false"

    def from_text(self, text: str) -> bool:
        """As `Kind.from_text`."""
        if text.lower() not in (*_YES, *_NO):
            raise BadValue(self.takes)
        return text.lower() in _YES

    def from_toml(self, value: object) -> bool:
        """As `Kind.from_toml`."""
        if not isinstance(value, bool):
            raise BadValue(self.takes)
        return value


@dataclass(frozen=True, slots=True)
class Origins:
    """Origins of pages, as browsers say them (RFC 6454). A variable has commas between them."""

    @property
    def takes(self) -> str:
        """As `Kind.takes`."""
        return "schemes and hosts, as in https://app.example:8443"

    def from_text(self, text: str) -> tuple[str, ...]:
        """As `Kind.from_text`."""
        return self.from_toml([item for each in text.split(",") if (item := each.strip())])

    def from_toml(self, value: object) -> tuple[str, ...]:
        """As `Kind.from_toml`."""
        if not isinstance(value, list):
            raise BadValue(f"a list of {self.takes}")
        return tuple(map(self._origin, value))

    def _origin(self, item: object) -> str:
        try:
            parts = urlsplit(item if isinstance(item, str) else "")
        except ValueError:
            raise BadValue(self.takes) from None
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/") or parts.query:
            raise BadValue(self.takes)
        return f"{parts.scheme}://{parts.netloc.lower()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Several texts that are all different, of the kind that ``what`` says. A variable has commas between them."""

    what: str

    @property
    def takes(self) -> str:
        """As `Kind.takes`."""
        return f"{self.what}, each of them once"

    def from_text(self, text: str) -> tuple[str, ...]:
        """As `Kind.from_text`."""
        return self.from_toml([item for each in text.split(",") if (item := each.strip())])

    def from_toml(self, value: object) -> tuple[str, ...]:
        """As `Kind.from_toml`; a text alone is one of them."""
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list):
            raise BadValue(f"a list of {self.takes}")
        names = tuple(item for item in items if isinstance(item, str) and item.strip() and "\0" not in item)
        if len(names) < len(items) or len(set(names)) < len(names):
            raise BadValue(self.takes)
        return names


def as_toml(value: Value) -> str:
    """Return a value that is set as TOML has it. JSON's strings are TOML's, but for the letter DEL."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case tuple():
            return f"[{', '.join(as_toml(each) for each in value)}]"
        case float():
            return repr(value)
        case None:
            raise ValueError("TOML has no word for what is not set")
        case _:
            return str(value)


def quoted(value: object) -> str:
    """Return a wrong value for an error."""
    shown = repr(value)
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]} …"
