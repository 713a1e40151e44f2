"""The logger of this plugin. Neither transcripts nor keys are logged."""

import logging

logger = logging.getLogger("livekit.plugins.auricle")
