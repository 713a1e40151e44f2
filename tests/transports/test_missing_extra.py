"""A client whose libraries are not installed says which extra brings them."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(("loop", "library"), [("asyncio", "aiohttp"), ("trio", "trio_websocket")])
def test_the_extra_is_named(loop: str, library: str) -> None:
    script = f"import sys; sys.modules[{library!r}] = None; import auricle.transports.{loop}"
    failed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert failed.stderr.splitlines()[-1] == (
        f"ModuleNotFoundError: auricle.transports.{loop} needs {library}, which is not installed: install auricle with "
        f"its extra `{loop}`."
    )
