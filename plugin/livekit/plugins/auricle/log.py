"""Where this plugin logs. Never a transcript and never a key."""

import logging

logger = logging.getLogger("livekit.plugins.auricle")
