from collections.abc import Iterator

import pytest

from server.uploads.upload_server import UploadServer, upload_server


@pytest.fixture(scope="module")
def server() -> Iterator[UploadServer]:
    """One server for the tests of a module: what one client does is no trouble of another."""
    with upload_server() as running:
        yield running
