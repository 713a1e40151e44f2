"""Auricle for LiveKit Agents: speech-to-text on your own server, in real time.

``auricle.STT()`` connects to ``AURICLE_URL`` and authenticates with ``AURICLE_API_KEY``.
"""

from livekit.agents import Plugin
from livekit.plugins.auricle.log import logger
from livekit.plugins.auricle.models import STTModels
from livekit.plugins.auricle.report import Report
from livekit.plugins.auricle.stream import SpeechStream
from livekit.plugins.auricle.stt import STT
from livekit.plugins.auricle.version import __version__

__all__ = ["STT", "AuriclePlugin", "Report", "STTModels", "SpeechStream", "__version__"]


class AuriclePlugin(Plugin):
    """The entry of this plugin in the framework's registry."""

    def __init__(self) -> None:
        super().__init__(__name__, __version__, __package__ or __name__, logger)


Plugin.register_plugin(AuriclePlugin())
