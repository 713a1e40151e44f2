"""What values settings take, from text and from TOML, and that what is printed is read as the same."""

import math
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.server.settings.kinds import (
    BadValue,
    Choice,
    Kind,
    Names,
    Number,
    Origins,
    Switch,
    Text,
    Value,
    Whole,
    as_toml,
    quoted,
)

PORT = Whole(least=0, most=65_535)
SECONDS = Number()
FOR_EVER = Number(may_be_zero=True, may_be_infinite=True)
SILENCE = Number(least=0.1, most=10)
FORMAT = Choice(words=("auto", "text", "json"))


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (PORT, "0", 0),
        (PORT, "65535", 65_535),
        (SECONDS, "2.5", 2.5),
        (SECONDS, "60", 60.0),
        (FOR_EVER, "inf", math.inf),
        (FOR_EVER, "0", 0.0),
        (FORMAT, "JSON", "json"),
        (Switch(), "yes", True),
        (Switch(), "0", False),
        (Text(), " as it is ", " as it is "),
        (Origins(), "https://App.example, http://b:8000/", ("https://app.example", "http://b:8000")),
        (Names(what="models"), "tiny.en, base,", ("tiny.en", "base")),
    ],
)
def test_text_that_is_taken(kind: Kind, text: str, value: Value) -> None:
    assert kind.from_text(text) == value


@pytest.mark.parametrize(
    ("kind", "text", "takes"),
    [
        (PORT, "65536", "a whole number from 0 to 65535"),
        (PORT, "8765.0", "a whole number from 0 to 65535"),
        (PORT, "1_0", "a whole number from 0 to 65535"),
        (PORT, "9" * 30, "a whole number from 0 to 65535"),
        (SECONDS, "0", "a number of seconds above 0"),
        (SECONDS, "nan", "a number of seconds above 0"),
        (SECONDS, "inf", "a number of seconds above 0"),
        (SECONDS, "1e10", "a number of seconds above 0"),
        (FOR_EVER, "-1", "a number of seconds from 0, or inf for never"),
        (SILENCE, "0.05", "a number of seconds from 0.1 to 10"),
        (FORMAT, "xml", "auto, text or json"),
        (Switch(), "maybe", "true or false"),
        (Text(what="a file"), "a\0b", "a file"),
        (Origins(), "app.example", "schemes and hosts, as in https://app.example:8443"),
        (Origins(), "http://[", "schemes and hosts, as in https://app.example:8443"),
        (Origins(), "https://app.example/page", "schemes and hosts, as in https://app.example:8443"),
        (Origins(), "*", "schemes and hosts, as in https://app.example:8443"),
        (Origins(), "ftp://app.example", "schemes and hosts, as in https://app.example:8443"),
        (Names(what="models"), "base,tiny.en,base", "models, each of them once"),
    ],
)
def test_text_that_is_not_taken(kind: Kind, text: str, takes: str) -> None:
    with pytest.raises(BadValue) as bad:
        kind.from_text(text)
    assert str(bad.value) == takes


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (PORT, "1"), (PORT, True), (PORT, 1.0), (PORT, None), (SECONDS, "1"), (SECONDS, True), (SECONDS, [1]),
        (FORMAT, 5), (Switch(), 1), (Switch(), "true"), (Text(), 5), (Origins(), "https://a"), (Origins(), [5]),
        (Names(what="models"), 5), (Names(what="models"), ["base", 5]), (Names(what="models"), ["base", " "]),
    ],
)  # fmt: skip
def test_a_file_says_the_type_itself(kind: Kind, value: object) -> None:
    with pytest.raises(BadValue):
        kind.from_toml(value)


def test_one_name_in_a_file_needs_no_brackets() -> None:
    assert Names(what="models").from_toml("tiny.en") == ("tiny.en",)
    assert Names(what="models").from_toml(["tiny.en", "base"]) == ("tiny.en", "base")


VALUES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.integers(-(2**40), 2**40),
    st.booleans(),
    st.floats(min_value=0, allow_nan=False),
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5)).map(tuple),
)


@given(VALUES)
def test_what_is_printed_is_read_as_the_same(value: str | int | bool | float | tuple[str, ...]) -> None:
    read = tomllib.loads(f"a = {as_toml(value)}")["a"]
    assert (tuple(read) if isinstance(read, list) else read) == value
    assert type(value) is tuple or type(read) is type(value)


def test_an_error_quotes_no_more_than_helps() -> None:
    assert quoted("x" * 1_000).endswith(" …")
    assert len(quoted("x" * 1_000)) < 70
    assert quoted("a\nb") == r"'a\nb'"
