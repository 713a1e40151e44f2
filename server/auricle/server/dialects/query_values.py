"""Values of query parameters, as the clients of other services write them."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qs

Query = Mapping[str, Sequence[str]]
"""Parameter to its values, in order; a parameter may be repeated."""
MAX_PARAMETERS: Final = 1_000

_TRUE: Final = frozenset({"true", "1", "yes", "on"})
_FALSE: Final = frozenset({"", "false", "0", "no", "off", "none", "null"})


def parse_query(query: str) -> Query:
    """Return the parameters of a query. One that is no query, or has too many of them, is empty."""
    try:
        return parse_qs(query, keep_blank_values=True, errors="replace", max_num_fields=MAX_PARAMETERS)
    except ValueError:
        return {}


def last(query: Query, name: str) -> str | None:
    """Return the value of a parameter, the last where it is repeated; None where there is none."""
    values = query.get(name)
    return values[-1].strip() if values else None


def is_on(value: str | None, *, default: bool = False) -> bool:
    """Whether a flag is on. A value that is neither true nor false, such as a version, asks for the feature."""
    if value is None:
        return default
    return value.lower() not in _FALSE


def is_plain_flag(value: str) -> bool:
    """Whether a value is one of a flag."""
    return value.lower() in _TRUE | _FALSE


def whole(value: str | None) -> int | None:
    """Return a number that is written as an integer, or as a float without a fraction; None for anything else."""
    try:
        number = float(value) if value is not None and len(value) <= 20 else None
    except ValueError:
        return None
    return int(number) if number is not None and number.is_integer() and abs(number) < 2**53 else None
