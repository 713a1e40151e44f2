"""The distribution as others find it."""

import logging
from importlib.metadata import distribution
from pathlib import Path

import pytest
from livekit.agents import Plugin
from livekit.plugins import auricle

ROOT = Path(__file__).parents[2]
NAMESPACE = ROOT / "plugin" / "livekit"


def test_it_is_registered_with_its_version_and_its_log() -> None:
    ours = [plugin for plugin in Plugin.registered_plugins if plugin.package == "livekit.plugins.auricle"]
    assert [(plugin.version, plugin.logger) for plugin in ours] == [
        (auricle.__version__, logging.getLogger("livekit.plugins.auricle"))
    ]


def test_the_namespace_is_livekits() -> None:
    assert not (NAMESPACE / "__init__.py").exists()
    assert not (NAMESPACE / "plugins" / "__init__.py").exists()
    assert (NAMESPACE / "plugins" / "auricle" / "py.typed").exists()


def test_what_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    claimed = auricle.STT(chat_context=False, interim_results=False).capabilities
    assert (claimed.chat_context, claimed.interim_results) == (False, False)
    claimed = auricle.STT().capabilities
    assert (claimed.streaming, claimed.interim_results, claimed.offline_recognize) == (True, True, True)
    assert (claimed.keyterms, claimed.chat_context) == (True, True)
    assert getattr(claimed, "manual_flush", True), "wherever the release has it"
    assert (claimed.aligned_transcript, claimed.diarization) == ("word", False)


def test_installed_it_asks_for_the_client_and_never_for_the_engines() -> None:
    asked = distribution("livekit-plugins-auricle").requires or []
    assert "auricle[asyncio]" in asked
    assert not [one for one in asked if "server" in one]


def test_outside_of_an_event_loop_prewarm_does_nothing() -> None:
    auricle.STT().prewarm()
