"""Becomes the ``conftest.py`` beside a copy of LiveKit's test: what the test takes for granted, without its services.

The test imports some twenty plugins and makes an `STT` of each; one that raises `ValueError`, as they do without a key,
is skipped. Here that is every one but ours, which stands where AssemblyAI's is imported.
"""

import asyncio
import sys
from types import ModuleType
from typing import Any

import pytest
from livekit.plugins import auricle

VENDORS = (
    "aws", "azure", "cartesia", "deepgram", "elevenlabs", "fal", "fireworksai", "gladia", "google", "gradium",
    "mistralai", "nvidia", "openai", "sarvam", "soniox", "speechmatics",
)  # fmt: skip


def no_key(**_: object) -> None:
    """Stand for a plugin whose key nobody has."""
    raise ValueError("only Auricle is tested here")


def _stand_in(name: str, **members: Any) -> None:
    module = ModuleType(name)
    vars(module).update(members)
    sys.modules[name] = module


for vendor in VENDORS:
    _stand_in(f"livekit.plugins.{vendor}", STT=no_key, STTv2=no_key)
sys.modules["livekit.plugins.assemblyai"] = auricle
# What helpers of other tests there import.
_stand_in("dotenv", load_dotenv=lambda: None)
_stand_in("tiktoken")


def pytest_configure(config: pytest.Config) -> None:
    """Know the marker of the test."""
    config.addinivalue_line("markers", "stt: tests of speech-to-text")


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test, as the plugin does that LiveKit's tests are written for."""
    if not asyncio.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    asyncio.run(pyfuncitem.obj(**arguments))
    return True


@pytest.fixture
def job_process() -> None:
    """Nothing: our plugin has connections of its own."""
