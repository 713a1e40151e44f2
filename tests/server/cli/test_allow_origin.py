"""Which pages may connect, as told on the command line."""

import pytest

from auricle.server.cli.option_errors import OptionError
from auricle.server.cli.server_choice import checked_origins


@pytest.mark.parametrize("origin", ["https://app.example", "http://App.Example:8443", "https://app.example/"])
def test_an_origin_is_as_browsers_say_it(origin: str) -> None:
    assert checked_origins([origin]) == (origin.lower().rstrip("/"),)


@pytest.mark.parametrize(
    "origin", ["", "*", "app.example", "ftp://app.example", "https://", "https://app.example/page"]
)
def test_what_is_no_origin_is_one_sentence(origin: str) -> None:
    with pytest.raises(OptionError, match="takes a scheme and a host"):
        checked_origins([origin])
