from collections.abc import Iterator

import pytest

from server.dialects.dialect_server import DialectServer, dialect_server


@pytest.fixture(scope="module")
def server() -> Iterator[DialectServer]:
    """One server for the tests of a module: what one client does is no trouble of another."""
    with dialect_server() as running:
        yield running
