"""Auricle for Pipecat: speech-to-text on your own server, in real time.

``AuricleSTTService()`` connects to ``AURICLE_URL`` and authenticates with ``AURICLE_API_KEY``.
"""

from pipecat_auricle.service import AuricleSTTService
from pipecat_auricle.settings import AuricleSTTSettings
from pipecat_auricle.stream_events import Report
from pipecat_auricle.version import __version__

__all__ = ["AuricleSTTService", "AuricleSTTSettings", "Report", "__version__"]
